/** What hosts say of themselves, and what this one is told: the values that go in and out of fleet/. */
import type { Address, Mac } from "../net/index.ts";

/** 3 eligible · 2 probation · 1 doubtful · 0 never. The highest rank present serves. */
export type Rank = 0 | 1 | 2 | 3;

/** A host's statement about itself on one segment: the contents of its hello. */
export type Statement = {
  readonly name: string;
  /** One life of one machine: 16 hexadecimal digits, eight of the machine and eight of the boot and the start of the daemon. */
  readonly instance: string;
  /** The first eight digits of `instance`: two instances with the same ones are the same machine at different times. */
  readonly machine: string;
  readonly uptimeMs: number;
  readonly rank: Rank;
  readonly reason: string;
  readonly leaving: boolean;
  /** The Kubernetes node on the host; undefined on a gateway. */
  readonly node: string | undefined;
  /** The [[l2]] advertisements that it stands for here, with its prefer class (0, or higher if listed in `prefer`). */
  readonly advertisements: readonly { readonly name: string; readonly prefer: number }[];
  readonly weight: number;
  /** It announces by BGP: those who do not are no reason for others to leave it to them. */
  readonly bgp: boolean;
  /** Since its view of Kubernetes was known to be current. */
  readonly viewAgeMs: number;
  /** Age of its main loop's last tick. */
  readonly loopLagMs: number;
  /** Instances that it hears here. */
  readonly heard: readonly string[];
  /** Instances that it declared dead in the last 30 s. */
  readonly dead: readonly string[];
  /** How many VIPs it serves here. */
  readonly serving: number;
  /** Its hello interval. */
  readonly intervalMs: number;
  readonly mac: Mac;
  readonly addresses: readonly Address[];
  /** Short hashes of the sections that should be the same on all hosts, and the version of the algorithm. */
  readonly digests: { readonly pools: string; readonly l2: string; readonly bgp: string; readonly algorithm: number };
};

/** A VIP that this host stands for on a segment; made by the plan, given to the fleet. */
export type DueVip = {
  readonly segment: string;
  /** The [[l2]] advertisement by which it is announced there. */
  readonly advertisement: string;
  /**
   * Under externalTrafficPolicy Local: by node, 2 = a ready endpoint, 1 = only a terminating one that still serves; a node that
   * is absent is no candidate. Undefined: every host is as fit as another. A host without a node (a gateway) counts as 2.
   */
  readonly fitness: ReadonlyMap<string, 1 | 2> | undefined;
};

/** What this host is to do about a VIP on a segment, and why. */
export type Standing =
  /**
   * It answers. `claim` changes whenever the ownership is to be announced anew, `defence` whenever it is to be announced once more
   * against a stranger. With `ask` it asks besides whether anybody else answers too: it was away, or somebody came back.
   */
  | { readonly role: "owner"; readonly claim: number; readonly defence?: number; readonly ask?: number }
  /** It asks the network whether anybody answers. */
  | { readonly role: "asking"; readonly ask: number }
  /** Somebody else answers, or should; `owner` is a host's name if known. */
  | { readonly role: "standby"; readonly owner: string | undefined; readonly reason: string };
