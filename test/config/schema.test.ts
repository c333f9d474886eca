/** The schema as documents use it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SCHEMA, formatLiteral } from "../../src/config/index.ts";
import { loadRight } from "./loading.ts";

for (const table of SCHEMA) {
  for (const [name, key] of Object.entries(table.keys)) {
    test(`${table.path}.${name} is documented by one sentence that says what is allowed and what happens without it`, () => {
      assert.match(key.doc, /^[A-Z][^\n]*[^.\s]\.$/);
      assert.ok(key.type.allowed.length > 3);
      assert.ok((key.default !== undefined ? 1 : 0) + (key.without !== undefined ? 1 : 0) + (key.required === "yes" ? 1 : 0) === 1);
      assert.match(name, /^[a-z0-9]+(_[a-z0-9]+)*$/);
    });
  }
}

test("convict has the schema too, with the defaults as they are written in the file", () => {
  const pool = SCHEMA.find((table) => table.path === "pool");
  assert.ok(pool);
  assert.deepEqual(pool.schema.getProperties(), {
    name: null,
    addresses: null,
    auto_assign: true,
    avoid_buggy_ips: false,
    priority: 0,
    reuse_delay: "5m",
    namespaces: [],
    namespace_selectors: [],
    service_selectors: [],
  });
});

test("every default may be written down, and means the same", () => {
  const text = SCHEMA.flatMap((table) => {
    if (["pool", "bgp.peer", "bfd", "forwarding", "damping"].includes(table.path)) return [];
    const keys = Object.entries(table.keys).filter(([, key]) => key.default !== undefined);
    return [table.kind === "one" ? `[${table.path}]` : `[[${table.path}]]`, ...keys.map(([name, key]) => `${name} = ${formatLiteral(key.default ?? "")}`)];
  });
  const peer = '\n[[bgp.peer]]\nname = "a"\naddress = "192.0.2.1"\nasn = 2\n';
  const written = loadRight(`${text.join("\n").replace("[bgp]", "[bgp]\nasn = 1")}${peer}`);
  const unwritten = loadRight(`[[l2]]\n[bgp]\nasn = 1\n[[bgp.advertisement]]\n${peer}`);
  assert.deepEqual(written.config, unwritten.config);
});

test("every example is right", () => {
  const text = SCHEMA.flatMap((table) => {
    if (["forwarding", "damping"].includes(table.path)) return [];
    const keys = Object.entries(table.keys).filter(([name, key]) => key.notYet === undefined && key.insteadOf === undefined && !(table.path === "bgp.peer" && name === "multihop"));
    return [table.kind === "one" ? `[${table.path}]` : `[[${table.path}]]`, ...keys.map(([name, key]) => `${name} = ${formatLiteral(key.example)}`)];
  });
  const files = { "/etc/bmlb/tor-1.password": "x" };
  loadRight(text.join("\n"), { files });
});
