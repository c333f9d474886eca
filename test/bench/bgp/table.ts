/**
 * FRR, and when its BGP table has what. It counts the prefixes that it has of a neighbor as it takes each; this count is asked for again and
 * again, first without a pause, later after a fiftieth of the time that has passed, so that asking costs it little and no time is wrong by
 * more than that. What carries the community that is changed is turned away, so that a change can be counted, too. Its kernel
 * gets no routes (bgp no-rib): how fast zebra is with them says nothing about who announced.
 */
import { setTimeout as delay } from "node:timers/promises";
import { eventually, now, type Frr, type Host, type Lab, type Line } from "../../lab/index.ts";
import { ANNOUNCER, CHANGED, ROUTER } from "./announcer.ts";
import { Vty } from "./vty.ts";

const PATIENCE_MS = 300_000;
const UP = new RegExp(`^(?<at>\\d+/\\d+/\\d+ \\d+:\\d+:\\d+)\\.(?<us>\\d{6}) .*neighbor ${ANNOUNCER.address}.* Up`);
const COUNT = /"pfxRcd":(?<count>\d+)/;

export class FrrTable {
  readonly frr: Frr;
  readonly #vty: Vty;

  private constructor(frr: Frr) {
    this.frr = frr;
    this.#vty = new Vty(frr.host.path("frr", "bgpd.vty"));
  }

  static async start(lab: Lab, router: Host): Promise<FrrTable> {
    const frr = await lab.frr(router, { asn: ROUTER.asn, routerId: ROUTER.address, neighbors: [{ address: ANNOUNCER.address, asn: ANNOUNCER.asn, settings: ["shutdown"] }] });
    // prettier-ignore
    await frr.vtysh(
      "configure terminal", "log timestamp precision 6", "bgp no-rib",
      `bgp community-list standard changed permit ${CHANGED.asn}:${CHANGED.value}`,
      "route-map table deny 10", "match community changed", "exit", "route-map table permit 20", "exit",
      `router bgp ${ROUTER.asn}`, "address-family ipv4 unicast", `neighbor ${ANNOUNCER.address} route-map table in`,
    );
    return new FrrTable(frr);
  }

  /** Opens the session; returns from when it was up until so many prefixes were in the table, in ms. `up` is called between the two. */
  async open(prefixes: number, up: () => void): Promise<number> {
    const from = this.frr.bgpd.lines.length;
    await this.#neighbor("no ");
    const line = await this.frr.bgpd.waitForLine(UP, 60_000, from);
    up();
    const began = timeOf(line);
    return (await this.has(prefixes, began)) - began;
  }

  /** When it has so many of the prefixes, by `now()`. */
  async has(prefixes: number, since: number): Promise<number> {
    for (;;) {
      const count = Number(COUNT.exec(await this.#vty.ask("show bgp ipv4 unicast summary json"))?.groups?.["count"] ?? Number.NaN);
      const at = now();
      if (count === prefixes) return at;
      if (at - since > PATIENCE_MS) throw new Error(`after ${PATIENCE_MS} ms FRR has ${count} prefixes, not ${prefixes}`);
      const pause = (at - since) / 50;
      if (pause >= 1) await delay(pause);
    }
  }

  /** Closes the session and forgets what came by it. */
  async close(): Promise<void> {
    await this.#neighbor("");
    await eventually("FRR has left the session", 30_000, async () => (await this.#vty.ask("show bgp ipv4 unicast summary json")).includes("Admin"));
    await eventually("FRR's table is empty", 60_000, async () => !(await this.#vty.ask("show bgp ipv4 unicast statistics json")).includes('"totalPrefixes":1'));
  }

  async #neighbor(no: "no " | ""): Promise<void> {
    await this.frr.vtysh("configure terminal", `router bgp ${ROUTER.asn}`, `${no}neighbor ${ANNOUNCER.address} shutdown`);
  }
}

/** FRR writes when it was by the wall clock. */
function timeOf({ text }: Line): number {
  const { at = "", us = "" } = UP.exec(text)?.groups ?? {};
  return new Date(at).getTime() + Number(us) / 1000 - wallMinusNow();
}

/** Waits for the wall clock's next millisecond, for it tells no part of one. */
function wallMinusNow(): number {
  const before = Date.now();
  let wall = Date.now();
  while (wall === before) wall = Date.now();
  return wall - now();
}
