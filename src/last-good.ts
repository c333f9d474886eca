/**
 * The last good copy of the configuration, in the state directory: what a daemon starts with that finds its files wrong. An operator who
 * edits a file, does not reload and loses power is to find a load balancer that works, and is told loudly.
 */
import { join } from "node:path";
import { loadConfiguration } from "./configuration.ts";
import { formatCopy, type Loaded, type LoadedConfig, parseCopy, type Problem } from "./config/index.ts";
import { type Keepsakes, localFiles } from "./linux/index.ts";
import type { Log } from "./log/index.ts";

const NAME = "last-good-config.json";
const MOST_OCTETS = 64 << 20;

/** What a start goes by. */
export type Start =
  | { readonly from: "files"; readonly loaded: Loaded }
  /** The files have these problems. */
  | { readonly from: "copy"; readonly loaded: Loaded; readonly problems: readonly Problem[]; readonly since: string }
  /** `copy`: why that of the files is of no use either; undefined if there is none. */
  | { readonly from: "nothing"; readonly problems: readonly [Problem, ...Problem[]]; readonly copy: string | undefined };

/** Reads the files, and where they are wrong the copy in the folder `state`, which may be missing. */
export function configurationToStartWith(path: string, state: string): Start {
  const loaded = loadConfiguration(path);
  if (loaded.ok) return { from: "files", loaded };
  const { problems } = loaded;
  const copy = readCopy(path, state);
  if (copy === undefined) return { from: "nothing", problems, copy: undefined };
  if (!copy.loaded.ok) return { from: "nothing", problems, copy: `the last good copy of it cannot be used any more either: ${copy.loaded.problems[0].message}` };
  return { from: "copy", loaded: copy.loaded, problems, since: copy.since };
}

/** Keeps a copy, if there is not the same one already. */
export function keepCopy(path: string, loaded: Loaded, keepsakes: Keepsakes, since: string, log: Log): void {
  const sources = loaded.texts.map(({ path: source, text }) => ({ path: localFiles.absolute(source), text }));
  const kept = parseCopy(keepsakes.read(NAME) ?? "");
  const whole = localFiles.absolute(path);
  if (kept?.path === whole && JSON.stringify(kept.sources) === JSON.stringify(sources)) return;
  if (!keepsakes.keep(NAME, formatCopy({ path: whole, since, sources }))) log.warning("cannot keep a copy of the configuration in the state directory: a start with a file that is wrong would have nothing to go by");
}

/** Undefined if there is none of these files. */
function readCopy(path: string, state: string): { readonly loaded: LoadedConfig; readonly since: string } | undefined {
  const read = localFiles.read(join(state, NAME), MOST_OCTETS);
  const copy = read.ok ? parseCopy(new TextDecoder().decode(read.bytes)) : undefined;
  if (copy?.path !== localFiles.absolute(path)) return undefined;
  return { loaded: loadConfiguration(copy.path, copy), since: copy.since };
}
