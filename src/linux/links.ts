/** The host's network interfaces as values, made from what rtnetlink(7) and /proc say. */
import { readFileSync } from "node:fs";
import type { rt } from "netlink";
import { type Address, type Ipv4, type Ipv6, type Mac, addressFromBytes, isIpv4, macFromBytes } from "../net/index.ts";

export type Link = {
  readonly name: string;
  /** The kernel's number for it; an interface that is made again under its old name has another. */
  readonly index: number;
  /** Of a macvlan, the number of the interface of this host that it is made on: both are on one segment, each with its own MAC. */
  readonly over: number | undefined;
  /** Changes whenever what was sent or heard before may be void: the link was down, or another port of a bond took over. */
  readonly epoch: number;
  /** Undefined on what is not Ethernet. */
  readonly mac: Mac | undefined;
  /** Set up by the administrator. */
  readonly up: boolean;
  /** Ready to pass packets. */
  readonly carrier: boolean;
  /** Ethernet with broadcast and ARP, and no port of a bridge or bond, whose frames belong to that. */
  readonly broadcast: boolean;
  /** The kernel's own, ready for use: without those whose duplicate address detection runs or has failed. */
  readonly addresses: readonly Address[];
  /** The first of fe80::/10. */
  readonly linkLocal: Ipv6 | undefined;
  /** Octets. */
  readonly mtu: number;
};

const SCOPE_LINK = 253; // RT_SCOPE_LINK
const EVENT_BONDING_FAILOVER = 3; // IFLA_EVENT_…, linux/if_link.h
const EVENT_NOTIFY_PEERS = 4;
const INFO_KIND = 1; // IFLA_INFO_KIND

/** Every interface, by index. `epochs` counts disruptions by index. */
export function linksFrom(
  links: readonly rt.LinkMessage[],
  addresses: readonly rt.AddressMessage[],
  epochs: ReadonlyMap<number, number>,
): readonly Link[] {
  const kinds = new Map(links.map((link) => [link.data.index, kindOf(link)]));
  return links
    .map((message) => linkFrom(message, addresses, epochs, kinds))
    .filter((link) => link !== undefined)
    .sort((a, b) => a.index - b.index);
}

function linkFrom(
  { data, attrs }: rt.LinkMessage,
  addresses: readonly rt.AddressMessage[],
  epochs: ReadonlyMap<number, number>,
  kinds: ReadonlyMap<number | undefined, string | undefined>,
): Link | undefined {
  const { index, flags = {} } = data;
  if (index === undefined || attrs.ifname === undefined) return undefined;
  const own = addresses.filter((each) => each.data.index === index && usable(each));
  const mac = data.type === "ETHER" && attrs.address?.length === 6 ? macFromBytes(attrs.address) : undefined;
  // A VRF is a master too, but its ports keep their traffic.
  const isPort = attrs.master !== undefined && kinds.get(attrs.master) !== "vrf";
  return {
    name: attrs.ifname,
    index,
    over: kinds.get(index) === "macvlan" && attrs.linkNetnsid === undefined && attrs.link?.length === 4 ? attrs.link.readUInt32LE(0) : undefined,
    epoch: epochs.get(index) ?? 0,
    mac,
    up: flags.up === true,
    carrier: flags.running === true && flags.lowerUp === true,
    broadcast: mac !== undefined && flags.broadcast === true && flags.loopback !== true && flags.noarp !== true && !isPort,
    addresses: own.map(addressOf).filter((address) => address !== undefined),
    linkLocal: own
      .filter((each) => each.data.scope === SCOPE_LINK)
      .map(addressOf)
      .find((address): address is Ipv6 => address !== undefined && !isIpv4(address)),
    mtu: attrs.mtu ?? 0,
  };
}

/** Whether a message of the kernel about a link means that what was sent or heard on it before may be void. */
export function isDisruption({ data, attrs }: rt.LinkMessage): boolean {
  const event = attrs.event?.length === 4 ? attrs.event.readUInt32LE(0) : 0;
  return data.flags?.up !== true || data.flags.lowerUp !== true || event === EVENT_BONDING_FAILOVER || event === EVENT_NOTIFY_PEERS;
}

function usable({ data, attrs }: rt.AddressMessage): boolean {
  const flags = attrs.flags ?? data.flags ?? {};
  return flags.tentative !== true && flags.dadfailed !== true;
}

/** IFA_LOCAL is the own address, IFA_ADDRESS the peer's, where the two differ. */
function addressOf({ attrs }: rt.AddressMessage): Address | undefined {
  const bytes = attrs.local ?? attrs.address;
  return bytes?.length === 4 || bytes?.length === 16 ? addressFromBytes(bytes) : undefined;
}

/** "bridge", "bond", "vrf", …: the attribute IFLA_INFO_KIND within IFLA_LINKINFO. */
function kindOf({ attrs }: rt.LinkMessage): string | undefined {
  const info = attrs.linkinfo;
  for (let at = 0; info !== undefined && at + 4 <= info.length; ) {
    const length = info.readUInt16LE(at);
    if (info.readUInt16LE(at + 2) === INFO_KIND) return info.toString("latin1", at + 4, at + length).replace(/\0.*/, "");
    at += Math.max(4, (length + 3) & ~3);
  }
  return undefined;
}

/** Whether the host forwards IPv6 on the interface, which is what makes it a router there. False if it has no IPv6. */
export function ipv6Forwarding(name: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${name}/forwarding`, "latin1").trim() !== "0";
  } catch {
    return false;
  }
}

/** The first IPv4 address of the interface with the default route of the lowest metric. */
export function defaultRouteAddress(links: readonly Link[]): Ipv4 | undefined {
  let routes: string;
  try {
    routes = readFileSync("/proc/net/route", "latin1");
  } catch {
    return undefined;
  }
  const name = defaultRouteInterface(routes);
  return links.find((link) => link.name === name)?.addresses.find(isIpv4);
}

/** From the text of /proc/net/route: hexadecimal words in the host's byte order, the flags of route(8), a metric. */
export function defaultRouteInterface(routes: string): string | undefined {
  const UP = 0x1;
  const REJECT = 0x200;
  let best: { readonly name: string; readonly metric: number } | undefined;
  for (const line of routes.split("\n").slice(1)) {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
    if (name === undefined || destination !== "00000000" || mask !== "00000000") continue;
    if ((Number.parseInt(flags ?? "0", 16) & (UP | REJECT)) !== UP) continue;
    const found = { name, metric: Number(metric) };
    if (best === undefined || found.metric < best.metric) best = found;
  }
  return best?.name;
}
