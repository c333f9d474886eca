/** Kubernetes in the simulation: which VIPs there are, and who knows of it when. */
import { type Address, address } from "../../../src/net/index.ts";
import type { DueVip } from "../../../src/fleet/index.ts";
import type { Random } from "../../../src/time/index.ts";

export type SimVip = {
  readonly address: Address;
  readonly segment: string;
  readonly advertisement: string;
  readonly exists: boolean;
  /** Under externalTrafficPolicy Local the nodes with a ready endpoint; undefined: Cluster. */
  readonly local: readonly string[] | undefined;
};

/** One consistent view. */
export type View = { readonly vips: readonly SimVip[]; readonly notReady: ReadonlySet<string> };

export const ADVERTISEMENTS = ["a", "b"] as const;

export function initialView(random: Random, segments: readonly string[], nodes: readonly string[]): View {
  const local = random() < 0.5 ? 0 : 0.3;
  const count = 10 + Math.floor(random() * 5);
  const vips = Array.from({ length: count }, (_, i): SimVip => {
    const ready = nodes.filter(() => random() < 0.6);
    return {
      address: address(i % 4 === 3 ? `2001:db8::${i + 1}` : `192.0.2.${i + 1}`),
      segment: segments[i % segments.length] ?? "",
      advertisement: ADVERTISEMENTS[random() < 0.5 ? 0 : 1],
      exists: random() < 0.9,
      local: random() < local ? (ready.length > 0 ? ready : nodes.slice(0, 1)) : undefined,
    };
  });
  return { vips, notReady: new Set() };
}

/** What the plan tells the fleet of a VIP. */
export function dueOf(vip: SimVip): readonly DueVip[] {
  if (!vip.exists) return [];
  return [{ segment: vip.segment, advertisement: vip.advertisement, fitness: vip.local === undefined ? undefined : new Map(vip.local.map((node) => [node, 2] as const)) }];
}

/** How a VIP differs after a change. */
export function withVip(view: View, index: number, change: Partial<SimVip>): View {
  return { ...view, vips: view.vips.map((vip, i) => (i === index ? { ...vip, ...change } : vip)) };
}
