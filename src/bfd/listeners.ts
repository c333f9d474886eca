/**
 * The sockets on which packets arrive: one for each of our addresses and kind of session, shared by the sessions there. A socket takes
 * what may be for one of them; the rest does not leave the kernel.
 */
import { type Address, familyOf, isLinkLocal } from "../net/index.ts";
import type { Channel } from "../thread/index.ts";
import type { BfdSession } from "./desired.ts";
import type { FromThread, ToThread } from "./messages.ts";
import type { BfdSockets } from "./sockets.ts";

const SINGLE_HOP_PORT = 3784; // RFC 5881 4
const MULTIHOP_PORT = 4784; // RFC 5883 5

const SINGLE_HOP_TTL = 255; // RFC 5881 5

type Rules = Parameters<BfdSockets["openListener"]>[0]["rules"];

type Listener = {
  readonly id: number;
  readonly local: Address;
  /** Ours; the thread has another one of the same socket. */
  readonly fd: number;
  readonly users: Map<number, BfdSession>;
  rules: string;
};

export class Listeners {
  readonly #sockets: BfdSockets;
  readonly #channel: Channel<ToThread, FromThread>;
  readonly #listeners = new Map<string, Listener>();
  #lastId = 0;

  constructor(sockets: BfdSockets, channel: Channel<ToThread, FromThread>) {
    this.#sockets = sockets;
    this.#channel = channel;
  }

  /** A socket for a session at this address, opened if need be. Returns its name among messages. Throws SystemError. */
  join(session: number, local: Address, wanted: BfdSession): number {
    const key = this.#keyOf(local, wanted);
    const listener = this.#listeners.get(key) ?? this.#open(local, wanted);
    this.#listeners.set(key, listener);
    listener.users.set(session, wanted);
    this.#filter(listener);
    return listener.id;
  }

  /** The session is not there any more; the last one closes the socket. */
  leave(session: number): void {
    for (const [key, listener] of this.#listeners) {
      if (!listener.users.delete(session)) continue;
      if (listener.users.size > 0) {
        this.#filter(listener);
        continue;
      }
      this.#listeners.delete(key);
      this.#channel.post({ type: "unlisten", listener: listener.id });
      this.#sockets.close(listener.fd);
    }
  }

  /** The thread ended, and its descriptors with it. */
  lose(): void {
    for (const { fd } of this.#listeners.values()) this.#sockets.close(fd);
    this.#listeners.clear();
  }

  #open(local: Address, wanted: BfdSession): Listener {
    const rules = this.#rulesFor([wanted]);
    const fd = this.#sockets.openListener({ local, zone: wanted.zone, port: portOf(wanted), rules });
    const listener: Listener = { id: ++this.#lastId, local, fd, users: new Map(), rules: JSON.stringify(rules) };
    this.#channel.post({ type: "listen", listener: listener.id, family: familyOf(local), fd: this.#sockets.duplicate(fd) });
    return listener;
  }

  #filter(listener: Listener): void {
    const rules = this.#rulesFor([...listener.users.values()]);
    const text = JSON.stringify(rules);
    if (text === listener.rules) return;
    this.#sockets.filterListener(listener.fd, listener.local, rules);
    listener.rules = text;
  }

  /** Over one hop the TTL shows that the sender is adjacent; over several only the peers may send, each from as far as it may be. */
  #rulesFor(sessions: readonly BfdSession[]): Rules {
    const rules = sessions.map(({ multihop, remote, zone, profile }) =>
      multihop
        ? { atLeast: profile.minimumTtl, source: remote, interface: undefined }
        : { atLeast: SINGLE_HOP_TTL, source: undefined, interface: zone === undefined ? undefined : this.#sockets.interfaceIndex(zone) },
    );
    return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
  }

  /** Link-local addresses are each interface's own; one that was made anew is another. */
  #keyOf(local: Address, { multihop, zone }: BfdSession): string {
    const interfaceOf = isLinkLocal(local) && zone !== undefined ? this.#sockets.interfaceIndex(zone) : undefined;
    return `${multihop ? "multihop" : "single-hop"} ${local} ${interfaceOf ?? ""}`;
  }
}

/** Of UDP, on which packets of the session arrive at either end. */
export function portOf({ multihop }: BfdSession): number {
  return multihop ? MULTIHOP_PORT : SINGLE_HOP_PORT;
}
