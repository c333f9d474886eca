/**
 * Inputs on disk: `corpus/TARGET.hex` are seeds, `crashers/TARGET-HASH.hex` inputs that once broke a rule.
 *
 * One input a line, in hexadecimal with any blanks; what follows a `#` is for people.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const CORPUS = join(import.meta.dirname, "corpus");
const CRASHERS = join(import.meta.dirname, "crashers");

export function seedsOf(target: string): Uint8Array[] {
  const file = join(CORPUS, `${target}.hex`);
  return existsSync(file) ? inputsIn(file) : [];
}

/** By file name, without its folder. */
export function crashersOf(target: string): ReadonlyMap<string, Uint8Array> {
  if (!existsSync(CRASHERS)) return new Map();
  const files = readdirSync(CRASHERS).filter((name) => name.startsWith(`${target}-`) && name.endsWith(".hex"));
  return new Map(files.flatMap((name) => inputsIn(join(CRASHERS, name)).map((octets) => [name, octets] as const)));
}

/** Returns the file's path. */
export function saveCrasher(target: string, octets: Uint8Array, why: string): string {
  mkdirSync(CRASHERS, { recursive: true });
  const file = join(CRASHERS, `${target}-${createHash("sha256").update(octets).digest("hex").slice(0, 12)}.hex`);
  writeFileSync(file, `# ${why.split("\n")[0] ?? ""}\n${lineOf(octets)}`);
  return file;
}

export function addSeeds(target: string, inputs: readonly Uint8Array[]): void {
  mkdirSync(CORPUS, { recursive: true });
  appendFileSync(join(CORPUS, `${target}.hex`), inputs.map(lineOf).join(""));
}

function lineOf(octets: Uint8Array): string {
  return `${Buffer.from(octets).toString("hex")}\n`;
}

function inputsIn(file: string): Uint8Array[] {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").replace(/\s/g, ""))
    .filter((line) => line !== "");
  return lines.map((line) => {
    if (!/^([0-9a-f]{2})+$/.test(line)) throw new Error(`${file}: not hexadecimal: ${line.slice(0, 40)}`);
    return Uint8Array.from(Buffer.from(line, "hex"));
  });
}
