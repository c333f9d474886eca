/** Of the VIPs given up to one host at once, a few are checked on: whether it really serves them. */

const MOST_OF_A_HOST = 16;

export class Rechecks {
  readonly #open = new Map<string, number>();

  /** One more VIP was given up to that host; true if it is among those that are checked on. */
  begin(instance: string): boolean {
    const open = this.#open.get(instance) ?? 0;
    if (open >= MOST_OF_A_HOST) return false;
    this.#open.set(instance, open + 1);
    return true;
  }

  end(instance: string): void {
    const left = (this.#open.get(instance) ?? 1) - 1;
    if (left > 0) this.#open.set(instance, left);
    else this.#open.delete(instance);
  }
}
