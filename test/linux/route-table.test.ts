/** Unreachable routes in a real kernel, in a network namespace of its own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { systemRoutes } from "../../src/linux/index.ts";
import { type Prefix, address, formatPrefix, parsePrefix } from "../../src/net/index.ts";
import { enterNewNamespace, ip } from "./namespace.ts";

const A = prefix("10.9.9.0/24");
const B = prefix("10.10.0.0/16");
const C = prefix("fd09::/64");

before(() => {
  enterNewNamespace();
});

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

async function there(): Promise<string[]> {
  const all = [...(await systemRoutes.unreachable("ipv4")), ...(await systemRoutes.unreachable("ipv6"))];
  return all.map(formatPrefix).sort();
}

test("routes of both families come and go, and what is as it should be is no error", async () => {
  assert.deepEqual(await there(), []);
  await systemRoutes.change({ add: [A, C], remove: [] });
  assert.deepEqual(await there(), ["10.9.9.0/24", "fd09::/64"]);
  await systemRoutes.change({ add: [A, B], remove: [C, prefix("10.77.0.0/16")] });
  assert.deepEqual(await there(), ["10.10.0.0/16", "10.9.9.0/24"]);
  assert.match(ip("route show 10.10.0.0/16"), /^unreachable 10\.10\.0\.0\/16 proto 251 metric 4294967294/);
  await systemRoutes.change({ add: [], remove: [A, B] });
  assert.deepEqual(await there(), []);
});

test("any other route to the same prefix wins, and stays", async () => {
  ip("route add 10.9.9.0/24 dev lo metric 4000000000");
  await systemRoutes.change({ add: [A], remove: [] });
  assert.match(ip("route get 10.9.9.9"), /dev lo/);
  await systemRoutes.change({ add: [], remove: [A] });
  assert.match(ip("route show 10.9.9.0/24"), /dev lo/);
});

test("routes of others are not ours: another protocol, another type, another metric, another table", async () => {
  for (const route of [
    "unreachable 10.1.0.0/16 proto 250 metric 4294967294",
    "blackhole 10.2.0.0/16 proto 251 metric 4294967294",
    "unreachable 10.3.0.0/16 proto 251 metric 7",
    "unreachable 10.4.0.0/16 proto 251 metric 4294967294 table 77",
  ]) {
    ip(`route add ${route}`);
  }
  assert.deepEqual(await there(), []);
});

test("a change that the kernel refuses rejects with its words, and the rest of it is done", async () => {
  const hostBits = { address: address("10.9.9.1"), length: 24 };
  await assert.rejects(systemRoutes.change({ add: [hostBits, B], remove: [] }), { message: /^Invalid / });
  assert.deepEqual(await there(), ["10.10.0.0/16"]);
});

const PROGRAM = `import { systemRoutes } from ${JSON.stringify(join(import.meta.dirname, "../../src/linux/index.ts"))};
  await systemRoutes.unreachable("ipv4").catch((error) => console.log("look:", error.message));
  await systemRoutes.change({ add: [{ address: "10.99.0.0", length: 16 }], remove: [] }).catch((error) => console.log("change:", error.message));`;

test("without CAP_NET_ADMIN the kernel's words say so", () => {
  const argv = ["--bounding-set=-net_admin", process.execPath, "--input-type=module", "-e", PROGRAM];
  assert.equal(execFileSync("setpriv", argv, { encoding: "utf8" }), "change: Operation not permitted\n");
});

test("an ip that ends without a word, as where it may not give up its capabilities, was not permitted", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "bmlb-ip-"));
  t.after(() => { rmSync(folder, { recursive: true }); });
  writeFileSync(join(folder, "ip"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", PROGRAM], { encoding: "utf8", env: { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` } });
  assert.equal(said, "look: Operation not permitted\nchange: Operation not permitted\n");
});
