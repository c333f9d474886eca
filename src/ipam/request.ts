/** What a Service asks for: addresses and pools, from the spec and from the annotations of bmlb and of MetalLB. Pure. */
import type { Service } from "../cluster/index.ts";
import { type Address, type Family, parseAddress } from "../net/index.ts";

export type AddressRequest = {
  /** Exactly these, if any are named. */
  readonly addresses: readonly Address[];
  /** Only from this pool, if named. */
  readonly pool: string | undefined;
  /** In the Service's order of preference; never empty. */
  readonly families: readonly Family[];
  /** Every family is needed, else none is given. */
  readonly needsAllFamilies: boolean;
};

/** A request that cannot be understood; `message` is for the Service's Event. */
export type BadRequest = { readonly bad: string };

const ADDRESS_ANNOTATIONS = ["bmlb.io/ips", "metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"];
const POOL_ANNOTATIONS = ["bmlb.io/pool-request", "metallb.io/address-pool", "metallb.universe.tf/address-pool"];

export function requestOf(service: Service): AddressRequest | BadRequest {
  const families = service.ipFamilies.map((family): Family => (family === "IPv4" ? "ipv4" : "ipv6"));
  const named = firstOf(service.annotations, ADDRESS_ANNOTATIONS);
  const source = named?.key ?? "spec.loadBalancerIP";
  const addresses: Address[] = [];
  for (const text of (named?.value ?? service.loadBalancerIP ?? "").split(",").map((part) => part.trim())) {
    if (text === "") continue;
    const address = parseAddress(text);
    if (address === undefined) return { bad: `${source} asks for ${JSON.stringify(text)}, which is not an IP address` };
    if (!addresses.includes(address)) addresses.push(address);
  }
  return {
    addresses,
    pool: firstOf(service.annotations, POOL_ANNOTATIONS)?.value,
    families: families.length > 0 ? families : ["ipv4"],
    needsAllFamilies: service.ipFamilyPolicy === "RequireDualStack",
  };
}

function firstOf(annotations: Readonly<Record<string, string>>, keys: readonly string[]): { readonly key: string; readonly value: string } | undefined {
  for (const key of keys) {
    const value = annotations[key];
    if (value !== undefined && value !== "") return { key, value };
  }
  return undefined;
}
