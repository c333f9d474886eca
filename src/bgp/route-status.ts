/** The routes of a peer for people: what was sent, with the attributes that stand in the messages, and what the rest waits for. Pure. */
import type { Family } from "../net/index.ts";
import { type WrittenAttributes, attributesInWords, encodeAnnouncement } from "../wire/index.ts";
import type { AdjRibOut, RibEntry } from "./adj-rib-out.ts";
import type { Negotiated } from "./negotiated.ts";
import type { Shared } from "./shared-attributes.ts";
import type { BgpRouteStatus } from "./status.ts";
import type { Transmitter, WaitsFor } from "./transmitter.ts";

export type RouteFacts = {
  readonly transmitter: Pick<Transmitter, "encoded" | "waitsFor">;
  /** Undefined unless the session is established. */
  readonly agreed: Negotiated | undefined;
  /** Why there is no session, as a sentence. */
  readonly noSession: string;
};

/** Of a peer with which there can be no session. */
export const WITHOUT_SESSION: Omit<RouteFacts, "noSession"> = { transmitter: { encoded: () => undefined, waitsFor: () => "session" }, agreed: undefined };

/** Attributes as they were sent last. Decoded once for all routes that share them, and anew when they are sent otherwise. */
type InWords = Map<Shared, { readonly encoded: object; readonly attributes: WrittenAttributes }>;

/**
 * Each is worked out when it is asked for, because there may be a hundred thousand; `facts` are asked for each anew, because the session may
 * come and go meanwhile.
 */
export function* routeStatuses(rib: AdjRibOut, facts: () => RouteFacts): Generator<BgpRouteStatus> {
  const inWords: InWords = new Map();
  for (const entry of rib.list()) yield routeStatus(entry, facts(), inWords);
}

export function routeStatus(entry: RibEntry, facts: RouteFacts, inWords: InWords = new Map()): BgpRouteStatus {
  const { prefix, family, wanted, sent, held, vips, vipCount } = entry;
  const attributes = sent === undefined ? undefined : written(entry, sent, facts, inWords);
  const route = { prefix, vips, vipCount };
  if (attributes === "too-long") return { ...route, state: "waiting", because: "its attributes leave no room for a prefix in a message: fewer communities are needed", attributes: undefined };
  if (sent !== undefined && sent === wanted && !held && attributes !== undefined) return { ...route, state: "sent", because: undefined, attributes };
  return { ...route, state: sent === undefined ? "waiting" : wanted === undefined ? "withdrawing" : "changing", because: held && facts.agreed !== undefined ? HELD : waiting(facts, family), attributes };
}

/** Of a route that was sent so; undefined if others were sent since, or nothing. */
function written({ family, prefix }: RibEntry, shared: Shared, { transmitter, agreed }: RouteFacts, inWords: InWords): WrittenAttributes | "too-long" | undefined {
  const encoded = transmitter.encoded(family, shared);
  if (agreed === undefined || encoded === undefined || encoded === "too-long") return encoded === "too-long" ? encoded : undefined;
  const known = inWords.get(shared);
  if (known?.encoded === encoded) return known.attributes;
  const [message] = encodeAnnouncement(encoded, [prefix]);
  if (message === undefined) return undefined;
  const attributes = attributesInWords(message, agreed);
  inWords.set(shared, { encoded, attributes });
  return attributes;
}

const HELD = "it is held back: the peer has as many routes as max_prefixes allows; raise it, after the limit of the router";

function waiting({ transmitter, noSession }: RouteFacts, family: Family): string {
  return IN_WORDS[transmitter.waitsFor(family)](family, noSession);
}

const IN_WORDS: Readonly<Record<WaitsFor, (family: Family, noSession: string) => string>> = {
  session: (_family, noSession) => noSession,
  family: (family) => `the peer does not speak ${family} unicast`,
  view: () => "the cluster has not been read completely yet",
  "next-hop": (family) => `the interface of this session has no ${family} address to be the next hop`,
  peer: () => "the peer does not take what was sent before",
  turn: () => "it is about to be sent",
};
