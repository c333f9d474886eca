/**
 * BFD (RFC 5880) toward routers: over one hop (5881) and several (5883). The main loop's side: opens the sockets and tells the worker thread
 * which sessions there are to be; what happens to them comes back as events.
 */
import { randomInt } from "node:crypto";
import type { Log } from "../log/index.ts";
import { type Channel, processMs } from "../thread/index.ts";
import { type Clock, type Random, type Timer, within } from "../time/index.ts";
import { bfdDiagnostic } from "../wire/index.ts";
import type { BfdDesired, BfdSession } from "./desired.ts";
import { EchoPaths } from "./echo-path.ts";
import { Listeners, portOf } from "./listeners.ts";
import type { FromThread, ToThread } from "./messages.ts";
import { type BfdSockets, systemSockets } from "./sockets.ts";
import { sourcePorts } from "./source-port.ts";
import type { BfdEvent, BfdStatus } from "./status.ts";
import { isSameProfile, isSameSession, type Trouble, Watched } from "./watched.ts";

export type BfdOptions = {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly channel: Channel<ToThread, FromThread>;
  /** Default: the kernel's. */
  readonly sockets?: BfdSockets;
  /** Never called from inside a call of this room's functions. */
  readonly onEvent: (event: BfdEvent) => void;
};

/** How often is looked after sessions that are not up: for a socket that could not be opened, or that no longer leads to the peer. */
const LOOK_MS = 1000;
/** The longest that a stop waits for peers to know. */
const FAREWELL_MS = 1000;
const MOST_DISCRIMINATOR = 0xffff_ffff;

export class Bfd {
  readonly #options: BfdOptions;
  readonly #sockets: BfdSockets;
  readonly #listeners: Listeners;
  /** By peer. */
  readonly #sessions = new Map<string, Watched>();
  /** Those that say their last words, by discriminator. */
  readonly #leaving = new Map<number, Watched>();
  readonly #byDiscriminator = new Map<number, Watched>();
  #state: "new" | "running" | "stopped" = "new";
  #look: Timer | undefined;
  #onAlone: (() => void) | undefined;

