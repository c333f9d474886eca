/** What goes wrong in a run: drawn from a seed, so that the same seed goes wrong in the same way. */
import type { Random } from "../../../src/time/index.ts";

export type Fault = { readonly at: number } & (
  | { readonly fault: "kill" | "start"; readonly host: number }
  | { readonly fault: "leave"; readonly host: number; readonly restartAfterMs: number }
  | { readonly fault: "pause"; readonly host: number; readonly ms: number; readonly clock: "seen" | "unseen"; readonly frames: "queued" | "lost" }
  | { readonly fault: "stall"; readonly host: number; readonly ms: number }
  | { readonly fault: "plug"; readonly host: number; readonly segment: number; readonly connected: boolean }
  | { readonly fault: "split"; readonly segment: number; readonly sides: readonly number[] }
  | { readonly fault: "api"; readonly hosts: readonly number[]; readonly up: boolean }
  | { readonly fault: "vip"; readonly vip: number; readonly exists: boolean }
  | { readonly fault: "endpoints"; readonly vip: number; readonly nodes: readonly number[] }
  | { readonly fault: "not-ready"; readonly nodes: readonly number[] }
  | { readonly fault: "loss"; readonly segment: number; readonly share: number }
);

export const KINDS = ["kill", "reboot", "restart", "leave", "pause", "stall", "carrier", "flap", "split", "api", "api-one", "vip", "endpoints", "not-ready", "not-ready-all", "loss", "boot-all"] as const;
export type Kind = (typeof KINDS)[number];

export type Schedule = {
  readonly seed: number;
  readonly hosts: number;
  readonly segments: number;
  readonly kinds: readonly Kind[];
  readonly faults: readonly Fault[];
};

/** Up to four faults, one after another or overlapping; `bootMs` is when the fleet has come up and settled. */
export function drawSchedule(seed: number, random: Random, bootMs: number): Schedule {
  const pick = (n: number): number => Math.floor(random() * n);
  const hosts = 2 + pick(4);
  const segments = random() < 0.7 ? 1 : 2;
  const kinds: Kind[] = [];
  const faults: Fault[] = [];
  let at = bootMs;
  const count = 1 + pick(4);
  for (let i = 0; i < count; i++) {
    const kind = KINDS[pick(KINDS.length)] ?? "kill";
    kinds.push(kind);
    faults.push(...draw(kind, at, { hosts, segments, random, pick }));
    at += random() < 0.5 ? random() * 3_000 : 3_000 + random() * 12_000;
  }
  return { seed, hosts, segments, kinds, faults: faults.sort((a, b) => a.at - b.at) };
}

type Draw = { readonly hosts: number; readonly segments: number; readonly random: Random; readonly pick: (n: number) => number };

function draw(kind: Kind, at: number, { hosts, segments, random, pick }: Draw): readonly Fault[] {
  const host = pick(hosts);
  const segment = pick(segments);
  const ms = Math.round(random() < 0.4 ? 50 + random() * 1_500 : 1_500 + random() * 10_000);
  const all = Array.from({ length: hosts }, (_, i) => i);
  switch (kind) {
    case "kill":
      return [
        { at, fault: "kill", host },
        { at: at + Math.max(ms, 2_000), fault: "start", host },
      ];
    case "reboot":
      return [
        { at, fault: "kill", host },
        { at: at + 100 + random() * 900, fault: "start", host },
      ];
    case "restart":
      return [{ at, fault: "leave", host, restartAfterMs: 100 + random() * 800 }];
    case "leave":
      return [{ at, fault: "leave", host, restartAfterMs: 4_000 + ms }];
    case "pause":
      return [{ at, fault: "pause", host, ms, clock: random() < 0.5 ? "seen" : "unseen", frames: random() < 0.5 ? "queued" : "lost" }];
    case "stall":
      return [{ at, fault: "stall", host, ms: Math.min(ms, 6_000) }];
    case "carrier":
    case "flap": {
      const away = kind === "flap" ? 20 + random() * 700 : ms;
      return [
        { at, fault: "plug", host, segment, connected: false },
        { at: at + away, fault: "plug", host, segment, connected: true },
      ];
    }
    case "split": {
      const sides = all.map(() => (random() < 0.4 ? 1 : 0));
      return [
        { at, fault: "split", segment, sides },
        { at: at + ms, fault: "split", segment, sides: all.map(() => 0) },
      ];
    }
    case "api":
    case "api-one": {
      const concerned = kind === "api" ? all : [host];
      return [
        { at, fault: "api", hosts: concerned, up: false },
        { at: at + ms + (random() < 0.3 ? 40_000 : 0), fault: "api", hosts: concerned, up: true },
      ];
    }
    case "vip": {
      const vip = pick(14);
      return [
        { at, fault: "vip", vip, exists: false },
        { at: at + ms, fault: "vip", vip, exists: true },
      ];
    }
    case "endpoints":
      return [0, 1, 2].map(() => ({ at, fault: "endpoints", vip: pick(14), nodes: all.filter(() => random() < 0.5) }));
    case "not-ready":
    case "not-ready-all":
      return [
        { at, fault: "not-ready", nodes: kind === "not-ready" ? [host] : all },
        { at: at + ms + (random() < 0.5 ? 18_000 : 0), fault: "not-ready", nodes: [] },
      ];
    case "loss":
      return [
        { at, fault: "loss", segment, share: 0.02 + 0.08 * random() },
        { at: at + ms, fault: "loss", segment, share: 0 },
      ];
    case "boot-all":
      return all.flatMap((each): readonly Fault[] => [
        { at, fault: "kill", host: each },
        { at: at + 2_000 + random() * 3_000, fault: "start", host: each },
      ]);
  }
}
