/** A whole fleet in a virtual world: hosts, segments, Kubernetes and what goes wrong. The same seed gives the same run. */
import { seededRandom, type Random, VirtualWorld } from "../../../src/time/index.ts";
import { initialView, type View, withVip } from "./cluster.ts";
import { drawSchedule, type Fault, type Kind, type Schedule } from "./faults.ts";
import { Host, type HostPort } from "./host.ts";
import { Lan } from "./lan.ts";
import { Oracle, type Violation } from "./oracle.ts";

export const SETTINGS = { helloMs: 200, failbackDelayMs: 6_000, failback: "auto", keyFile: undefined, refreshMs: 20_000, announceRate: 500 } as const;

export type Result = {
  readonly schedule: Schedule;
  readonly violations: readonly Violation[];
  readonly story: readonly string[];
  readonly silences: Oracle["silences"];
};

/** For each fault, how often it may move a VIP: where several hosts are concerned, or the VIP itself, more than away and back home. */
const MOVES: Readonly<Record<Kind, number>> = {
  kill: 2,
  reboot: 2,
  restart: 2,
  leave: 2,
  pause: 2,
  stall: 2,
  carrier: 2,
  flap: 2,
  split: 4,
  api: 0,
  // A view that is stale while others' are fresh makes doubtful after a while.
  "api-one": 2,
  vip: 0,
  endpoints: 3,
  "not-ready": 2,
  "not-ready-all": 0,
  // Three hellos in a row may be lost more than once.
  loss: 4,
  "boot-all": 3,
};

const SETTLE_MS = 14_000;
const BOOKMARK_MS = 1_000;

export class Simulation {
  readonly world = new VirtualWorld();
  readonly random: Random;
  readonly schedule: Schedule;
  readonly lans: readonly Lan[];
  readonly hosts: readonly Host[];
  readonly oracle: Oracle;
  readonly story: string[] = [];
  view: View;
  lastChangeAt = 0;
  /** From here on moves are counted: the fleet has come up. */
  readonly settledAt = SETTLE_MS;
  readonly #storied: boolean;
  readonly #hurt = new Map<Host, number>();
  #disturbedUntil = -Infinity;

  constructor(seed: number, story: "told" | "untold") {
    this.random = seededRandom(seed * 7919 + 13);
    this.#storied = story === "told";
    this.schedule = drawSchedule(seed, this.random, SETTLE_MS + 2_000);
    const { hosts, segments } = this.schedule;
    this.lans = Array.from({ length: segments }, (_, i) => new Lan(`eth${i}`, this.world, this.random));
    this.view = initialView(this.random, this.lans.map((lan) => lan.name), Array.from({ length: hosts }, (_, i) => `h${i}`));
    const prefers = this.random() < 0.5 ? 0 : 0.3;
    this.hosts = Array.from({ length: hosts }, (_, index) => {
      const prefer = { a: this.random() < prefers ? 1 : 0, b: this.random() < prefers ? 1 : 0 };
      const weight = this.random() < 0.8 ? 100 : 300;
      return new Host({ index, world: this.world, random: this.random, lans: this.lans, settings: SETTINGS, prefer, weight, view: this.view, tell: this.tell, claimed: (host, address, segment, asked) => { this.oracle.claimed(host, address, segment, asked); } });
    });
    this.oracle = new Oracle(this);
  }

