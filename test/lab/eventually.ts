/** Waiting for a condition with a deadline: what tests do instead of sleeping. */
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { now } from "./time.ts";

const LOOK_EVERY_MS = 25;

/** What a condition answers while it does not hold yet. */
export type NotYet = false | null | undefined;

/**
 * Asks `condition` until it answers something other than false, null or undefined, and returns that answer. A condition that throws
 * does not hold yet, so assertions may stand in it.
 *
 * @param what completes the sentence "waited in vain until …"
 * @throws Error after `withinMs`, which names `what`, and the last answer or error
 */
export async function eventually<T>(what: string, withinMs: number, condition: () => T | NotYet | Promise<T | NotYet>): Promise<T> {
  const deadline = now() + withinMs;
  let last: { readonly answer: unknown } | { readonly error: unknown };
  for (;;) {
    try {
      const answer = await condition();
      if (answer !== false && answer !== null && answer !== undefined) return answer;
      last = { answer };
    } catch (error) {
      last = { error };
    }
    if (now() >= deadline) break;
    await delay(LOOK_EVERY_MS);
  }
  const found = "error" in last ? (last.error instanceof Error ? last.error.message : inspect(last.error)) : `it answered ${inspect(last.answer)}`;
  throw new Error(`waited ${withinMs} ms in vain until ${what}; at last: ${found}`, { cause: "error" in last ? last.error : undefined });
}

/**
 * Gives `promise` a deadline.
 *
 * @throws Error after `withinMs`, saying what was waited for and, from `state`, how far it had come
 */
export async function within<T>(what: string, withinMs: number, promise: Promise<T>, state: () => string = () => ""): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${withinMs} ms in vain until ${what}${state()}`));
    }, withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
