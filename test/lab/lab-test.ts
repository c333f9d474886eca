/** A test with a lab of its own, which is removed afterwards; when it fails, its logs and captures are kept, and it says where. */
import { test } from "node:test";
import { Lab, whyNoLab } from "./lab.ts";
import { within } from "./eventually.ts";

/** Declares a test. Skipped, with the reason, where there can be no lab. Fails after `timeoutMs` (default one minute). */
export function labTest(name: string, body: (lab: Lab) => Promise<void>, options: { readonly timeoutMs?: number } = {}): void {
  test(name, { skip: whyNoLab() ?? false }, async (t) => {
    await using lab = await Lab.create(name, { recording: true });
    try {
      await within("the test was done", options.timeoutMs ?? 60_000, body(lab));
    } catch (error) {
      t.diagnostic(`logs and captures are kept in ${lab.keep()}`);
      throw error;
    }
  });
}
