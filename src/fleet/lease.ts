/**
 * The statements in another host's Lease: somebody else's text, so every field is looked at. Pure.
 *
 * They introduce a host; they never make an owner and never unmake one. What cannot be read is left out.
 */
import { type Address, parseAddress, parseMac } from "../net/index.ts";
import type { Rank, Statement } from "./statement.ts";

/** Bounds on what is taken from one Lease. */
const LONGEST_TEXT = 65_536;
const MOST_STATEMENTS = 32;
const MOST_ITEMS = 256;
const LONGEST_STRING = 253;

/** The JSON array of statements, one per segment of the host, that `Fleet.statements()` gives. Empty if it is not that. */
export function readStatements(text: string): readonly Statement[] {
  if (text.length > LONGEST_TEXT) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return value.slice(0, MOST_STATEMENTS).flatMap((item: unknown) => {
    const statement = readStatement(item);
    return statement === undefined ? [] : [statement];
  });
}

function readStatement(value: unknown): Statement | undefined {
  if (!isRecord(value)) return undefined;
  const { name, instance, machine, reason, node, mac: macText, advertisements, addresses, digests } = value;
  const rank = readRank(value["rank"]);
  const mac = isText(macText) ? parseMac(macText) : undefined;
  const numbers = [value["uptimeMs"], value["weight"], value["viewAgeMs"], value["loopLagMs"], value["serving"], value["intervalMs"]].map(readNumber);
  const [uptimeMs, weight, viewAgeMs, loopLagMs, serving, intervalMs] = numbers;
  if (!isText(name) || !isText(instance) || !isText(machine) || !isText(reason) || rank === undefined || mac === undefined || !isRecord(digests)) return undefined;
  if (uptimeMs === undefined || weight === undefined || viewAgeMs === undefined || loopLagMs === undefined || serving === undefined || intervalMs === undefined) return undefined;
  const { pools, l2, bgp, algorithm } = digests;
  if (!isText(pools) || !isText(l2) || !isText(bgp) || readNumber(algorithm) === undefined) return undefined;
  return {
    name,
    instance,
    machine,
    uptimeMs,
    rank,
    reason,
    leaving: value["leaving"] === true,
    node: isText(node) ? node : undefined,
    advertisements: readList(advertisements, readAdvertisement),
    weight,
    bgp: value["bgp"] === true,
    viewAgeMs,
    loopLagMs,
    heard: readList(value["heard"], readText),
    dead: readList(value["dead"], readText),
    serving,
    intervalMs,
    mac,
    addresses: readList(addresses, readAddress),
    digests: { pools, l2, bgp, algorithm: readNumber(algorithm) ?? 0 },
  };
}

function readRank(value: unknown): Rank | undefined {
  return value === 0 || value === 1 || value === 2 || value === 3 ? value : undefined;
}

/** A number that may be an age or a count. */
function readNumber(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function readText(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

function readAddress(value: unknown): Address | undefined {
  return isText(value) ? parseAddress(value) : undefined;
}

function readAdvertisement(value: unknown): Statement["advertisements"][number] | undefined {
  if (!isRecord(value) || !isText(value["name"])) return undefined;
  const prefer = readNumber(value["prefer"]);
  return prefer === undefined ? undefined : { name: value["name"], prefer };
}

function readList<T>(value: unknown, read: (item: unknown) => T | undefined): readonly T[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MOST_ITEMS).flatMap((item: unknown) => {
    const one = read(item);
    return one === undefined ? [] : [one];
  });
}

/** What is shown to people must be printable. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= LONGEST_STRING && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
