/** The package of a commit is the same to the last byte, whoever builds it where and when: else nobody could check ours. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");
const BUILD_MS = 240_000;

const tools = ["/usr/bin/dh", "/usr/bin/lintian", "/usr/bin/dpkg-buildpackage"].filter((tool) => !existsSync(tool));
const skip = tools.length > 0 ? `not installed: ${tools.join(", ")}; npm run package installs them` : false;

/** A copy of the checkout, with what scripts/setup has put there. */
async function copyOfTheCheckout(t: TestContext, name: string): Promise<string> {
  const above = mkdtempSync(join(tmpdir(), "bmlb-reproducible-"));
  t.after(() => { rmSync(above, { recursive: true }); });
  const copy = join(above, name);
  // Not by node:fs: 250 MB of small files. A new date for each file is what a fresh clone has, too.
  await promisify(execFile)("sh", ["-c", `mkdir -p "$2" && tar -C "$1" --exclude=./.git --exclude=./dist --exclude=./out --exclude=./debian/bmlb -c . | tar -C "$2" --touch -x`, "sh", root, copy]);
  return copy;
}

async function build(folder: string, shell: string, environment: NodeJS.ProcessEnv): Promise<{ readonly name: string; readonly digest: string }> {
  await promisify(execFile)("sh", ["-c", `${shell}; exec sh scripts/package --quick --unjudged`], { cwd: folder, env: { ...process.env, ...environment }, timeout: BUILD_MS });
  const [name = "", ...more] = globSync("bmlb_*.deb", { cwd: join(folder, "out") });
  assert.deepEqual(more, []);
  return { name, digest: createHash("sha256").update(readFileSync(join(folder, "out", name))).digest("hex") };
}

test("two builds in other folders, at other times, with another umask, time zone and locale are the same", { skip, timeout: 2 * BUILD_MS }, async (t) => {
  const epoch = { SOURCE_DATE_EPOCH: "1700000000" };
  const here = await build(await copyOfTheCheckout(t, "one"), "umask 022", { ...epoch, TZ: "UTC", LC_ALL: "C.UTF-8" });
  const there = await build(await copyOfTheCheckout(t, "another/deeper/folder"), "umask 077", { ...epoch, TZ: "Pacific/Kiritimati", LC_ALL: "C", LANG: "tr_TR.UTF-8", HOME: "/nonexistent", USER: "somebody" });
  assert.deepEqual(there, here);
});