  readonly tell = (text: () => string): void => {
    if (this.#storied) this.story.push(`${(this.world.time / 1_000).toFixed(3).padStart(8)} ${text()}`);
  };

  run(): Result {
    for (const host of this.hosts) this.world.after(this.random() * 1_500, () => { host.start(); });
    this.#bookmarks();
    this.oracle.start();
    let last = this.settledAt;
    for (const fault of this.schedule.faults) {
      const [at, until] = [fault.at, fault.at + ("ms" in fault ? fault.ms : "restartAfterMs" in fault ? 3_000 + fault.restartAfterMs : 0)];
      this.world.after(at, () => { this.#suffer(fault); });
      // The end of a pause and the restart after leaving are changes as well.
      if (until > at) this.world.after(until, () => { this.#change(); });
      last = Math.max(last, until);
    }
    this.world.runUntil(last + 10_000);
    this.oracle.checkOwners();
    // Probation doubles with every death: long enough for the last one to end, where only one thing happened.
    this.world.runUntil(last + 14_000 + 2 * SETTINGS.failbackDelayMs);
    this.oracle.checkEnd();
    return { schedule: this.schedule, violations: this.oracle.violations, story: this.story, silences: this.oracle.silences };
  }

  /** What happened to that host lately explains that it does not answer. */
  isHurt(host: Host, segment: string): boolean {
    const port = host.ports.find((each) => each.lan.name === segment);
    return host.process === undefined || host.process.clock.paused || port?.connected !== true || port.side !== 0 || this.world.time - (this.#hurt.get(host) ?? -Infinity) < 1_500;
  }

  /** Some host was struck this moment: its last claim may be the one that counted. */
  justHurt(): boolean {
    return this.hosts.some((host) => this.world.time - (this.#hurt.get(host) ?? -Infinity) < 100);
  }

  /** How many hosts were struck since then. */
  struckSince(time: number): number {
    return this.hosts.filter((host) => (this.#hurt.get(host) ?? -Infinity) >= time).length;
  }

  /** A host that could own the VIP by now, as it says of itself. */
  isCandidate(host: Host, index: number): boolean {
    const vip = this.view.vips[index];
    const { process } = host;
    if (vip?.exists !== true || process === undefined || process.clock.paused) return false;
    const known = host.view.vips[index];
    const port = host.ports.find((each) => each.lan.name === vip.segment);
    if (known?.exists !== true || port?.connected !== true || this.world.time - process.startedAt < 1_000) return false;
    const statement = process.fleet.statements().get(vip.segment);
    return statement !== undefined && statement.rank > 0 && (known.local === undefined || known.local.includes(host.name));
  }

  /** Frames are lost, or views differ: silences are judged less strictly. */
  disturbed(): boolean {
    return this.world.time < this.#disturbedUntil || this.lans.some((lan) => lan.loss > 0) || this.viewsDiffer();
  }

  viewsDiffer(): boolean {
    return this.hosts.some((host) => host.view !== this.view && host.process !== undefined);
  }

  /** How often a VIP may move: for each fault away and back home. */
  get movesAllowed(): number {
    return this.schedule.kinds.reduce((sum, kind) => sum + MOVES[kind], 0);
  }

  #bookmarks(): void {
    for (const host of this.hosts) {
      if (!host.api || host.process === undefined) continue;
      host.viewAt = this.world.time;
      host.process.bookmark();
    }
    this.world.after(BOOKMARK_MS, () => { this.#bookmarks(); });
  }

  #change(): void {
    this.lastChangeAt = this.world.time;
  }

  #suffer(fault: Fault): void {
    this.#change();
    this.tell(() => `=== ${JSON.stringify(fault)}`);
    switch (fault.fault) {
      case "kill":
        this.#host(fault.host, (host) => { host.kill(); });
        return;
      case "start":
        this.#host(fault.host, (host) => { this.#start(host); });
        return;
      case "leave":
        this.#host(fault.host, (host) => {
          host.process?.leave(() => {
            host.kill();
            this.#change();
            this.world.after(fault.restartAfterMs, () => { this.#start(host); });
          });
        });
        return;
      case "pause":
        this.#host(fault.host, (host) => {
          host.queues = fault.frames === "queued";
          host.process?.clock.pause(fault.ms, fault.clock);
          host.process?.worker.pause(fault.ms, fault.clock);
          this.world.after(fault.ms, () => this.#hurt.set(host, this.world.time));
        });
        return;
      case "stall":
        this.#host(fault.host, (host) => {
          host.process?.clock.pause(fault.ms, "seen");
          this.world.after(fault.ms, () => this.#hurt.set(host, this.world.time));
        });
        return;
      case "plug":
        this.#host(fault.host, (host) => { host.ports[fault.segment]?.plug(fault.connected); });
        return;
      case "split":
        this.hosts.forEach((host, i) => {
          const port: HostPort | undefined = host.ports[fault.segment];
          if (port !== undefined) port.side = fault.sides[i] ?? 0;
        });
        // Two hosts that declared each other dead hold on to what they took for a second.
        this.#disturb(4_000);
        return;
      case "api":
        for (const index of fault.hosts) this.#host(index, (host) => {
          host.api = fault.up;
          if (fault.up) this.world.after(100 + 2_900 * this.random(), () => { if (host.api) host.see(this.view); });
        });
        return;
      case "vip":
        this.#publish(withVip(this.view, fault.vip, { exists: fault.exists }));
        return;
      case "endpoints":
        if (this.view.vips[fault.vip]?.local !== undefined) this.#publish(withVip(this.view, fault.vip, { local: fault.nodes.map((node) => `h${node}`) }));
        return;
      case "not-ready":
        this.#publish({ ...this.view, notReady: new Set(fault.nodes.map((node) => `h${node}`)) });
        return;
      case "loss":
        for (const [i, lan] of this.lans.entries()) if (i === fault.segment) lan.loss = fault.share;
        this.#disturb(2_000);
    }
  }

  #start(host: Host): void {
    this.#change();
    host.start();
    this.world.after(50 + 150 * this.random(), () => { if (host.api) host.see(this.view); });
  }

  #disturb(ms: number): void {
    this.#disturbedUntil = this.world.time + ms;
  }

  /** The truth changes, and every host that reaches the API sees it a moment later. */
  #publish(view: View): void {
    this.view = view;
    this.#disturb(1_500);
    for (const host of this.hosts) this.world.after(5 + 195 * this.random(), () => { if (host.api) host.see(this.view); });
  }

  #host(index: number, act: (host: Host) => void): void {
    const host = this.hosts[index];
    if (host === undefined) return;
    this.#hurt.set(host, this.world.time);
    act(host);
  }
}

export function simulate(seed: number, story: "told" | "untold" = "untold"): Result {
  return new Simulation(seed, story).run();
}
