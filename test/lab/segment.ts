/** A layer-2 broadcast domain: a bridge in a namespace of its own, where nothing else lives, and the cables that lead into it. */
import { addNamespace } from "./namespace.ts";
import { run } from "./run.ts";

const BRIDGE = "br0";

export type SegmentOptions = {
  /** Prefixes of the segment; an address of a host gets its length from them. */
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
};

export class Segment {
  readonly name: string;
  readonly namespace: string;
  /** The interface on which everything that passes the segment can be heard; it does not go down with any host. */
  readonly interface = BRIDGE;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  #ports = 0;

  private constructor(name: string, namespace: string, options: SegmentOptions) {
    this.name = name;
    this.namespace = namespace;
    this.ipv4 = options.ipv4;
    this.ipv6 = options.ipv6;
  }

  static async create(name: string, namespace: string, options: SegmentOptions): Promise<Segment> {
    // The bridge itself has no address and says nothing.
    await addNamespace(namespace, { "net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1 });
    // Without a querier, snooping could starve multicast; without the delay of spanning tree a port forwards at once.
    await run(["ip", "-n", namespace, "link", "add", BRIDGE, "type", "bridge", "mcast_snooping", "0", "forward_delay", "0"]);
    await run(["ip", "-n", namespace, "link", "set", BRIDGE, "up"]);
    return new Segment(name, namespace, options);
  }

  /** The name of a bridge port that was never used. */
  newPort(): string {
    this.#ports++;
    return `port${this.#ports}`;
  }

  /** `address` with the length of the segment's prefix of that family, unless it has one. */
  withLength(address: string): string {
    if (address.includes("/")) return address;
    const prefix = address.includes(":") ? this.ipv6 : this.ipv4;
    const length = prefix?.split("/")[1];
    if (length === undefined) throw new Error(`segment ${this.name} has no prefix for ${address}: give one to lab.segment(), or write the address with its length`);
    return `${address}/${length}`;
  }
}

export type Attachment = {
  /** Name of the interface in the host; default: eth0, eth1 … in the order written. */
  readonly interface?: string | undefined;
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  /** As after `ip route add`: "default via 10.7.0.254". */
  readonly routes?: readonly string[] | undefined;
};

/** A host's cable to a segment. Every way to damage it leaves the rest of the segment as it is. */
export class Link {
  readonly interface: string;
  readonly mac: string;
  readonly segment: Segment;
  /** Without their lengths. */
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly #host: string;
  readonly #port: string;
  readonly #attachment: Attachment;

  /** @param host the host's namespace */
  constructor(host: string, segment: Segment, name: string, mac: string, attachment: Attachment) {
    this.#host = host;
    this.segment = segment;
    this.interface = name;
    this.mac = mac;
    this.ipv4 = attachment.ipv4?.split("/")[0];
    this.ipv6 = attachment.ipv6?.split("/")[0];
    this.#port = segment.newPort();
    this.#attachment = attachment;
  }

  /** Makes the interface, with its addresses and routes, and plugs it in. */
  async create(): Promise<void> {
    const { namespace } = this.segment;
    await run(["ip", "link", "add", this.interface, "netns", this.#host, "address", this.mac, "type", "veth", "peer", "name", this.#port, "netns", namespace]);
    await run(["ip", "-n", namespace, "link", "set", this.#port, "master", this.segment.interface, "up"]);
    await this.up();
  }

  /** The cable is pulled at the switch: the host loses its carrier. */
  async cut(): Promise<void> {
    await run(["ip", "-n", this.segment.namespace, "link", "set", this.#port, "down"]);
  }

  /** The switch forwards nothing more from or to this port; the host keeps its carrier and notices nothing. */
  async cutSilently(): Promise<void> {
    await this.#forward("0");
  }

  /** Undoes `cut` and `cutSilently`. */
  async restore(): Promise<void> {
    await run(["ip", "-n", this.segment.namespace, "link", "set", this.#port, "up"]);
    await this.#forward("3");
  }

  /** `ip link set INTERFACE down` on the host. */
  async down(): Promise<void> {
    await run(["ip", "-n", this.#host, "link", "set", this.interface, "down"]);
  }

  /** `ip link set INTERFACE up` on the host; addresses and routes that went with the interface come back. */
  async up(): Promise<void> {
    const { ipv4, ipv6, routes } = this.#attachment;
    const commands = [`link set ${this.interface} up`];
    if (ipv4 !== undefined) commands.push(`addr replace ${this.segment.withLength(ipv4)} dev ${this.interface}`);
    if (ipv6 !== undefined) commands.push(`addr replace ${this.segment.withLength(ipv6)} dev ${this.interface} nodad`);
    for (const route of routes ?? []) commands.push(`route replace ${route}`);
    await run(["ip", "-n", this.#host, "-batch", "-"], { input: `${commands.join("\n")}\n` });
  }

  /** The interface vanishes from the host, as when its driver is unloaded. */
  async remove(): Promise<void> {
    await run(["ip", "-n", this.#host, "link", "del", this.interface]);
  }

  async #forward(state: "0" | "3"): Promise<void> {
    // 0 = disabled, 3 = forwarding: bridge(8)
    await run(["bridge", "-n", this.segment.namespace, "link", "set", "dev", this.#port, "state", state]);
  }
}
