/**
 * The main thread's side of the hellos: opens the sockets and tells the worker thread what to say. What is heard comes out by callback.
 */
import type { Statement, Urgency } from "../fleet/index.ts";
import { closeSocket, type Link, openSegmentSocket } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import { type Address, isIpv4 } from "../net/index.ts";
import { type Channel, processMs } from "../thread/index.ts";
import type { Clock, Timer } from "../time/index.ts";
import { HELLO_GROUP_IPV4, HELLO_GROUP_IPV6, HELLO_PORT } from "./groups.ts";
import { FleetKeys } from "./keys.ts";
import type { FromThread, Rejection, ToThread } from "./messages.ts";

export type LivenessOptions = {
  readonly log: Log;
  readonly clock: Clock;
  readonly channel: Channel<ToThread, FromThread>;
  readonly onHello: (segment: string, statement: Statement, sequence: number) => void;
  /** This daemon's own hello, sent on `from`, came in on `segment`. */
  readonly onOwnHello: (segment: string, from: string) => void;
};

const OPEN_AGAIN_MS = 1000;
/** Of one host that a Lease introduces: whoever can write a Lease must not have us greet a whole network. */
const MOST_GREETED = 32;

const REJECTED: Readonly<Record<Rejection, string>> = {
  malformed: "is no hello of this version of bmlb",
  unsigned: "is not signed, and this fleet has a key: give that host the same Secret bmlb-fleet or key_file",
  "wrong-signature": "is signed with another key: give that host the same Secret bmlb-fleet or key_file",
};

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #links = new Map<string, { readonly link: Link; readonly open: boolean }>();
  readonly #said = new Map<string, Extract<ToThread, { readonly type: "say" }>>();
  /** Segments whose last statement the thread does not have yet. */
  readonly #unposted = new Set<string>();
  readonly #introduced = new Map<string, readonly Address[]>();
  readonly #failed = new Set<string>();
  /** By interface whose socket could not be opened: the next attempt. */
  readonly #again = new Map<string, Timer>();
  readonly #keys: FleetKeys;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#keys = new FleetKeys(options.clock, (keys) => { this.#post({ type: "keys", keys }); });
    options.channel.serve({
      began: () => { this.#tellAll(); },
      ended: () => undefined,
      message: (message) => { this.#take(message); },
    });
  }

  /** What was said and is not urgent is passed on. To be called ten times a second. */
  tick(): void {
    for (const segment of this.#unposted) this.#postSaid(segment);
  }

  /** On which interfaces to say hello. One that went away and came back, or got another address to speak from, is opened anew. */
  segments(links: readonly Link[]): void {
    const wanted = new Map(links.filter((link) => link.up).map((link) => [link.name, link]));
    for (const [name] of this.#links) {
      if (wanted.has(name)) continue;
      this.#links.delete(name);
      // What was true when it went may not be when it comes back.
      this.#said.delete(name);
      this.#failed.delete(name);
      this.#again.get(name)?.cancel();
      this.#post({ type: "close", segment: name });
    }
    for (const [name, link] of wanted) {
      const known = this.#links.get(name);
      if (known === undefined || !known.open || voiceOf(known.link) !== voiceOf(link)) this.#open(link);
    }
  }

  /** What the hellos on a segment say from now on; `now`: one is sent at once. What is not urgent goes to the thread with the next tick. */
  say(segment: string, statement: Statement, urgency: Urgency): void {
    this.#said.set(segment, { type: "say", segment, saying: statement, at: processMs(), urgency });
    this.#unposted.add(segment);
    if (urgency !== "next") this.#postSaid(segment);
  }

  #postSaid(segment: string): void {
    this.#unposted.delete(segment);
    const said = this.#said.get(segment);
    if (said !== undefined) this.#post(said);
  }

  /** Signs, and drops what is not signed alike; undefined: does neither. `gradually`: what is signed, or not, as before is believed for a while. */
  key(key: Uint8Array | undefined, how: "at once" | "gradually"): void {
    if (how === "at once") this.#keys.use(key);
    else this.#keys.change(key);
  }

  /** A Lease names a host: while no multicast of it is heard, it is greeted at its own addresses. None: the Lease is gone. */
  introduce(host: string, addresses: readonly Address[]): void {
    if (addresses.length === 0) this.#introduced.delete(host);
    else this.#introduced.set(host, addresses.slice(0, MOST_GREETED));
    this.#post({ type: "introduced", hosts: this.#introduced });
  }

  /** Sentences for the operator about what is not as it should be. */
  warnings(): readonly string[] {
    return [
      ...(this.#keys.keys.current === undefined ? ["hellos between hosts are not signed: anybody on the segment can pretend to be a host; create the Secret bmlb-fleet or set [fleet] key_file"] : []),
      ...Array.from(this.#failed, (name) => `hosts cannot hear each other on ${name}: its socket could not be opened`),
    ];
  }

  stop(): void {
    this.#keys.stop();
    for (const timer of this.#again.values()) timer.cancel();
    this.#post({ type: "stop" });
  }

  /** A thread has begun that knows nothing. */
  #tellAll(): void {
    this.#post({ type: "keys", keys: this.#keys.keys });
    this.#post({ type: "introduced", hosts: this.#introduced });
    for (const { link } of this.#links.values()) this.#open(link);
  }

  #open(link: Link): void {
    const { log, clock } = this.#options;
    this.#again.get(link.name)?.cancel();
    this.#again.delete(link.name);
    if (!this.#options.channel.open) {
      // Nobody would take the descriptors: the next thread has them opened.
      this.#links.set(link.name, { link, open: false });
      return;
    }
    const at = { name: link.name, index: link.index };
    let ipv4: number | undefined;
    let ipv6: number | undefined;
    try {
      if (link.linkLocal !== undefined) ipv6 = openSegmentSocket({ family: "ipv6", interface: at, port: HELLO_PORT, group: HELLO_GROUP_IPV6 });
      if (link.addresses.some(isIpv4)) ipv4 = openSegmentSocket({ family: "ipv4", interface: at, port: HELLO_PORT, group: HELLO_GROUP_IPV4 });
    } catch (error) {
      for (const fd of [ipv4, ipv6]) if (fd !== undefined) closeSocket(fd);
      this.#links.set(link.name, { link, open: false });
      if (!this.#failed.has(link.name)) log.warning(`cannot say hello on ${link.name}: ${error instanceof Error ? error.message : String(error)}`, { interface: link.name });
      this.#failed.add(link.name);
      const again = clock.timer(`open ${link.name} again`, OPEN_AGAIN_MS, () => {
        const known = this.#links.get(link.name);
        if (known !== undefined && !known.open) this.#open(known.link);
      });
      this.#again.set(link.name, again);
      return;
    }
    this.#failed.delete(link.name);
    this.#links.set(link.name, { link, open: true });
    this.#post({ type: "open", segment: link.name, ipv4, ipv6 });
    this.#postSaid(link.name);
  }

  #take(message: FromThread): void {
    const { log, onHello, onOwnHello } = this.#options;
    switch (message.type) {
      case "heard": {
        const { sequence, ...hello } = message.hello;
        onHello(message.segment, { ...hello, machine: hello.instance.slice(0, 8) }, sequence);
        return;
      }
      case "own":
        onOwnHello(message.segment, message.from);
        return;
      case "next-key":
        this.#keys.nextIsUsed();
        return;
      case "rejected":
        log.warning(`a datagram from ${message.source} on ${message.segment} ${REJECTED[message.cause]}`, { segment: message.segment, source: message.source, cause: message.cause });
        return;
      case "failed":
        log.warning(`the hello socket on ${message.segment} failed: ${message.error}`, { segment: message.segment });
        return;
    }
  }

  #post(message: ToThread): void {
    this.#options.channel.post(message);
  }
}

/** What a socket depends on: another one is needed when it changes. */
function voiceOf(link: Link): string {
  return `${link.index} ${link.linkLocal === undefined ? "" : "ipv6"} ${link.addresses.some(isIpv4) ? "ipv4" : ""}`;
}
