/** One object for all equal attributes, so that to compare those of two routes is to compare two references. */
import type { RouteAttributes } from "./desired.ts";

/** Attributes that stand for all equal ones: two routes have the same exactly if these are the same object. */
export type Shared = { readonly attributes: RouteAttributes };

const FEW = 256;

export class SharedAttributes {
  readonly #used: () => Iterable<Shared>;
  readonly #byContent = new Map<string, Shared>();
  /** A plan has one object for many routes, too. */
  #byObject = new WeakMap<RouteAttributes, Shared>();
  /** Beyond so many it is looked what of them is used: the traffic that a route is worth may be another every minute. */
  #most = FEW;

  /** @param used all that must stay what they are */
  constructor(used: () => Iterable<Shared>) {
    this.#used = used;
  }

  of(attributes: RouteAttributes): Shared {
    const known = this.#byObject.get(attributes);
    if (known !== undefined) return known;
    const content = contentOf(attributes);
    let shared = this.#byContent.get(content);
    if (shared === undefined) {
      if (this.#byContent.size >= this.#most) this.#sweep();
      shared = { attributes };
      this.#byContent.set(content, shared);
    }
    this.#byObject.set(attributes, shared);
    return shared;
  }

  #sweep(): void {
    this.#byContent.clear();
    this.#byObject = new WeakMap();
    for (const shared of new Set(this.#used())) this.#byContent.set(contentOf(shared.attributes), shared);
    this.#most = Math.max(FEW, 2 * this.#byContent.size);
  }
}

function contentOf({ localPref, med, prepend, communities, linkBandwidth }: RouteAttributes): string {
  return JSON.stringify([localPref, med, prepend, communities, linkBandwidth]);
}