  constructor(options: BfdOptions) {
    this.#options = options;
    this.#sockets = options.sockets ?? systemSockets;
    this.#listeners = new Listeners(this.#sockets, options.channel);
    options.channel.serve({
      began: () => { this.#openAll(); },
      ended: () => { this.#threadEnded(); },
      message: (message) => { this.#take(message); },
    });
  }

  start(): void {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#lookLater();
  }

  /** Makes the sessions match. What stays as it is is not touched; another profile is agreed on with the peer while the session goes on. */
  apply(desired: BfdDesired): void {
    if (this.#state !== "running") return;
    const wanted = new Map(desired.sessions.map((session) => [session.peer, session]));
    for (const [peer, watched] of this.#sessions) {
      const session = wanted.get(peer);
      if (session === undefined || !isSameSession(watched.wanted, session)) this.#remove(watched);
      else if (!isSameProfile(watched.wanted.profile, session.profile)) this.#configure(watched, session);
    }
    for (const session of wanted.values()) if (!this.#sessions.has(session.peer)) this.#add(session);
  }

  status(): BfdStatus {
    const now = processMs();
    return { sessions: Array.from(this.#sessions.values(), (watched) => watched.status(now)), problems: this.#problems() };
  }

  /** Tells all peers AdminDown. Resolves when they know, at the latest a second later; what is lent then stays open until the process ends. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#look?.cancel();
    for (const watched of this.#sessions.values()) this.#remove(watched);
    if (this.#leaving.size === 0) return;
    const alone = new Promise<void>((resolve) => {
      this.#onAlone = resolve;
    });
    await within(this.#options.clock, FAREWELL_MS, alone);
  }

  #add(wanted: BfdSession): void {
    const watched = new Watched(wanted, this.#newDiscriminator(), processMs());
    this.#sessions.set(wanted.peer, watched);
    this.#byDiscriminator.set(watched.discriminator, watched);
    this.#open(watched);
  }

  #configure(watched: Watched, wanted: BfdSession): void {
    watched.wanted = wanted;
    if (watched.open === undefined) return;
    this.#listeners.join(watched.discriminator, watched.open.local, wanted); // minimum_ttl may be another
    this.#post({ type: "configure", session: watched.discriminator, profile: wanted.profile });
    this.#echo(watched);
  }

  #remove(watched: Watched): void {
    this.#sessions.delete(watched.wanted.peer);
    if (watched.open === undefined || !this.#options.channel.open) {
      this.#close(watched);
      return;
    }
    this.#leaving.set(watched.discriminator, watched);
    this.#post({ type: "remove", session: watched.discriminator });
  }

  /** Its part in the thread is gone, or never was. */
  #close(watched: Watched): void {
    this.#listeners.leave(watched.discriminator);
    this.#closeSockets(watched);
    this.#byDiscriminator.delete(watched.discriminator);
    this.#leaving.delete(watched.discriminator);
    if (this.#leaving.size === 0) this.#onAlone?.();
  }

  /** Gives a session its sockets and the thread the session; if that fails it is tried again. */
  #open(watched: Watched): void {
    const { wanted, discriminator } = watched;
    if (watched.open !== undefined || !this.#options.channel.open) return;
    try {
      const twin = this.#twinOf(watched);
      if (twin !== undefined) throw new Error(`peer ${twin} has a BFD session with ${wanted.remote} already`);
      const index = wanted.zone === undefined ? undefined : this.#sockets.interfaceIndex(wanted.zone);
      const local = wanted.local ?? this.#sockets.localAddressToward(wanted.remote, wanted.zone);
      const listener = this.#listeners.join(discriminator, local, wanted);
      const { fd, sourcePort } = this.#openTransmitter(wanted, local);
      watched.open = { local, listener, fd, sourcePort, interface: index, echo: new EchoPaths(this.#sockets) };
      watched.trouble = undefined;
      this.#post({ type: "add", session: discriminator, remote: wanted.remote, listener, fd, profile: wanted.profile, counters: watched.counters.shared });
    } catch (error) {
      this.#listeners.leave(discriminator);
      this.#fail(watched, error);
    }
  }

  /** What concerns the whole host. */
  #problems(): readonly string[] {
    const troubles = Array.from(this.#sessions.values()).flatMap(({ trouble }) => (trouble?.whose === "host" ? [trouble.sentence] : []));
    return [...new Set(troubles)];
  }

  /** Says it once, and what concerns the whole host not for each peer. */
  #fail(watched: Watched, error: unknown): void {
    const { log } = this.#options;
    const { peer, remote } = watched.wanted;
    const trouble = this.#troubleOf(watched.wanted, error);
    const known = trouble.sentence === watched.trouble?.sentence || this.#problems().includes(trouble.sentence);
    watched.trouble = trouble;
    if (known) return;
    if (trouble.whose === "host") log.error(`no BFD: ${trouble.sentence}`, { peer, address: remote });
    else log.warning(`no BFD with peer ${peer}: ${trouble.sentence}`, { peer, address: remote });
  }

  /** Between two addresses there can be one session (RFC 5881 2). */
  #twinOf({ wanted }: Watched): string | undefined {
    const twin = Array.from(this.#sessions.values()).find((other) => other.open !== undefined && isSameSession({ ...other.wanted, local: undefined }, { ...wanted, local: undefined }) && other.wanted.peer !== wanted.peer);
    return twin?.wanted.peer;
  }

  /** Only what is in the kernel's ARP table can be told: after the session came up, and when the peer's MAC has changed. */
  #echo({ wanted, open, discriminator, report }: Watched): void {
    if (open === undefined || report?.state !== "up") return;
    try {
      const path = open.echo.look(wanted, open.local, discriminator);
      if (path !== undefined) this.#post({ type: "echo", session: discriminator, path });
    } catch (error) {
      this.#options.log.warning(`no echo packets to peer ${wanted.peer}: ${error instanceof Error ? error.message : String(error)}`, { peer: wanted.peer });
    }
  }

  #closeSockets(watched: Watched): void {
    if (watched.open !== undefined) this.#sockets.close(watched.open.fd);
    watched.open?.echo.close();
    watched.open = undefined;
  }

  #openTransmitter(wanted: BfdSession, local: BfdSession["remote"]): { readonly fd: number; readonly sourcePort: number } {
    const taken = new Set(Array.from(this.#byDiscriminator.values(), ({ open }) => open?.sourcePort ?? 0));
    for (const sourcePort of sourcePorts(taken, this.#options.random)) {
      try {
        return { fd: this.#sockets.openTransmitter({ local, remote: wanted.remote, zone: wanted.zone, port: portOf(wanted), sourcePort, multihop: wanted.multihop }), sourcePort };
      } catch (error) {
        if (this.#sockets.errorCode(error) !== "EADDRINUSE") throw error;
      }
    }
    throw new Error("no UDP port from 49152 on is free to send from");
  }

  #troubleOf(wanted: BfdSession, error: unknown): Trouble {
    const port = portOf(wanted);
    switch (this.#sockets.errorCode(error)) {
      case "EADDRINUSE":
        return { whose: "host", sentence: `another program on this host, most likely a BFD daemon, has UDP port ${port}: stop it (FRR: bfdd=no in /etc/frr/daemons; BIRD: no protocol bfd), or leave bfd out of the peers here` };
      case "EADDRNOTAVAIL":
        return { whose: "session", sentence: `this host has no address ${wanted.local ?? "from which to send"}` };
      case "ENODEV":
        return { whose: "session", sentence: `this host has no interface ${wanted.zone ?? ""}` };
      case "ENETUNREACH":
      case "EHOSTUNREACH":
        return { whose: "session", sentence: wanted.multihop ? `this host knows no way to ${wanted.remote}` : `${wanted.remote} is on no segment of this host: if it is behind a router, set multihop` };
      default:
        return { whose: "session", sentence: error instanceof Error ? error.message : String(error) };
    }
  }

  #openAll(): void {
    for (const watched of this.#sessions.values()) this.#open(watched);
  }

  #lookLater(): void {
    this.#look = this.#options.clock.timer("look after BFD", LOOK_MS, () => {
      for (const watched of [...this.#sessions.values()]) {
        if (watched.open === undefined) this.#open(watched);
        else if (watched.report?.state === "up") this.#echo(watched);
        else if (this.#isAstray(watched)) this.#begin(watched);
      }
      this.#lookLater();
    });
  }

  /** Whether its sockets lead nowhere: the interface was made anew, or the kernel would send from another address by now. */
  #isAstray({ wanted, open }: Watched): boolean {
    if (open === undefined) return false;
    if (wanted.zone !== undefined && this.#sockets.interfaceIndex(wanted.zone) !== open.interface) return true;
    if (wanted.local !== undefined) return false;
    try {
      return this.#sockets.localAddressToward(wanted.remote, wanted.zone) !== open.local;
    } catch {
      return false; // no way there for now
    }
  }

  /** Anew, with other sockets. */
  #begin(watched: Watched): void {
    this.#remove(watched);
    this.#add(watched.wanted);
  }

  #threadEnded(): void {
    this.#listeners.lose();
    for (const watched of [...this.#leaving.values()]) this.#close(watched);
    for (const watched of this.#sessions.values()) {
      const wasUp = watched.report?.state === "up";
      this.#closeSockets(watched);
      watched.lose();
      // The path has not failed: only who watched it.
      if (wasUp) this.#options.onEvent({ type: "down", peer: watched.wanted.peer, diagnostic: bfdDiagnostic(0), administrative: true });
    }
  }

  #take(message: FromThread): void {
    const watched = this.#byDiscriminator.get(message.session);
    if (watched === undefined) return;
    if (message.type === "removed") this.#close(watched);
    else if (message.type === "report") watched.report = message.report;
    else if (!this.#leaving.has(message.session)) this.#tell(watched, message);
  }

  #tell(watched: Watched, event: Extract<FromThread, { readonly type: "up" | "down" }>): void {
    const { log, onEvent } = this.#options;
    const { wanted } = watched;
    const fields = { peer: wanted.peer, address: wanted.remote };
    if (event.type === "up") {
      log.notice(`BFD with peer ${wanted.peer} is up`, fields);
      this.#echo(watched);
      onEvent({ type: "up", peer: wanted.peer });
      return;
    }
    const diagnostic = bfdDiagnostic(event.diagnostic);
    if (event.administrative) log.notice(`BFD with peer ${wanted.peer} is down: the peer has switched it off, which is no failure of the path`, fields);
    else log.warning(`BFD with peer ${wanted.peer} is down: ${REASONS[event.diagnostic] ?? diagnostic}`, { ...fields, diagnostic: event.diagnostic });
    onEvent({ type: "down", peer: wanted.peer, diagnostic, administrative: event.administrative });
  }

  #newDiscriminator(): number {
    for (;;) {
      const discriminator = randomInt(1, MOST_DISCRIMINATOR + 1);
      if (!this.#byDiscriminator.has(discriminator)) return discriminator;
    }
  }

  #post(message: ToThread): void {
    this.#options.channel.post(message);
  }
}

const REASONS: Readonly<Record<number, string>> = {
  1: "nothing was heard of it for the detection time",
  2: "echo packets no longer come back",
  3: "it says that it does not hear us, or was started anew",
};
