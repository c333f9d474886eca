/**
 * Why a VIP is or is not announced from this host: made in one place, printed alike by `explain`, the log and Events. Pure.
 */
import type { ServiceKey } from "../cluster/index.ts";
import { serviceName } from "../cluster/index.ts";
import type { Address } from "../net/index.ts";

export type Reason =
  | { readonly reason: "view-incomplete" }
  | { readonly reason: "no-service"; readonly address: Address; readonly pool: string | undefined }
  | { readonly reason: "other-type"; readonly service: ServiceKey; readonly type: string }
  | { readonly reason: "other-class"; readonly service: ServiceKey; readonly class: string | undefined }
  | { readonly reason: "deleting"; readonly service: ServiceKey }
  | { readonly reason: "no-pool"; readonly address: Address }
  | { readonly reason: "no-advertisement"; readonly pool: string }
  | { readonly reason: "host-not-selected"; readonly advertisement: string }
  | { readonly reason: "node-not-selected"; readonly advertisement: string; readonly node: string | undefined }
  | { readonly reason: "service-not-selected"; readonly advertisement: string }
  | { readonly reason: "no-interface"; readonly advertisement: string; readonly interfaces: readonly string[] }
  | { readonly reason: "interface-down"; readonly advertisement: string; readonly interface: string }
  | { readonly reason: "standby"; readonly owner: string | undefined; readonly because: string }
  | { readonly reason: "asking"; readonly interface: string }
  | { readonly reason: "no-endpoint"; readonly service: ServiceKey }
  | { readonly reason: "no-local-endpoint"; readonly service: ServiceKey; readonly node: string }
  | { readonly reason: "no-peer"; readonly advertisement: string }
  | { readonly reason: "peer-not-for-this-host"; readonly peer: string }
  | { readonly reason: "peer-without-family"; readonly peer: string; readonly family: string }
  | { readonly reason: "host-unfit"; readonly because: string };

/** One sentence, without a full stop, that an operator can act on. */
export function sayReason(reason: Reason): string {
  switch (reason.reason) {
    case "view-incomplete":
      return "the Services have not been read completely yet, neither from the API nor from the cache";
    case "no-service":
      return reason.pool === undefined ? `no Service has ${reason.address} in its status, and no configured pool contains it` : `no Service has ${reason.address} in its status; it is free in pool ${reason.pool}`;
    case "other-type":
      return `Service ${serviceName(reason.service)} is of type ${reason.type}, and only those of type LoadBalancer are announced`;
    case "other-class":
      return `Service ${serviceName(reason.service)} belongs to another load balancer (${reason.class === undefined ? "it names no class, and unclassed = false" : `loadBalancerClass ${reason.class}`})`;
    case "deleting":
      return `Service ${serviceName(reason.service)} is being deleted`;
    case "no-pool":
      return `no configured pool contains ${reason.address}; add it to a [[pool]] to have it announced`;
    case "no-advertisement":
      return `no [[l2]] or [[bgp.advertisement]] announces pool ${reason.pool}`;
    case "host-not-selected":
      return `advertisement ${reason.advertisement} is not for this host (hosts, host_selectors)`;
    case "node-not-selected":
      return reason.node === undefined
        ? `advertisement ${reason.advertisement} is for hosts with a node (node_selectors), and [host] node is not set here`
        : `advertisement ${reason.advertisement} does not select node ${reason.node} (node_selectors)`;
    case "service-not-selected":
      return `advertisement ${reason.advertisement} does not select this Service (service_selectors)`;
    case "no-interface":
      return reason.interfaces.length === 0
        ? `this host has no interface for advertisement ${reason.advertisement}: none is up and can broadcast`
        : `this host has no interface for advertisement ${reason.advertisement}: none matches ${reason.interfaces.join(", ")}`;
    case "interface-down":
      return `interface ${reason.interface} is down`;
    case "standby":
      return reason.owner === undefined ? reason.because : `${reason.owner} answers for it: ${reason.because}`;
    case "asking":
      return `asking on ${reason.interface} whether anybody answers for it`;
    case "no-endpoint":
      return `Service ${serviceName(reason.service)} has no endpoint that could serve`;
    case "no-local-endpoint":
      return `Service ${serviceName(reason.service)} has externalTrafficPolicy Local and no endpoint on node ${reason.node}`;
    case "no-peer":
      return `advertisement ${reason.advertisement} has no peer`;
    case "peer-not-for-this-host":
      return `peer ${reason.peer} is not for this host (hosts, host_selectors, node_selectors)`;
    case "peer-without-family":
      return `peer ${reason.peer} does not carry ${reason.family} (families)`;
    case "host-unfit":
      return reason.because;
  }
}
