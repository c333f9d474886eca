/**
 * One host of the simulation: the real Fleet, and around it stand-ins for what the daemon has there: a worker that sends hellos, an
 * l2 that announces, asks and answers, links, and a view of Kubernetes.
 */
import { Fleet, type FleetFact, type FleetSettings, sayFact, type Statement, type Urgency } from "../../../src/fleet/index.ts";
import { type Address, type Mac, parseMac } from "../../../src/net/index.ts";
import { type Random, VirtualClock, type VirtualWorld } from "../../../src/time/index.ts";
import { ADVERTISEMENTS, dueOf, type View } from "./cluster.ts";
import type { Frame, Lan, Port } from "./lan.ts";

export type HostSetup = {
  readonly index: number;
  readonly world: VirtualWorld;
  readonly random: Random;
  readonly lans: readonly Lan[];
  readonly settings: FleetSettings["fleet"];
  readonly prefer: Readonly<Record<string, number>>;
  readonly weight: number;
  readonly view: View;
  readonly tell: (text: () => string) => void;
  /** The host begins to serve a VIP; `asked`: because a question was not answered. */
  readonly claimed: (host: Host, address: Address, segment: string, asked: boolean) => void;
};

const BURST_MS = [0, 100, 1_100, 2_200, 4_400] as const;
const PROBES_MS = [0, 50, 100] as const;
const ANSWER_MS = 200;
const LATE_MS = 100;

type Work = { claim: number | undefined; defence: number | undefined; ask: number | undefined; claimedAt: number; silentAt: number };

/** A machine: what stays when its process dies. */
export class Host {
  readonly name: string;
  readonly index: number;
  readonly ports: readonly HostPort[];
  /** Whether it reaches the API, and what it last saw there. */
  api = true;
  view: View;
  viewAt: number;
  process: Process | undefined;
  starts = 0;
  /** Frames that come while it is paused wait, or are lost. */
  queues = true;
  readonly setup: HostSetup;

  constructor(setup: HostSetup) {
    this.setup = setup;
    this.index = setup.index;
    this.name = `h${setup.index}`;
    this.view = setup.view;
    this.viewAt = setup.world.time;
    this.ports = setup.lans.map((lan, i) => new HostPort(this, lan, i));
  }

  start(): void {
    if (this.process !== undefined) return;
    this.starts++;
    this.process = new Process(this);
    this.process.start();
  }

  kill(): void {
    this.process?.die();
    this.process = undefined;
  }

  see(view: View): void {
    this.view = view;
    this.viewAt = this.setup.world.time;
    this.process?.see(view);
  }

  /** It answers ARP for that VIP, as far as its own power goes. */
  serves(address: Address, segment: string): boolean {
    return this.process?.answers(address, segment) === true;
  }
}

export class HostPort implements Port {
  readonly mac: Mac;
  readonly lan: Lan;
  connected = true;
  side = 0;
  readonly #host: Host;

  constructor(host: Host, lan: Lan, index: number) {
    this.mac = parseMac(`02:00:00:00:0${index}:${(host.index + 1).toString(16).padStart(2, "0")}`) as Mac;
    this.#host = host;
    this.lan = lan;
    lan.join(this);
  }

  plug(connected: boolean): void {
    this.connected = connected;
    this.#host.process?.linksChanged();
  }

  receive(frame: Frame): void {
    this.#host.process?.receive(this, frame);
  }
}

/** One life of the daemon. */
export class Process {
  readonly host: Host;
  /** The main loop's clock, and the worker's: a stall stops the first only. */
  readonly clock: VirtualClock;
  readonly worker: VirtualClock;
  readonly fleet: Fleet;
  readonly startedAt: number;
  readonly #work = new Map<string, Map<Address, Work>>();
  readonly #said = new Map<string, { readonly statement: Statement; readonly at: number }>();
  #sequence = 0;
  /** When its rank last changed on some segment. */
  rankAt = -Infinity;
  leaving: (() => void) | undefined;

