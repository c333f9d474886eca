/**
 * Where the lab's routers have their programs from: this machine, or the tree of another Debian that $LAB_ROUTERS names, one that
 * scripts/setup-routers has made. Only programs of routers run out of the tree: under its /usr and, for its users, its /etc.
 */
import { existsSync } from "node:fs";
import { runToEnd } from "./run.ts";

const TREE = process.env["LAB_ROUTERS"] ?? "";

// In a mount namespace of its own, so that nothing else sees it.
const OUT_OF_TREE = 'mount --bind "$1/usr" /usr && mount --bind "$1/etc" /etc && shift && exec "$@"';

/** The command that runs this one with the programs, libraries and users of the routers' Debian. */
export function ofRouters(argv: readonly string[]): readonly string[] {
  return TREE === "" ? argv : ["unshare", "--mount", "sh", "-c", OUT_OF_TREE, "sh", TREE, ...argv];
}

/** Throws if the routers' Debian lacks a program, given by its whole path. */
export function needProgram(path: string, debianPackage: string): void {
  if (!existsSync(`${TREE}${path}`)) throw new Error(`no ${TREE}${path}: install the package ${debianPackage}`);
}

/** The version that a program says it has when it is run so: "10.3". "" where it cannot be run. */
export async function routerVersion(argv: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await runToEnd(ofRouters(argv));
    return /\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0] ?? "";
  } catch {
    return "";
  }
}

/** Whether a version is this one or a later one. */
export function atLeast(version: string, least: string): boolean {
  return version.localeCompare(least, "en", { numeric: true }) >= 0;
}
