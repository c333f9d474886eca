import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ConfigCopy, formatCopy, loadConfig, parseCopy, withCopy } from "../../src/config/index.ts";
import { FILES, loadFiles, PATH } from "./loading.ts";
import { memoryFiles } from "./memory-files.ts";

const MAIN = '\ufeff[bgp]\nasn = 1\n[[bgp.peer]]\nname = "r"\naddress = "198.51.100.1"\nasn = 2\npassword_file = "./tor.password"\n[[bgp.advertisement]]\n';
const INNER = '[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n[fleet]\nkey_file = "./inner.key"\n';
const FOLDER = "/etc/bmlb/conf.d";
const KEY = { [`${FOLDER}/inner.key`]: "0123456789abcdef" };

function copy(): ConfigCopy {
  const loaded = loadFiles({ ...KEY, [PATH]: MAIN, [`${FOLDER}/10.toml`]: INNER });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return { path: PATH, since: "yesterday", sources: loaded.texts };
}

test("a copy is read as if its files stood where they were, whatever stands there now; secrets are read where they are", () => {
  const kept = parseCopy(formatCopy(copy()));
  assert.ok(kept !== undefined);
  for (const now of [{}, { [PATH]: "nonsense" }, { [PATH]: MAIN, [`${FOLDER}/10.toml`]: INNER, [`${FOLDER}/20.toml`]: INNER }]) {
    const files = withCopy(memoryFiles({ ...FILES, ...KEY, ...now, "/etc/bmlb/tor.password": "new\n" }), kept);
    const loaded = loadConfig({ path: kept.path, files, hostname: "edge-1", credentialsDirectory: undefined });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    assert.deepEqual(loaded.config.pools.map(({ name }) => name), ["a"]);
    assert.equal(loaded.secrets.passwords.get("r"), "new");
    assert.equal(loaded.config.fleet.keyFile, `${FOLDER}/inner.key`);
    assert.deepEqual(loaded.texts, kept.sources);
  }
});

test("a copy holds no secret", () => {
  assert.doesNotMatch(formatCopy(copy()), /s3cret|0123456789abcdef|apiVersion/);
});

test("what is no copy is none, and nothing throws", () => {
  const good = formatCopy(copy());
  for (const text of ["", "{}", "null", "[]", "7", good.slice(0, -1), good.replace('"version":1', '"version":2'), good.replace('"text"', '"test"'), good.replace('"path":"/etc', '"path":7,"x":"/etc')]) assert.equal(parseCopy(text), undefined, text);
  fc.assert(fc.property(fc.json(), (text) => { assert.equal(parseCopy(text), undefined); }));
});
