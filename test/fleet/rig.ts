/** One real Fleet in a virtual world, with other hosts that say what a test has them say, and a network that answers what it is told to. */
import { Fleet, type FleetFact, type FleetInput, type FleetSettings, rendezvousScore, type Standing, type Statement } from "../../src/fleet/index.ts";
import { type Address, address, type Mac } from "../../src/net/index.ts";
import { seededRandom, VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { mac, statement } from "./statement.ts";

export const ME = "edge-1";
export const SEGMENT = "eth0";
const ANSWER_MS = 200;

export type RigOptions = { readonly settings?: Partial<FleetSettings["fleet"]>; readonly bgp?: boolean; readonly segments?: readonly string[]; readonly recentStarts?: number };

export class Rig {
  readonly world = new VirtualWorld();
  readonly clock = new VirtualClock(this.world);
  readonly fleet: Fleet;
  readonly facts: FleetFact[] = [];
  readonly said = new Map<string, Statement>();
  /** Where nothing is said, whatever there would be to say. */
  readonly hushed = new Set<string>();
  /** Every statement said at once, in order. */
  readonly urgent: Statement[] = [];
  /** Questions put, in order, with the time. */
  readonly asked: { readonly address: Address; readonly at: number }[] = [];
  /** Who answers a question about an address. */
  readonly answers = new Map<Address, Mac>();
  readonly presences: boolean[] = [];
  changes = 0;
  /** Results of questions get lost. */
  losesResults = false;
  /** Called within the effect. */
  onFact: ((fact: FleetFact) => void) | undefined;
  settings: FleetSettings;
  readonly #asks = new Map<string, number>();
  readonly #others = new Map<string, { statement: Statement; readonly segment: string; silent: boolean }>();
  #segments: readonly string[];
  #sequence = 0;
  #hasApi = true;

  constructor(options: RigOptions = {}) {
    this.#segments = options.segments ?? [SEGMENT];
    this.settings = {
      fleet: { helloMs: 200, failbackDelayMs: 60_000, failback: "auto", keyFile: undefined, refreshMs: 60_000, announceRate: 500, ...options.settings },
      node: ME,
      weight: 100,
      bgp: options.bgp ?? false,
      digests: statement().digests,
    };
    this.fleet = new Fleet({
      self: { name: ME, instance: "0000000100000001", recentStarts: options.recentStarts ?? 0 },
      settings: this.settings,
      clock: this.clock,
      random: seededRandom(1),
      effects: {
        say: (segment, what, urgency) => {
          this.said.set(segment, what);
          if (urgency === "never") this.hushed.add(segment);
          else this.hushed.delete(segment);
          if (urgency === "now") this.urgent.push(what);
        },
        changed: (addresses) => {
          this.changes += addresses.size;
          for (const each of addresses) this.#lookAt(each);
        },
        presence: (presence) => this.presences.push(presence.announceBgp),
        fact: (fact) => {
          this.facts.push(fact);
          this.onFact?.(fact);
        },
      },
    });
    this.link("up");
    this.fleet.start();
    const bookmark = (): void => {
      if (this.#hasApi) this.input({ type: "view-current", ageMs: 0 });
      this.clock.timer("bookmark", 1_000, bookmark);
    };
    bookmark();
  }

  /** A host that has been eligible for long and serves alone. */
  static settled(vips: readonly Address[], options: RigOptions = {}): Rig {
    const rig = new Rig(options);
    rig.due(vips);
    rig.pass(61_000);
    rig.facts.length = rig.asked.length = 0;
    return rig;
  }

  input(event: FleetInput): void {
    this.fleet.input(event);
  }

  pass(ms: number): void {
    this.world.advance(ms);
  }

  /** Passes time until something holds; returns how long that took, in ms. */
  until(holds: () => boolean, most: number): number {
    const began = this.world.time;
    while (!holds()) {
      if (this.world.time - began > most) throw new Error(`did not happen within ${most} ms`);
      this.world.advance(10);
    }
    return this.world.time - began;
  }

  /** Nothing more is heard from the API. */
  loseApi(): void {
    this.#hasApi = false;
  }

  due(vips: readonly Address[], fitness?: ReadonlyMap<string, 1 | 2>): void {
    this.input({ type: "vips", due: new Map(vips.map((vip) => [vip, this.#segments.map((segment) => ({ segment, advertisement: "lan", fitness }))])) });
  }

  notDue(vips: readonly Address[]): void {
    this.input({ type: "vips", due: new Map(vips.map((vip) => [vip, []])) });
  }

  link(state: "up" | "down"): void {
    this.input({
      type: "segments",
      segments: this.#segments.map((name, i) => ({ name, up: state === "up", mac: mac(i === 0 ? 1 : 0xf0 + i), addresses: [], advertisements: [{ name: "lan", prefer: 0 }] })),
    });
  }

  /** Another host says this from now on, every 200 ms and at once. */
  says(change: Partial<Statement>, segment = SEGMENT): void {
    const said = statement(change);
    const other = this.#others.get(said.instance);
    if (other !== undefined) {
      other.statement = said;
      other.silent = false;
      this.#hello(segment, said);
      return;
    }
    this.#others.set(said.instance, { statement: said, segment, silent: false });
    const hello = (): void => {
      const now = this.#others.get(said.instance);
      if (now?.silent === false) this.#hello(segment, now.statement);
      this.world.after(200, hello);
    };
    hello();
  }

  /** Another host is not heard any more. */
  silence(instance = statement().instance): void {
    const other = this.#others.get(instance);
    if (other !== undefined) other.silent = true;
  }

  heard(vip: Address, from: Mac, segment = SEGMENT): void {
    this.input({ type: "heard", segment, address: vip, mac: from });
  }

  used(vip: Address, from: Mac, segment = SEGMENT): void {
    this.input({ type: "used", segment, address: vip, mac: from });
  }

  /** How often it has announced the VIP. */
  claims(vip: Address): number {
    const standing = this.standing(vip);
    return standing.role === "owner" ? Math.max(standing.claim, standing.defence ?? 0) : 0;
  }

  standing(vip: Address, segment = SEGMENT): Standing {
    return this.fleet.standing(vip, segment);
  }

  serves(vip: Address, segment = SEGMENT): boolean {
    return this.standing(vip, segment).role === "owner";
  }

  get rank(): number | undefined {
    return this.said.get(SEGMENT)?.rank;
  }

  factsOf<F extends FleetFact["fact"]>(kind: F): readonly Extract<FleetFact, { readonly fact: F }>[] {
    return this.facts.filter((fact): fact is Extract<FleetFact, { readonly fact: F }> => fact.fact === kind);
  }

  #hello(segment: string, said: Statement): void {
    this.input({ type: "hello", segment, statement: { ...said, uptimeMs: said.uptimeMs + this.world.time }, sequence: ++this.#sequence });
  }

  #lookAt(vip: Address): void {
    for (const segment of this.#segments) {
      const standing = this.standing(vip, segment);
      const ask = standing.role === "standby" ? undefined : standing.ask;
      const key = `${vip} ${segment}`;
      if (ask === undefined || this.#asks.get(key) === ask) continue;
      this.#asks.set(key, ask);
      this.asked.push({ address: vip, at: this.world.time });
      this.world.after(ANSWER_MS, () => { if (!this.losesResults) this.input({ type: "asked", segment, address: vip, ask, answer: this.answers.get(vip) }); }, this.clock);
    }
  }
}

/** Addresses for which this host comes before edge-2, and the other way round. */
export function vips(count: number, first: "mine" | "theirs"): readonly Address[] {
  const found: Address[] = [];
  for (let i = 1; found.length < count; i++) {
    const vip = address(`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`);
    const mine = rendezvousScore(ME, vip, 100) > rendezvousScore("edge-2", vip, 100);
    if (mine === (first === "mine")) found.push(vip);
  }
  return found;
}
