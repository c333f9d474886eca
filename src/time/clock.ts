/** Time as a parameter: everything that waits or measures takes a Clock, so that tests can run it on a virtual one. */

export interface Timer {
  /** The function will not be called any more. Harmless when it has been. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds, monotonic, arbitrary origin: the only time that decides anything. */
  now(): number;
  /** Unix milliseconds; may jump. Only for what people read and for Lease.renewTime. */
  wall(): number;
  /** Calls `fn` once, not before `ms` have passed by `now()`. `name` is for people. */
  timer(name: string, ms: number, fn: () => void): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  timer(_name, ms, fn) {
    if (ms <= 0) {
      const handle = setImmediate(fn); // setTimeout would wait for 1 ms
      return {
        cancel: () => {
          clearImmediate(handle);
        },
      };
    }
    const due = performance.now() + ms;
    let handle: NodeJS.Timeout;
    // setTimeout fires up to 1 ms early and cannot wait longer than 2^31 ms: arm again for what is left.
    const arm = (): void => {
      handle = setTimeout(() => {
        if (performance.now() < due) arm();
        else fn();
      }, Math.min(Math.max(1, Math.ceil(due - performance.now())), 0x7fffffff));
    };
    arm();
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
};
