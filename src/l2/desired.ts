/** What l2/ is asked for, and what it reports back. */
import type { Address, Mac } from "../net/index.ts";

/** What to do about one VIP on one segment (named by its interface). */
export type L2Intent =
  /** Answer for it. A `claim` other than the last one seen for it is announced with a full burst, else another `defence` with one frame. */
  | { readonly segment: string; readonly action: "answer"; readonly claim: number; readonly defence?: number }
  /** Ask once whether anybody answers for it; an `ask` other than the last one seen is a new question. */
  | { readonly segment: string; readonly action: "ask"; readonly ask: number };

/** Every VIP that this host has to do with on a segment; an address that is absent is left alone. */
export type L2Desired = ReadonlyMap<Address, readonly L2Intent[]>;

/** What the wire said; `segments.ts` hands it to the fleet. */
export type L2Event =
  /** Somebody else says that it has the address: a gratuitous ARP, an ARP reply or a Neighbor Advertisement. */
  | { readonly type: "heard"; readonly segment: string; readonly address: Address; readonly mac: Mac }
  /** Somebody else asks the network with an address that we answer for as his own. */
  | { readonly type: "used"; readonly segment: string; readonly address: Address; readonly mac: Mac }
  /** Somebody asks as one who has not the address itself: an ARP probe (RFC 5227) or a Neighbor Solicitation from :: (RFC 4862). */
  | { readonly type: "question"; readonly segment: string; readonly address: Address; readonly mac: Mac }
  /** The answer to question `ask`: the MAC that answered, or undefined if nobody did in time. */
  | { readonly type: "asked"; readonly segment: string; readonly address: Address; readonly ask: number; readonly answer: Mac | undefined };
