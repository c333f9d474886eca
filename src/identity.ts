/** Who this daemon is among all others, and among its own lives. */
import { createHash } from "node:crypto";
import { bootId, type Keepsakes, machineId } from "./linux/index.ts";
import { type Ipv4, parseIpv4 } from "./net/index.ts";
import type { Clock } from "./time/index.ts";

export type Identity = {
  /** Eight hexadecimal digits of the machine, eight of this life of the daemon on it. */
  readonly instance: string;
  /** How often the daemon started within the last ten minutes before this. */
  readonly recentStarts: number;
};

const RECENT_MS = 600_000;
const MOST_STARTS = 32;

/** Counts this start. */
export function identify(host: string, keepsakes: Keepsakes, clock: Clock): Identity {
  const now = clock.wall();
  const starts = (keepsakes.read("starts") ?? "")
    .split(" ")
    .map(Number)
    // A wall clock that was set back makes starts of the future, which say nothing.
    .filter((at) => at > now - RECENT_MS && at <= now)
    .slice(-MOST_STARTS);
  keepsakes.keep("starts", [...starts, now].join(" "));
  // The name belongs to the machine's part: clones of one image share a machine-id, and are machines of their own all the same.
  return { instance: digest("machine", machineId(), host) + digest("life", bootId(), String(now), String(process.pid)), recentStarts: starts.length };
}

/**
 * The BGP Identifier (RFC 6286): as configured, else the one that was used before, else the first address of the default route's
 * interface, else made from the machine's identity. What was used is kept: a router would take another for another speaker.
 */
export function routerId(configured: Ipv4 | undefined, keepsakes: Keepsakes, defaultRoute: () => Ipv4 | undefined): Ipv4 {
  if (configured !== undefined) return configured;
  const kept = parseIpv4(keepsakes.read("router-id") ?? "");
  if (kept !== undefined) return kept;
  const found = defaultRoute() ?? madeUpRouterId();
  keepsakes.keep("router-id", found);
  return found;
}

/** Of class E, which nobody's interface has. */
function madeUpRouterId(): Ipv4 {
  const octets = createHash("sha256").update(`router-id ${machineId()}`).digest();
  return `${240 + (octets.readUInt8(0) & 7)}.${octets.readUInt8(1)}.${octets.readUInt8(2)}.${octets.readUInt8(3)}` as Ipv4;
}

function digest(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join(" ")).digest("hex").slice(0, 8);
}
