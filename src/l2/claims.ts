/**
 * When the VIPs of a segment are announced: at once when they are claimed, four times more within 4.4 s, and then now and then.
 *
 * The steps of 1.1 s outlive the second in which older kernels ignore a change of MAC. The refresh reaches what slept or was not
 * plugged in, and keeps switches from forgetting the port. First announcements go before everything else and ten times as fast as
 * repeats; a repeat that is late because others wait too takes those that are due by then with it.
 */
import { type Address, isIpv4 } from "../net/index.ts";
import type { Clock, Random } from "../time/index.ts";
import { Pacer } from "./pacer.ts";

/** How often, and how fast. */
export type AnnouncePace = {
  /** Frames per second after the first pass; above 0. */
  readonly announceRate: number;
  /** Between two announcements of a claim that stands, in ms, 90–110 % of it; 0 = never. */
  readonly refreshMs: number;
};

export type ClaimsOptions = AnnouncePace & {
  readonly segment: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Sends one form of announcement; false if it could not be sent. */
  readonly announce: (address: Address, form: AnnouncementForm) => boolean;
};

/** IPv6 has the first form only. */
export type AnnouncementForm = "first" | "second";

type Claim = {
  readonly address: Address;
  /** Which burst is running: what is queued for another is void. */
  burst: number;
  /** When its first announcement went out, by the clock; infinite until then. */
  began: number;
  announced: number | undefined;
};

type Due = { readonly claim: Claim; readonly burst: number };
/** "again" is followed by the next one when its time comes. */
type Repeat = Due & { readonly what: "second form" | "again" | "defence" };

const FIRST_PASS_RATE = 5_000; // frames per second
const REPEATS_MS = [100, 1_100, 2_200, 4_400] as const; // after the first one
const REFRESH_SPREAD = 0.2;

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #claims = new Map<Address, Claim>();
  readonly #firsts: Pacer<Due>;
  readonly #repeats: Pacer<Repeat>;
  #bursts = 0;
  #refreshMs: number;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#refreshMs = options.refreshMs;
    const { clock, segment } = options;
    this.#firsts = new Pacer({ clock, name: `announce on ${segment}`, rate: FIRST_PASS_RATE, send: (due) => this.#first(due) });
    this.#repeats = new Pacer({
      clock,
      name: `announce again on ${segment}`,
      rate: options.announceRate,
      send: (due) => this.#repeat(due),
    });
  }

  /** Announces the address with a full burst, the first frame with the next `flush` if the rate allows. */
  claim(address: Address): void {
    const claim = this.#claims.get(address) ?? { address, burst: 0, began: Infinity, announced: undefined };
    this.#claims.set(address, claim);
    claim.burst = ++this.#bursts;
    claim.began = Infinity;
    this.#firsts.add({ claim, burst: claim.burst }, this.#options.clock.now());
  }

  /** Announces a claim that stands once more: one frame, beside those that are due anyway. */
  defend(address: Address): void {
    const claim = this.#claims.get(address);
    if (claim !== undefined) this.#repeats.add({ claim, burst: claim.burst, what: "defence" }, this.#options.clock.now());
  }

  /** Sends what is due, without waiting for a timer. */
  flush(): void {
    this.#firsts.run();
  }

  /** Announces it no more. */
  release(address: Address): void {
    const claim = this.#claims.get(address);
    if (claim !== undefined) claim.burst = 0;
    this.#claims.delete(address);
  }

  /** Everything anew: whoever listens on the segment may be another, or this host has another MAC. */
  repeatAll(): void {
    for (const address of this.#claims.keys()) this.claim(address);
    this.flush();
  }

  /** Sends nothing: from the next announcement of each claim on, that is how it goes. */
  pace({ announceRate, refreshMs }: AnnouncePace): void {
    this.#repeats.pace(announceRate);
    if (refreshMs === this.#refreshMs) return;
    this.#refreshMs = refreshMs;
    this.#repeats.clear();
    for (const claim of this.#claims.values()) if (claim.began !== Infinity) this.#repeatInTime(claim);
  }

  /** When the address was last announced, by the clock; undefined if it never was. */
  announcedAt(address: Address): number | undefined {
    return this.#claims.get(address)?.announced;
  }

  stop(): void {
    this.#claims.clear();
    this.#firsts.clear();
    this.#repeats.clear();
  }

  #first({ claim, burst }: Due): number {
    if (claim.burst !== burst) return 0;
    claim.began = this.#options.clock.now();
    this.#announce(claim, FIRST);
    if (isIpv4(claim.address)) this.#repeats.add({ claim, burst, what: "second form" }, claim.began);
    this.#repeats.add({ claim, burst, what: "again" }, claim.began + REPEATS_MS[0]);
    return 1;
  }

  #repeat({ claim, burst, what }: Repeat): number {
    if (claim.burst !== burst) return 0;
    const forms = formsOf(what, claim.address);
    this.#announce(claim, forms);
    if (what === "again") this.#repeatInTime(claim);
    return forms.length;
  }

  #repeatInTime(claim: Claim): void {
    const at = this.#nextAt(claim);
    if (at !== undefined) this.#repeats.add({ claim, burst: claim.burst, what: "again" }, at);
  }

  /** When a claim that has just been announced is due again; undefined = never. */
  #nextAt(claim: Claim): number | undefined {
    const { clock, random } = this.#options;
    const refreshMs = this.#refreshMs;
    const now = clock.now();
    const step = REPEATS_MS.find((ms) => claim.began + ms > now);
    if (step !== undefined) return claim.began + step;
    return refreshMs === 0 ? undefined : now + refreshMs * (1 - REFRESH_SPREAD / 2 + REFRESH_SPREAD * random());
  }

  #announce(claim: Claim, forms: readonly AnnouncementForm[]): void {
    for (const form of forms) if (this.#options.announce(claim.address, form)) claim.announced = this.#options.clock.now();
  }
}

const FIRST: readonly AnnouncementForm[] = ["first"];
const SECOND: readonly AnnouncementForm[] = ["second"];
const BOTH: readonly AnnouncementForm[] = ["first", "second"];

function formsOf(what: Repeat["what"], address: Address): readonly AnnouncementForm[] {
  switch (what) {
    case "second form":
      return SECOND;
    case "again":
      return isIpv4(address) ? BOTH : FIRST;
    case "defence":
      return FIRST;
  }
}
