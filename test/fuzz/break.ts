/** Runs a target on one input and says which rule that breaks: the target's own, or one that all of them have in common. */
import type { Target } from "./targets.ts";

const LONGEST_MS = 1000; // a thousand times what any input takes; a machine under load takes ten

/** A sentence that is the same for the same fault; undefined if all is well. */
export function breakOf(target: Target, input: Uint8Array): string | undefined {
  const octets = Uint8Array.from(input);
  const began = performance.now();
  try {
    target.run(octets);
  } catch (error) {
    return describe(error);
  }
  if (performance.now() - began > LONGEST_MS) return "it takes more than a second";
  if (!octets.every((octet, i) => octet === input[i])) return "it changes its input";
  return undefined;
}

/** The error and the place that threw it, without what depends on the input. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /\/((?:src|test)\/[^)\n]+)/.exec(error.stack ?? "")?.[1] ?? "";
  return `${error.name} at ${place}: ${(error.message.split("\n")[0] ?? "").replace(/\d+/g, "N")}`;
}
