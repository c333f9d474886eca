/** Waiting for something, but not for ever. */
import type { Clock } from "./clock.ts";

/** Resolves when the promise does or `ms` have passed; infinite: without a limit. Rejects if the promise does in time. */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  if (ms === Number.POSITIVE_INFINITY) {
    await promise;
    return;
  }
  let stop = (): void => undefined;
  const late = new Promise<void>((resolve) => {
    const timer = clock.timer("deadline", ms, resolve);
    stop = () => { timer.cancel(); };
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    stop();
  }
}
