/** A test with a lab of its own, which is removed afterwards; when it fails, its logs and captures are kept, and it says where. */
import { test } from "node:test";
import { Lab, whyNoLab } from "./lab.ts";
import { within } from "./eventually.ts";

export type LabTestOptions = {
  /** Default: one minute. */
  readonly timeoutMs?: number;
  /** Why it cannot run here; undefined if it can. */
  readonly skip?: string | undefined;
};

/** Declares a test. Skipped, with the reason, where there can be no lab. */
export function labTest(name: string, body: (lab: Lab) => Promise<void>, options: LabTestOptions = {}): void {
  test(name, { skip: whyNoLab() ?? options.skip ?? false }, async (t) => {
    await using lab = await Lab.create(name, { recording: true });
    try {
      await within("the test was done", options.timeoutMs ?? 60_000, body(lab));
    } catch (error) {
      t.diagnostic(`logs and captures are kept in ${await lab.keep()}`);
      throw error;
    }
  });
}
