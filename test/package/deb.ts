/** The package under test, as `npm run package` has made it, and a later version of it. */
import { appendFileSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../lab/run.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** The newest package in the folder where `npm run package` puts it. */
export function packageFile(): string {
  const files = globSync(join(ROOT, "out", "bmlb_*.deb")).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const [newest] = files;
  if (newest === undefined) throw new Error("there is no package yet: npm run package makes one");
  return newest;
}

/** What the later package's config.toml says besides. */
export const LATER_LINE = "# A line that the version before did not have.\n";

/** The same package with a higher version and another config.toml, as an upgrade finds it in the archive. The caller removes the folder of the file. */
export async function laterPackage(file: string): Promise<{ readonly file: string; readonly version: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "bmlb-later-"));
  const tree = join(folder, "tree");
  await run(["dpkg-deb", "--raw-extract", file, tree]);
  const control = readFileSync(join(tree, "DEBIAN", "control"), "utf8");
  const version = `${/^Version: (?<version>.+)$/m.exec(control)?.groups?.["version"] ?? "0"}+later`;
  writeFileSync(join(tree, "DEBIAN", "control"), control.replace(/^Version: .+$/m, `Version: ${version}`));
  appendFileSync(join(tree, "etc", "bmlb", "config.toml"), LATER_LINE);
  const later = join(folder, "bmlb.deb");
  await run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, later], { timeoutMs: 120_000 });
  rmSync(tree, { recursive: true });
  return {
    file: later,
    version,
    remove: () => {
      rmSync(folder, { recursive: true });
    },
  };
}
