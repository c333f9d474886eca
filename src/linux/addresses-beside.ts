/** Which other addresses the interface of a local address has: next hops for families that a BGP session does not run over. */
import { networkInterfaces } from "node:os";
import { type Address, type Ipv4, type Ipv6, isLinkLocal, parseIpv4, parseIpv6 } from "../net/index.ts";

export type AddressesOfInterface = {
  /** The first that is not loopback. */
  readonly ipv4: Ipv4 | undefined;
  readonly ipv6: Ipv6 | undefined;
  readonly linkLocal: Ipv6 | undefined;
};

/** All undefined if no interface has the address. `zone` names the interface of a link-local one. */
export function addressesBeside(local: Address, zone: string | undefined): AddressesOfInterface {
  const found = Object.entries(networkInterfaces()).find(
    ([name, addresses]) => (zone === undefined || zone === name) && addresses?.some(({ address }) => address === local) === true,
  );
  const addresses = found?.[1]?.map(({ address }) => address) ?? [];
  const ipv6 = addresses.flatMap((text) => parseIpv6(text) ?? []);
  return {
    ipv4: addresses.flatMap((text) => parseIpv4(text) ?? []).find((address) => !address.startsWith("127.")),
    ipv6: ipv6.find((address) => !isLinkLocal(address) && address !== "::1"),
    linkLocal: ipv6.find(isLinkLocal),
  };
}
