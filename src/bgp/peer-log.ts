/**
 * What the journal is told of one peer: when it comes up, and why it does not or no longer is; each sentence once until it was
 * up again, for a retry that fails alike is no news.
 */
import type { Log } from "../log/index.ts";
import { type Family, formatPrefix } from "../net/index.ts";
import { type Update, prefixesOf } from "../wire/index.ts";
import type { BgpPeer } from "./desired.ts";
import { type Failure, failureFields } from "./failure.ts";
import type { Negotiated } from "./negotiated.ts";

const MOST_SENTENCES = 32; // of each kind
const MOST_ROUTES = 8; // named in a line

export class PeerLog {
  readonly #log: Log;
  readonly #config: BgpPeer;
  readonly #saidFailures = new Set<string>();
  /** Malformed attributes. Apart from failures: a peer that sends many must not silence those. */
  readonly #saidSpoilt = new Set<string>();
  /** Families of which routes are held back. */
  readonly #saidHeld = new Set<Family>();
  #saidThatItMayFilter = false;

  constructor(log: Log, config: BgpPeer) {
    this.#log = log;
    this.#config = config;
  }

  up(agreed: Negotiated): void {
    this.#saidFailures.clear();
    this.#saidSpoilt.clear();
    const mayFilter = !agreed.internal && !this.#saidThatItMayFilter;
    this.#saidThatItMayFilter ||= mayFilter;
    const { name } = this.#config;
    this.#log.info(mayFilter ? `session with peer ${name} is up; if routes do not show there, its import policy may drop them (RFC 8212)` : `session with peer ${name} is up`, {
      peer: name,
      address: this.#config.address,
      asn: agreed.remoteAsn,
      hold_s: agreed.holdMs / 1000,
      families: agreed.families.join(","),
      ...(agreed.restart.keepsRoutesMs === 0 ? {} : { graceful_restart_s: agreed.restart.keepsRoutesMs / 1000 }),
    });
  }

  restarted(): void {
    this.#log.notice(`peer ${this.#config.name} has restarted and opened a new connection, which replaces the old one (RFC 4724)`, { peer: this.#config.name, address: this.#config.address });
  }

  /** `text`: describeFailure. */
  failed(text: string, failure: Failure): void {
    if (!isNews(text, this.#saidFailures)) return;
    this.#log.warning(text, { peer: this.#config.name, address: this.#config.address, ...failureFields(failure) });
  }

  /** So many routes of the family are held back by the limit; said once until there are none. */
  held(family: Family, count: number, most: number): void {
    if (count === 0) this.#saidHeld.delete(family);
    else if (!this.#saidHeld.has(family)) {
      this.#saidHeld.add(family);
      this.#log.warning(`peer ${this.#config.name} gets no more than ${most} ${family} routes (max_prefixes), and new ones are held back: raise it, after the limit of the router`, { peer: this.#config.name, held: count });
    }
  }

  /** With the routes concerned and, for those who want to see it, the whole message: what RFC 7606 6 asks for. */
  spoilt({ problems, withdrawn, reachable }: Update, message: Uint8Array): void {
    for (const { attribute, approach, text } of problems) {
      const sentence = `peer ${this.#config.name} sends a malformed ${attribute}: ${text} (RFC 7606, ${approach})`;
      if (!isNews(sentence, this.#saidSpoilt)) continue;
      this.#log.warning(sentence, { peer: this.#config.name, routes: inWords([...withdrawn, ...reachable]) });
      this.#log.debug(`the malformed UPDATE of peer ${this.#config.name}`, { message: Buffer.from(message).toString("hex") });
    }
  }
}

/** Remembers the sentence; false if it has been said, or too many have. */
function isNews(sentence: string, said: Set<string>): boolean {
  if (said.has(sentence) || said.size >= MOST_SENTENCES) return false;
  said.add(sentence);
  return true;
}

/** "203.0.113.0/24,198.51.100.7/32,..." */
function inWords(fields: Update["reachable"]): string {
  const first = fields.flatMap((field) => prefixesOf(field, MOST_ROUTES).map(formatPrefix)).slice(0, MOST_ROUTES);
  const count = fields.reduce((sum, field) => sum + field.count, 0);
  return [...first, ...(count > first.length ? ["..."] : [])].join(",");
}
