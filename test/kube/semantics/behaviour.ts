/**
 * What cannot be told in one request: a case is a sentence, and what to do to see whether it holds.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { ApiUnderTest } from "../api-under-test.ts";
import { asText, at, type Json, type JsonObject } from "../simulator/json.ts";
import { WireClient } from "../wire-client.ts";
import { Workloads } from "../workloads.ts";

/** What a case works with. Everything in it is closed when the case is over. */
export type Stage = {
  readonly api: ApiUnderTest;
  readonly workloads: Workloads;
  /** As admin, by certificate, over the network. */
  readonly client: WireClient;
  /** A name that no other case uses. */
  readonly name: string;
};

export type Case = { readonly that: string; readonly run: (stage: Stage) => Promise<void> };

let names = 0;

export async function play(api: ApiUnderTest, { run }: Case): Promise<void> {
  const client = await WireClient.as(api, "admin");
  try {
    await run({ api, client, workloads: new Workloads(api), name: `case-${(names += 1)}` });
  } finally {
    await api.fault("none");
    client.close();
  }
}

/** How long something must not happen to count as not happening. */
export const SILENCE_MS = 400;

/** Fails if the promise settles before {@link SILENCE_MS} are over. */
export async function pending(promise: Promise<unknown>, what: string): Promise<void> {
  const outcome = await Promise.race([promise.then(() => "done", (error: unknown) => String(error)), delay(SILENCE_MS, "pending")]);
  assert.equal(outcome, "pending", `${what} must hang`);
}

/** The code of the system's error with which a promise is rejected. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
  return "no failure";
}

/** The resourceVersion of an object, or of a list. */
export function versionOf(object: Json | JsonObject): string {
  return asText(at(object, "metadata", "resourceVersion"));
}

export function nameOf(object: Json | JsonObject): string {
  return asText(at(object, "metadata", "name"));
}
