/** What l2/ says of itself. Times are by the clock that it was given, in ms. */
import type { FrameSocketStatus } from "../linux/index.ts";
import type { Address, Mac } from "../net/index.ts";
import type { IgnoreCause } from "./responder.ts";

export type L2Status = { readonly segments: readonly SegmentStatus[] };

export type SegmentStatus = {
  /** The interface's name. */
  readonly segment: string;
  readonly mac: Mac | undefined;
  /** Whether frames are heard and sent here, and if not, why. */
  readonly capture: FrameSocketStatus;
  readonly counters: SegmentCounters;
  /** Those that are answered for here, each as it is when it is looked at: there may be ten thousand, and most want to know how many. */
  readonly vips: { readonly size: number; keys(): Iterable<Address>; get(address: Address): SegmentVipStatus | undefined };
};

export type SegmentVipStatus = {
  /** Since when it is answered for. */
  readonly since: number;
  /** When it was last announced; undefined if it never was. */
  readonly announced: number | undefined;
  /** Who answers for it: the kernel does for an address that is the interface's own. */
  readonly answeredBy: "bmlb" | "kernel";
};

/** Since the segment was opened. */
export type SegmentCounters = {
  /** Requests and solicitations that were answered. */
  readonly answered: { readonly arp: number; readonly ndp: number };
  /** Claims of others, and what they asked in the name of our VIPs. */
  readonly heard: number;
  /** Frames without consequence, by cause; "stale" ones had waited too long to be answered. */
  readonly ignored: Readonly<Record<IgnoreCause | "stale", number>>;
  /** Frames by which VIPs were announced. */
  readonly announcements: number;
  /** Frames by which was asked who has a VIP. */
  readonly questions: number;
  /** Frames that the kernel did not take. */
  readonly unsent: number;
};
