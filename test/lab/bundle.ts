/**
 * The bundle that ships, made anew when a source is younger than it. Several test processes may ask at once: one builds, the others wait.
 */
import { existsSync, globSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { run, runToEnd } from "./run.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const BUILD_TIMEOUT_MS = 120_000;

/** The executable that `npm run build` makes. */
export const BMLB = join(ROOT, "dist", "bmlb");

/** Builds dist/ unless it is up to date. Returns whether it had to. */
export async function ensureBundle(): Promise<boolean> {
  if (isUpToDate()) return false;
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  await run(["flock", join(ROOT, ".cache", "build.lock"), process.execPath, import.meta.filename], { timeoutMs: BUILD_TIMEOUT_MS });
  return true;
}

function isUpToDate(): boolean {
  if (!existsSync(BMLB)) return false;
  const built = statSync(BMLB).mtimeMs;
  const sources = [...globSync("src/**/*.ts", { cwd: ROOT }), "scripts/build.ts", "package-lock.json"];
  return sources.every((source) => statSync(join(ROOT, source)).mtimeMs < built);
}

if (import.meta.main && !isUpToDate()) {
  const { status, stdout, stderr } = await runToEnd([process.execPath, join(ROOT, "scripts", "build.ts")], { timeoutMs: BUILD_TIMEOUT_MS });
  process.stderr.write(stdout + stderr);
  process.exitCode = status ?? 1;
}
