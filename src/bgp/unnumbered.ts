/** The interfaces with unnumbered peers: on each, we advertise ourselves and hear who else is a router there. */
import type { Link } from "../linux/index.ts";
import type { Ipv6 } from "../net/index.ts";
import { UnnumberedLink, type UnnumberedParts } from "./unnumbered-link.ts";

export class Unnumbered {
  readonly #parts: UnnumberedParts;
  readonly #changed: () => void;
  readonly #interfaces = new Map<string, UnnumberedLink>();
  #links: readonly Link[] = [];

  /** `changed` is called when other routers are on an interface than before. */
  constructor(parts: UnnumberedParts, changed: () => void) {
    this.#parts = parts;
    this.#changed = changed;
  }

  /** Is present on exactly these interfaces. */
  apply(names: ReadonlySet<string>): void {
    for (const [name, one] of this.#interfaces) {
      if (names.has(name)) continue;
      this.#interfaces.delete(name);
      one.stop();
    }
    for (const name of names) {
      if (this.#interfaces.has(name)) continue;
      const one = new UnnumberedLink(name, this.#parts, this.#changed);
      this.#interfaces.set(name, one);
      one.link(this.#find(name));
    }
  }

  /** Every interface of the host, as it is now. */
  links(links: readonly Link[]): void {
    this.#links = links;
    for (const [name, one] of this.#interfaces) one.link(this.#find(name));
  }

  /** Whether the router of an interface is to be looked for. */
  search(name: string, searching: boolean): void {
    this.#interfaces.get(name)?.search(searching);
  }

  /** In the order in which they were first heard. */
  routers(name: string): readonly Ipv6[] {
    return this.#interfaces.get(name)?.routers() ?? [];
  }

  /** Why none can be heard there, as a sentence; undefined if they can. */
  problem(name: string): string | undefined {
    return this.#interfaces.get(name)?.problem;
  }

  stop(): void {
    this.apply(new Set());
  }

  #find(name: string): Link | undefined {
    return this.#links.find((link) => link.name === name);
  }
}
