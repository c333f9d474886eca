/** That no two sockets want the same address and port: the kernel would refuse the second only once the daemon runs. Pure. */
import { familyOf } from "../net/index.ts";
import type { SocketAddress } from "./address-text.ts";
import type { Findings } from "./findings.ts";
import { quote } from "./problem.ts";
import type { Setting } from "./table.ts";
import type { Item } from "./value.ts";

/** Linux gives a port on all addresses and on one of them to two sockets in no order. */
export function checkListeners(bgp: readonly Item<SocketAddress>[], metrics: Setting<SocketAddress | "off">, findings: Findings): void {
  for (const [index, { value, place }] of bgp.entries()) {
    const earlier = bgp.slice(0, index).find((other) => bothCannot(value, other.value));
    if (earlier !== undefined) {
      const wide = isWildcard(value) ? value : earlier.value;
      findings.report(place, `${written(value)} and ${earlier.place.path} = ${written(earlier.value)} cannot both be listened on: ${quote(wide.address)} is every address; keep one of them`);
    }
    // The one for metrics takes IPv4 too if it is on all IPv6 addresses; those of BGP do not.
    const figures = metrics.value;
    if (metrics.state === "wrong" || figures === "off" || figures.port !== value.port) continue;
    if (figures.address !== "::" && !sameOrWider(value, figures)) continue;
    const by = metrics.state === "given" ? ` at ${metrics.place.file}:${metrics.place.line}` : " by default";
    findings.report(place, `${written(value)} is taken by listen of [metrics], which is ${written(figures)}${by}; give one of them another port`);
  }
}

function bothCannot(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && sameOrWider(a, b);
}

function sameOrWider(a: SocketAddress, b: SocketAddress): boolean {
  return a.address === b.address || (familyOf(a.address) === familyOf(b.address) && (isWildcard(a) || isWildcard(b)));
}

function isWildcard({ address }: SocketAddress): boolean {
  return address === "0.0.0.0" || address === "::";
}

function written({ address, port }: SocketAddress): string {
  return quote(familyOf(address) === "ipv6" ? `[${address}]:${port}` : `${address}:${port}`);
}
