/** What differs between the configuration in force and another one: in words, and which of it a running daemon cannot take. Pure. */
import type { Config } from "./config.ts";
import type { LoadedConfig } from "./load.ts";
import { type Problem, quote } from "./problem.ts";

/** A configuration without problems. */
export type Loaded = Extract<LoadedConfig, { readonly ok: true }>;

/**
 * "[fleet] hello", "[[pool]] lan added": one for each key of a table, one for each table of a list, in the order of the schema. What
 * the files hold that the configuration names counts too. Empty: the two mean the same.
 */
export function describeChanges(before: Loaded, after: Loaded): readonly string[] {
  const [a, b] = [before.config, after.config];
  return [
    ...keys("host", a.host, b.host),
    ...keys("kubernetes", a.kubernetes, b.kubernetes),
    ...tables("pool", a.pools, b.pools),
    ...tables("l2", a.l2, b.l2),
    ...bgpKeys(a.bgp, b.bgp),
    ...tables("bgp.peer", a.bgp?.peers ?? [], b.bgp?.peers ?? []),
    ...passwords(before, after),
    ...tables("bgp.advertisement", a.bgp?.advertisements ?? [], b.bgp?.advertisements ?? []),
    ...tables("bfd", a.bfd, b.bfd),
    ...keys("fleet", a.fleet, b.fleet),
    ...(same(before.secrets.fleetKey, after.secrets.fleetKey) ? [] : ["the fleet's key"]),
    ...keys("metrics", a.metrics, b.metrics),
  ];
}

/**
 * What of it a running daemon cannot take.
 * @param identifier the BGP identifier that its sessions use; undefined: there are none, so that another can be had
 */
export function fixedChanges(before: Loaded, after: Loaded, identifier: string | undefined): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { place, value } of after.fixed) {
    const was = before.fixed.find((one) => one.place.path === place.path)?.value ?? "";
    if (was === value) continue;
    const isIdentifier = place.path === "host.router_id";
    if (isIdentifier && (identifier === undefined || identifier === value)) continue;
    const why = isIdentifier ? "every BGP session would have to be reset" : "a running daemon cannot change that";
    problems.push({ ...place, message: `was ${say(was)} and is ${say(value)} now: ${why}; "systemctl restart bmlb" applies it` });
  }
  return problems;
}

function say(value: string): string {
  return value === "" ? "not set" : quote(value);
}

function bgpKeys(before: Config["bgp"], after: Config["bgp"]): readonly string[] {
  const own = (bgp: NonNullable<Config["bgp"]>): object => ({ asn: bgp.asn, listen: bgp.listen, communities: Object.fromEntries(bgp.communityNames) });
  if (before === undefined || after === undefined) return before === after ? [] : [`[bgp] ${before === undefined ? "added" : "removed"}`];
  return keys("bgp", own(before), own(after));
}

/** Of one table; keys that it does not have in a file are there with their defaults. */
function keys(table: string, before: object, after: object): readonly string[] {
  const [a, b] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return Array.from(b.keys())
    .filter((key) => !same(a.get(key), b.get(key)))
    .map((key) => `[${table}] ${inToml(key)}`);
}

/** Of a list of tables: by name, and their order, which counts where two fit. */
function tables<T extends { readonly name: string }>(table: string, before: readonly T[], after: readonly T[]): readonly string[] {
  const [a, b] = [new Map(before.map((one) => [one.name, one])), new Map(after.map((one) => [one.name, one]))];
  const removed = before.filter(({ name }) => !b.has(name)).map(({ name }) => `[[${table}]] ${name} removed`);
  const others = after.flatMap((one) => {
    const was = a.get(one.name);
    if (was === undefined) return [`[[${table}]] ${one.name} added`];
    return same(was, one) ? [] : [`[[${table}]] ${one.name} changed`];
  });
  const stayed = after.filter(({ name }) => a.has(name)).map(({ name }) => name);
  const order = before.filter(({ name }) => b.has(name)).map(({ name }) => name);
  return [...removed, ...others, ...(same(order, stayed) ? [] : [`[[${table}]] in another order`])];
}

/** What the same files hold; another file, or none, is a change of the peer. */
function passwords(before: Loaded, after: Loaded): readonly string[] {
  return Array.from(after.secrets.passwords)
    .filter(([name, password]) => (before.secrets.passwords.get(name) ?? password) !== password)
    .map(([name]) => `the password of peer ${name}`);
}

/** "helloMs" is `hello` in the file. */
function inToml(key: string): string {
  return key.replace(/Ms$/, "").replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/** Of values as a configuration has them; a key without a value is no key. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [first, second] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return Array.from(new Set([...first.keys(), ...second.keys()])).every((key) => same(first.get(key), second.get(key)));
}
