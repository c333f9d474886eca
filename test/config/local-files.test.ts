/** The host's own files, as the configuration reads them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ConfigFiles, loadConfig } from "../../src/config/index.ts";
import { localFiles } from "../../src/linux/files.ts";

const folder = mkdtempSync(join(tmpdir(), "bmlb-files-"));
after(() => { rmSync(folder, { recursive: true }); });

const files: ConfigFiles = localFiles;

function fault(path: string, limit = 100): string {
  const read = files.read(path, limit);
  return read.ok ? "none" : read.reason.type;
}

test("a file comes with its permissions", () => {
  const path = join(folder, "plain");
  writeFileSync(path, "hello");
  chmodSync(path, 0o640);
  assert.deepEqual(files.read(path, 5), { ok: true, bytes: new TextEncoder().encode("hello"), mode: 0o640 });
  symlinkSync(path, join(folder, "link"));
  assert.equal(fault(join(folder, "link")), "none");
});

test("an empty file is a file", () => {
  writeFileSync(join(folder, "empty"), "");
  const read = files.read(join(folder, "empty"), 10);
  assert.equal(read.ok && read.bytes.length, 0);
});

test("what is no file is refused, and never waited for", async () => {
  mkdirSync(join(folder, "folder"));
  symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
  symlinkSync("loop", join(folder, "loop"));
  spawnSync("mkfifo", [join(folder, "pipe")]);
  const server = createServer().listen(join(folder, "socket"));
  await new Promise((resolve) => server.once("listening", resolve));
  assert.equal(fault(join(folder, "folder")), "folder");
  assert.equal(fault(join(folder, "dangling")), "missing");
  assert.equal(fault(join(folder, "nowhere")), "missing");
  assert.equal(fault(join(folder, "plain", "x")), "not-a-folder");
  assert.equal(fault(join(folder, "pipe")), "not-a-file");
  assert.equal(fault(join(folder, "socket")), "not-a-file");
  assert.equal(fault("/dev/zero"), "not-a-file");
  assert.deepEqual(files.read(join(folder, "loop"), 10), { ok: false, reason: { type: "failed", code: "ELOOP" } });
  assert.deepEqual(files.read("a\0b", 10), { ok: false, reason: { type: "failed", code: "ERR_INVALID_ARG_VALUE" } });
  server.close();
});

test("a file that is too large is not read, even if it does not say how large it is", () => {
  writeFileSync(join(folder, "large"), "x".repeat(11));
  assert.equal(fault(join(folder, "large"), 10), "too-large");
  assert.equal(fault(join(folder, "large"), 11), "none");
  assert.equal(fault("/proc/self/maps", 10), "too-large"); // of size 0, it says
});

test("a folder lists its names; what is none says so", () => {
  const listed = files.list(folder);
  assert.ok(listed.ok && listed.names.includes("plain"));
  assert.deepEqual(files.list(join(folder, "nowhere")), { ok: false, reason: { type: "missing" } });
  assert.deepEqual(files.list(join(folder, "plain")), { ok: false, reason: { type: "not-a-folder" } });
});

test("a configuration of real files is read, whatever the current folder", () => {
  mkdirSync(join(folder, "etc", "conf.d"), { recursive: true });
  writeFileSync(join(folder, "etc", "kc"), "x", { mode: 0o600 });
  writeFileSync(join(folder, "etc", "config.toml"), '[kubernetes]\nkubeconfig = "./kc"\n[[l2]]\n');
  writeFileSync(join(folder, "etc", "conf.d", "pool.toml"), '[[pool]]\nname = "a"\naddresses = ["192.0.2.1"]\n');
  const loaded = loadConfig({ path: join(folder, "etc", "config.toml"), files, hostname: "a", credentialsDirectory: undefined });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.equal(loaded.config.kubernetes.kubeconfig, join(folder, "etc", "kc"));
  chmodSync(join(folder, "etc", "kc"), 0o644);
  const refused = loadConfig({ path: join(folder, "etc", "config.toml"), files, hostname: "a", credentialsDirectory: undefined });
  assert.ok(!refused.ok);
  assert.match(refused.problems[0].message, /chmod 0640/);
});

test("what is closed to the service says where, and to whom", { skip: process.getuid?.() === 0 ? false : "needs root, to be somebody else" }, () => {
  const shut = join(folder, "shut");
  mkdirSync(join(shut, "inner"), { recursive: true });
  for (const path of [join(shut, "inner", "file"), join(folder, "closed")]) writeFileSync(path, "x");
  symlinkSync("shut/inner/file", join(folder, "into-shut"));
  chmodSync(folder, 0o755);
  chmodSync(shut, 0o700);
  chmodSync(join(folder, "closed"), 0o600);
  const nobody = { type: "not-permitted", user: "nobody", group: "nogroup", isPerson: false };
  process.setegid?.("nogroup");
  process.seteuid?.("nobody");
  try {
    assert.deepEqual(files.read(join(folder, "closed"), 10), { ok: false, reason: { ...nobody, closed: "file", at: join(folder, "closed") } });
    assert.deepEqual(files.list(shut), { ok: false, reason: { ...nobody, closed: "folder", at: shut } });
    assert.deepEqual(files.read(join(folder, "into-shut"), 10), { ok: false, reason: { ...nobody, closed: "above", at: shut } });
    for (const inside of ["inner/file", "inner", "nothing"]) assert.deepEqual(files.read(join(shut, inside), 10), { ok: false, reason: { ...nobody, closed: "above", at: shut } });
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
});
