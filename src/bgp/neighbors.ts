/** Finds the addresses of peers that the configuration leaves to interfaces, and says so when one is missing for long. */
import type { Link } from "../linux/index.ts";
import type { Timer } from "../time/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { BgpPeer, WantedPeer } from "./desired.ts";
import { type Neighbor, type Surroundings, findNeighbor, neighborNote } from "./neighbor.ts";
import { waitingStatus } from "./peer-status.ts";
import type { BgpPeerStatus } from "./status.ts";
import type { UnnumberedParts } from "./unnumbered-link.ts";
import { Unnumbered } from "./unnumbered.ts";

const MOST_SENTENCES = 32; // about what one peer waits for

/** A peer that has no session because it is not known between which addresses. */
type Waiting = { readonly since: number; why: string; readonly warning: Timer; readonly said: Set<string> };

export class Neighbors {
  readonly #parts: UnnumberedParts;
  readonly #changed: () => void;
  readonly #unnumbered: Unnumbered;
  readonly #waiting = new Map<string, Waiting>();
  #links: readonly Link[] = [];

  /** `changed` is called when other addresses may be found than before. */
  constructor(parts: UnnumberedParts, changed: () => void) {
    this.#parts = parts;
    this.#changed = changed;
    this.#unnumbered = new Unnumbered(parts, changed);
  }

  /** Exactly these are asked for from now on. */
  apply(wanted: readonly WantedPeer[]): void {
    this.#unnumbered.apply(new Set(wanted.flatMap(({ address, zone }) => (address === undefined && zone !== undefined ? [zone] : []))));
    const names = new Set(wanted.map(({ name }) => name));
    for (const name of this.#waiting.keys()) if (!names.has(name)) this.#found(name);
  }

  /** Every interface of the host, as it is now. */
  links(links: readonly Link[]): void {
    this.#links = links;
    this.#unnumbered.links(links);
    this.#changed();
  }

  /** `current` is what was found last for what was wanted then; it is kept while `up`, and where there is a choice. */
  find(wanted: WantedPeer, current: BgpPeer | undefined, up: boolean): Neighbor {
    const neighbor = findNeighbor(wanted, this.#surroundings, current, up);
    if (neighbor.found) this.#found(wanted.name);
    else this.#missing(wanted, neighbor.why);
    if (wanted.address === undefined && wanted.zone !== undefined) this.#unnumbered.search(wanted.zone, !up);
    return neighbor;
  }

  /** The status of a peer that has not been found, or that of its session with what else is to be said of it. */
  status(wanted: WantedPeer, session: BgpPeerStatus | undefined, rib: AdjRibOut): BgpPeerStatus | undefined {
    const waiting = this.#waiting.get(wanted.name);
    if (waiting !== undefined) return waitingStatus(wanted, waiting.why, this.#parts.clock.now() - waiting.since, rib);
    const note = neighborNote(wanted, this.#surroundings);
    return session === undefined || note === undefined ? session : { ...session, notes: [...session.notes, note] };
  }

  /** Why a peer has not been found, as a sentence; undefined if it has. */
  why(name: string): string | undefined {
    return this.#waiting.get(name)?.why;
  }

  stop(): void {
    for (const name of this.#waiting.keys()) this.#found(name);
    this.#unnumbered.stop();
  }

  #found(name: string): void {
    this.#waiting.get(name)?.warning.cancel();
    this.#waiting.delete(name);
  }

  #missing({ name, connectTimeMs }: WantedPeer, why: string): void {
    const { clock } = this.#parts;
    const before = this.#waiting.get(name);
    if (before !== undefined) {
      before.why = why;
      if (before.said.size > 0) this.#say(name, before);
      return;
    }
    const warning = clock.timer("bgp waits for neighbor", connectTimeMs, () => {
      this.#say(name, waiting);
    });
    const waiting: Waiting = { since: clock.now(), why, warning, said: new Set() };
    this.#waiting.set(name, waiting);
  }

  #say(name: string, { why, said }: Waiting): void {
    if (said.has(why) || said.size >= MOST_SENTENCES) return;
    said.add(why);
    this.#parts.log.warning(`no session with peer ${name}: ${why}`, { peer: name });
  }

  get #surroundings(): Surroundings {
    const unnumbered = this.#unnumbered;
    return { links: this.#links, routers: (name) => unnumbered.routers(name), problem: (name) => unnumbered.problem(name) };
  }
}