  constructor(host: Host) {
    const { world, settings, weight, random } = host.setup;
    this.host = host;
    this.startedAt = world.time;
    this.clock = new VirtualClock(world);
    this.worker = new VirtualClock(world);
    this.fleet = new Fleet({
      self: { name: host.name, instance: `${hex(host.index + 1)}${hex(host.starts)}`, recentStarts: 0 },
      settings: { fleet: settings, node: host.name, weight, bgp: false, digests: { pools: "p", l2: "l", bgp: "b", algorithm: 1 } },
      clock: this.clock,
      random,
      effects: {
        say: (segment, statement, urgency) => {
          this.#say(segment, statement, urgency);
        },
        changed: (addresses) => {
          world.after(0.5 * random(), () => { this.#apply(addresses); }, this.clock);
        },
        presence: () => undefined,
        fact: (fact) => {
          this.#tell(fact);
        },
      },
    });
  }

  get segments(): readonly { readonly port: HostPort; readonly name: string }[] {
    return this.host.ports.map((port) => ({ port, name: port.lan.name }));
  }

  start(): void {
    const { host } = this;
    const { world, random } = host.setup;
    this.linksChanged();
    this.fleet.start();
    this.fleet.input({ type: "view-current", ageMs: world.time - host.viewAt });
    this.see(host.view, "cached");
    for (const { name } of this.segments) {
      const hello = (): void => {
        this.#send(name);
        this.worker.timer("hello", host.setup.settings.helloMs * (0.75 + 0.25 * random()), hello);
      };
      this.worker.timer("hello", 50 * random(), hello);
    }
  }

  die(): void {
    this.clock.dead = this.worker.dead = true;
    this.fleet.stop();
  }

  /** The links as the kernel reports them, a moment later. */
  linksChanged(): void {
    const { prefer } = this.host.setup;
    const segments = this.segments.map(({ port, name }) => ({
      name,
      up: port.connected,
      mac: port.mac,
      addresses: [],
      advertisements: ADVERTISEMENTS.map((advertisement) => ({ name: advertisement, prefer: prefer[advertisement] ?? 0 })),
    }));
    const input = (): void => { this.fleet.input({ type: "segments", segments }); };
    if (this.host.setup.world.time === this.startedAt) input();
    else this.host.setup.world.after(5, input, this.clock);
  }

  see(view: View, source: "api" | "cached" = "api"): void {
    const input = (): void => {
      if (source === "api") this.fleet.input({ type: "view-current", ageMs: 0 });
      this.fleet.input({ type: "nodes", notReady: view.notReady, excluded: undefined });
      this.fleet.input({ type: "vips", due: new Map(view.vips.map((vip) => [vip.address, dueOf(vip)])) });
    };
    this.host.setup.world.after(0, input, this.clock);
  }

  bookmark(): void {
    this.host.setup.world.after(0, () => { this.fleet.input({ type: "view-current", ageMs: 0 }); }, this.clock);
  }

  leave(then: () => void): void {
    this.leaving = then;
    this.fleet.input({ type: "leave", why: "stop" });
    const look = (): void => {
      if (this.fleet.handedOver()) then();
      else this.clock.timer("leave", 20, look);
    };
    this.clock.timer("leave", 20, look);
  }

  answers(address: Address, segment: string): boolean {
    return !this.clock.paused && this.#work.get(segment)?.get(address)?.claim !== undefined;
  }

  claimedAt(address: Address, segment: string): number {
    return this.#work.get(segment)?.get(address)?.claimedAt ?? -Infinity;
  }

  // ---- the worker: hellos

  #say(segment: string, statement: Statement, urgency: Urgency): void {
    if (urgency === "never") this.#said.delete(segment);
    else this.#said.set(segment, { statement, at: this.worker.now() });
    if (urgency === "now") this.worker.timer("hello now", 0.3, () => { this.#send(segment); });
  }

  #send(segment: string): void {
    const said = this.#said.get(segment);
    const port = this.host.ports.find((each) => each.lan.name === segment);
    const loopLagMs = this.clock.pausedFor;
    if (said === undefined || port === undefined || loopLagMs > 2_000) return;
    const elapsed = this.worker.now() - said.at;
    const { statement } = said;
    const sent: Statement = { ...statement, uptimeMs: statement.uptimeMs + elapsed, viewAgeMs: statement.viewAgeMs + elapsed, loopLagMs };
    port.lan.broadcast(port, { frame: "hello", payload: { statement: sent, sequence: ++this.#sequence } });
  }

  // ---- l2: announcements, questions, answers

  #apply(addresses: Iterable<Address>): void {
    for (const { port, name } of this.segments) for (const address of addresses) this.#applyTo(port, name, address);
  }

  #applyTo(port: HostPort, segment: string, address: Address): void {
    const standing = this.fleet.standing(address, segment);
    const onSegment = this.#work.get(segment) ?? new Map<Address, Work>();
    this.#work.set(segment, onSegment);
    const work = onSegment.get(address) ?? { claim: undefined, defence: undefined, ask: undefined, claimedAt: -Infinity, silentAt: -Infinity };
    onSegment.set(address, work);
    const claim = standing.role === "owner" ? standing.claim : undefined;
    const defence = standing.role === "owner" ? standing.defence : undefined;
    const ask = standing.role === "standby" ? undefined : standing.ask;
    if (claim !== undefined && work.claim === undefined) {
      work.claimedAt = this.host.setup.world.time;
      this.host.setup.claimed(this.host, address, segment, work.claimedAt - work.silentAt < 10);
      this.host.setup.tell(() => `${this.host.name} serves ${address} on ${segment}`);
    }
    if (claim === undefined && work.claim !== undefined) this.host.setup.tell(() => `${this.host.name} stops serving ${address} on ${segment}`);
    if (claim !== work.claim) {
      work.claim = claim;
      if (claim !== undefined) this.#announce(port, address, work, claim);
    } else if (defence !== undefined && defence !== work.defence) {
      port.lan.broadcast(port, { frame: "announcement", address, mac: port.mac });
    }
    work.defence = defence;
    if (ask !== work.ask) {
      work.ask = ask;
      if (ask !== undefined) this.#ask(port, segment, address, work, ask);
    }
  }

  #announce(port: HostPort, address: Address, work: Work, claim: number): void {
    const { refreshMs } = this.host.setup.settings;
    const began = this.clock.now();
    // What a stall made late is not sent: what this host serves is decided anew first.
    const frame = (due: number): void => {
      if (work.claim === claim && this.clock.now() - began - due < LATE_MS) port.lan.broadcast(port, { frame: "announcement", address, mac: port.mac });
    };
    for (const ms of BURST_MS) {
      if (ms > 0) this.clock.timer("burst", ms, () => { frame(ms); });
    }
    const refresh = (due: number): void => {
      if (work.claim !== claim) return;
      frame(due);
      const next = this.clock.now() - began + refreshMs * (0.9 + 0.2 * this.host.setup.random());
      this.clock.timer("refresh", next - (this.clock.now() - began), () => { refresh(next); });
    };
    refresh(0);
  }

  #ask(port: HostPort, segment: string, address: Address, work: Work, ask: number): void {
    this.host.setup.tell(() => `${this.host.name} asks for ${address} on ${segment}`);
    const frame = (): void => {
      if (work.ask === ask) port.lan.broadcast(port, { frame: "question", address, mac: port.mac });
    };
    for (const ms of PROBES_MS) {
      if (ms === 0) frame();
      else this.clock.timer("probe", ms, frame);
    }
    this.clock.timer("answer", ANSWER_MS, () => {
      if (work.ask !== ask) return;
      work.silentAt = this.host.setup.world.time;
      this.fleet.input({ type: "asked", segment, address, ask, answer: undefined });
    });
  }

  /** A frame arrives: the worker takes the hellos, the main loop the rest, when it turns. */
  receive(port: HostPort, frame: Frame): void {
    if (!this.clock.paused) {
      this.#take(port, frame);
      return;
    }
    if (this.worker.paused && !this.host.queues) return;
    // Questions that waited are thrown away: whoever asked has long drawn his conclusion.
    if (frame.frame !== "question") this.host.setup.world.after(0, () => { this.#take(port, frame); }, this.clock);
  }

  #take(port: HostPort, frame: Frame): void {
    const segment = port.lan.name;
    switch (frame.frame) {
      case "hello": {
        const { statement, sequence } = frame.payload as { statement: Statement; sequence: number };
        this.fleet.input({ type: "hello", segment, statement, sequence });
        return;
      }
      case "announcement":
        this.fleet.input({ type: "heard", segment, address: frame.address, mac: frame.mac });
        return;
      case "question":
        if (this.#work.get(segment)?.get(frame.address)?.claim !== undefined) port.lan.unicast(port, frame.mac, { frame: "answer", address: frame.address, mac: port.mac });
        else this.fleet.input({ type: "question", segment, address: frame.address, mac: frame.mac });
        return;
      case "answer": {
        const work = this.#work.get(segment)?.get(frame.address);
        if (work?.ask === undefined) this.fleet.input({ type: "heard", segment, address: frame.address, mac: frame.mac });
        else {
          const { ask } = work;
          work.ask = undefined;
          this.fleet.input({ type: "asked", segment, address: frame.address, ask, answer: frame.mac });
        }
      }
    }
  }

  #tell(fact: FleetFact): void {
    if (fact.fact === "rank" && fact.rank !== fact.before) this.rankAt = this.host.setup.world.time;
    this.host.setup.tell(() => {
      const { sentence, fields } = sayFact(fact);
      return `${this.host.name} (life ${this.host.starts}): ${sentence} ${Object.entries(fields).filter(([, value]) => value !== undefined).map(([key, value]) => `${key}=${value ?? ""}`).join(" ")}`;
    });
  }
}

function hex(n: number): string {
  return n.toString(16).padStart(8, "0");
}
