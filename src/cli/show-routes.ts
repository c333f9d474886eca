/** The routes of BGP as a table for people. Pure. */
import type { RouteReport } from "../admin/index.ts";
import { addressToBigInt, familyOf, parsePrefix } from "../net/index.ts";
import { formatTable, NOTHING, orNothing } from "./table.ts";

export function showRoutes(reports: readonly RouteReport[]): string {
  return formatTable(
    ["PEER", "PREFIX", "STATE", "NEXT-HOP", "AS-PATH", "ATTRIBUTES", "SERVICES", "ADVERTISEMENTS", "REMARKS"],
    inOrder(reports).map((route) => [
      route.peer,
      route.prefix,
      route.state,
      orNothing(inWords(route.attributes?.["next_hop"])),
      orNothing(inWords(route.attributes?.["as_path"])),
      orNothing(others(route)),
      orNothing(distinct(route, (vip) => vip.service)),
      orNothing(distinct(route, (vip) => vip.advertisement)),
      orNothing(route.because),
    ]),
  );
}

const IN_COLUMNS = ["next_hop", "as_path", "origin"];

/** What has no column of its own: "med=5 communities=gold(64500:100),no-export". ORIGIN is left out where it is what it always is. */
function others({ attributes, community_names: names }: RouteReport): string {
  return Object.entries(attributes ?? {})
    .filter(([name, value]) => !IN_COLUMNS.includes(name) || (name === "origin" && value !== "igp"))
    .map(([name, value]) => (value === true ? name : `${name}=${inWords(typeof value === "object" ? value.map((one) => withName(one, names)) : value)}`))
    .join(" ");
}

/** A community by the operator's name for it, if there is one. A daemon of another version may send no names at all. */
function withName(value: string, names: RouteReport["community_names"] | undefined): string {
  const name = names !== undefined && Object.hasOwn(names, value) ? names[value] : undefined;
  return name === undefined ? value : `${name}(${value})`;
}

function inWords(value: string | number | true | readonly string[] | undefined): string {
  return Array.isArray(value) ? value.join(",") : String(value ?? "");
}

/** Of all VIPs that are named, and that there are more. */
function distinct({ vips, vips_total: total }: RouteReport, of: (vip: RouteReport["vips"][number]) => string | null): string {
  const names = [...new Set(vips.map((vip) => of(vip) ?? NOTHING))].join(",");
  return total > vips.length ? `${names},...` : names;
}

/** Each peer's by address, IPv4 first; the peers as they come. What the order goes by is worked out once for each, as there may be very many. */
function inOrder(reports: readonly RouteReport[]): readonly RouteReport[] {
  const peers = new Map([...new Set(reports.map(({ peer }) => peer))].map((peer, place) => [peer, place]));
  const keyed = reports.map((route) => {
    const prefix = parsePrefix(route.prefix);
    const address = prefix === undefined ? 0n : addressToBigInt(prefix.address);
    const group = 2 * (peers.get(route.peer) ?? 0) + Number(prefix !== undefined && familyOf(prefix.address) === "ipv6");
    return { route, group, address, length: prefix?.length ?? 0 };
  });
  keyed.sort((a, b) => a.group - b.group || (a.address < b.address ? -1 : a.address > b.address ? 1 : a.length - b.length));
  return keyed.map(({ route }) => route);
}
