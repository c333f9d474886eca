/** What the benchmark asks of a program that announces routes: bmlb, as its speaker and as a whole, and the three beside it are started, told and ended alike. */
import type { Host } from "../../lab/index.ts";

export const ANNOUNCER = { address: "10.7.0.1", asn: 64500 } as const;
export const ROUTER = { address: "10.7.0.254", asn: 64501 } as const;

/** How many prefixes there are, and how many different attribute sets they carry. */
export type Load = { readonly prefixes: number; readonly sets: number };

/** The attribute that is changed on all of them: this community is added, and taken away again. */
export const CHANGED = { asn: ANNOUNCER.asn, value: 2 } as const;

export interface Announcer {
  readonly name: string;
  /** Why it cannot take part here; undefined if it can. */
  absent(): string | undefined;
  version(): Promise<string>;
  /** Whether it is measured with so much; left out: always. */
  takesPart?(load: Load): boolean;
  /** Starts it with all routes loaded, ready to be connected to; the session is not up yet. */
  start(host: Host, load: Load): Promise<Running>;
}

export type Order = {
  /** Gives it; returns when it has been given, not when it is done. */
  readonly give: () => Promise<void>;
};

export interface Running {
  /** Its first process: what is used is counted for it and all its descendants. */
  readonly pid: number;
  /** Makes ready what adds the community to all prefixes, or takes it away. */
  change(to: "with" | "without"): Promise<Order>;
  /** Makes ready what takes a single prefix back, or announces it again; left out where that is not asked for. */
  changeOne?(to: "away" | "back"): Promise<Order>;
  /** Makes ready what takes all prefixes back. */
  withdraw(): Promise<Order>;
  /** The longest time that its main loop did nothing else since the last call, in ms; undefined if that is not known. */
  longestStallMs(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** The address of the n-th prefix, which is a /32. */
export function vipOf(n: number): string {
  return `10.${128 + (n >> 16)}.${(n >> 8) & 0xff}.${n & 0xff}`;
}

/** The community that tells the attribute set of the n-th prefix from the others: [AS, value]. */
export function communityOf(n: number, { sets }: Load): readonly [number, number] {
  return [ANNOUNCER.asn, 1000 + (n % sets)];
}

/** 0 … prefixes - 1, for what is written for each prefix. */
export function forEachPrefix<T>({ prefixes }: Load, write: (n: number) => T): T[] {
  return Array.from({ length: prefixes }, (_, n) => write(n));
}
