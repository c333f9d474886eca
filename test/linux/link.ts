/** Makers of interfaces for tests: what is not given is what a plain one has that is up. */
import type { Link } from "../../src/linux/index.ts";
import { type Ipv6, type Mac, address } from "../../src/net/index.ts";

export function link(name: string, parts: Partial<Link> = {}): Link {
  return {
    name,
    index: 2,
    over: undefined,
    epoch: 0,
    mac: "02:00:00:00:00:01" as Mac,
    up: true,
    carrier: true,
    broadcast: true,
    addresses: [],
    linkLocal: address("fe80::1") as Ipv6,
    mtu: 1500,
    ...parts,
  };
}
