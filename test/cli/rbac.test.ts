import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { loadAllYaml } from "@kubernetes/client-node";
import { runProgram } from "../../src/cli/index.ts";

type Outcome = { readonly status: number; readonly out: string; readonly err: string };

async function rbac(...words: readonly string[]): Promise<Outcome> {
  let [out, err] = ["", ""];
  const never = (): Promise<number> => Promise.reject(new Error("not this command"));
  const status = await runProgram({ version: "", words: ["rbac", ...words], environment: {}, out: (text) => (out += text), err: (text) => (err += text), run: never, check: never });
  return { status, out, err };
}

function configuration(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "bmlb-rbac-"));
  t.after(() => { rmSync(folder, { recursive: true }); });
  const path = join(folder, "config.toml");
  writeFileSync(path, text);
  return path;
}

/** "Kind NAMESPACE/NAME" of each. */
function named(out: string): readonly string[] {
  const objects = loadAllYaml(out) as readonly { readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } }[];
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`);
}

test("another namespace has names of its own for what belongs to no namespace, so that two fleets share a cluster", async () => {
  const [here, there] = [named((await rbac()).out), named((await rbac("--namespace", "edge")).out)];
  assert.equal(here.length, there.length);
  assert.deepEqual(here.filter((name) => there.includes(name)), []);
});

test("accounts for hosts take nothing from the general one, so that hosts change over one by one", async () => {
  const [general, each] = [named((await rbac()).out), named((await rbac("--host", "a", "--host", "hosts")).out)];
  assert.deepEqual(general.filter((name) => each.includes(name)), ["Namespace bmlb-system", "ClusterRole bmlb"]);
  assert.equal(new Set(each).size, each.length);
});

test("a host named twice has one account", async () => {
  assert.equal((await rbac("--host", "a", "--host", "a")).out, (await rbac("--host", "a")).out);
});

test("pools are read without a kubeconfig, with conf.d, and whatever else is wrong in the file", async (t) => {
  const path = configuration(t, '[kubernetes]\nnamespace = "edge"\n[bgp]\nasn = 0\n[[pool]]\nname = "lan"\naddresses = ["192.0.2.1-192.0.2.6"]\n');
  const { status, out, err } = await rbac("-c", path);
  assert.deepEqual({ status, err }, { status: 0, err: "" });
  assert.match(out, /\[\n +'192\.0\.2\.1\/32',\n +'192\.0\.2\.2\/31',\n +'192\.0\.2\.4\/31',\n +'192\.0\.2\.6\/32'\n +\]/);
  assert.ok(named(out).includes("ServiceAccount edge/bmlb"));
  assert.ok(named((await rbac("-c", path, "--namespace", "other")).out).includes("ServiceAccount other/bmlb"));
});

for (const [what, text, words] of [
  ["no pool", "", ["pool: missing"]],
  ["a pool that is wrong", '[[pool]]\nname = "lan"\naddresses = ["192.0.2.9-192.0.2.1"]\n', ["config.toml:3: pool[0].addresses[0]"]],
  ["no TOML", "[[pool\n", ["config.toml:1: "]],
] as const) {
  test(`a configuration with ${what} ends with status 1 and the line to mend`, async (t) => {
    const { status, out, err } = await rbac("-c", configuration(t, text));
    assert.deepEqual({ status, out }, { status: 1, out: "" });
    for (const word of words) assert.ok(err.includes(word), err);
  });
}

test("no such file ends with status 1", async () => {
  assert.match((await rbac("-c", "/nonexistent/config.toml")).err, /^\/nonexistent\/config\.toml:1: file: the file does not exist/);
});

for (const words of [["--host", "A"], ["--host", "a_b"], ["--namespace", "x'||true||'"], ["--namespace", ""], ["--host"], ["surplus"]]) {
  test(`"rbac ${words.join(" ")}" is wrong usage`, async () => {
    const { status, out, err } = await rbac(...words);
    assert.deepEqual({ status, out }, { status: 2, out: "" });
    assert.notEqual(err, "");
  });
}

test("as JSON it is one List of the same objects", async () => {
  const list = JSON.parse((await rbac("--json")).out) as { readonly kind: string; readonly items: readonly unknown[] };
  assert.equal(list.kind, "List");
  assert.deepEqual(list.items, JSON.parse(JSON.stringify(loadAllYaml((await rbac()).out))));
});
