import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ItemSplitter, LineSplitter } from "../../src/kube/stream.ts";

/** Any JSON object, with strings that look like structure. */
const tricky = fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", "items", '"items":[', "é", "漢", "😀", "\n", "\u2028");
const text = fc.array(fc.oneof(tricky, fc.string()), { maxLength: 6 }).map((parts) => parts.join(""));
const value = fc.letrec((tie) => ({
  json: fc.oneof({ maxDepth: 3 }, text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(tie("json"), { maxLength: 3 }), tie("object")),
  object: fc.dictionary(text, tie("json"), { maxKeys: 4 }),
}));

/** Cuts bytes at arbitrary places. */
function chunked(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

test("a list comes apart into the items that JSON.parse would see, wherever the network cuts it and however it is spaced", () => {
  fc.assert(
    fc.property(fc.array(value.object, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 10 }), fc.constantFrom(undefined, 1, "\t"), fc.boolean(), (items, cuts, space, first) => {
      const metadata = { resourceVersion: "7", continue: 'a"b\\{' };
      const list = first ? { items, metadata, kind: "ServiceList", other: { items: [{ not: "an item" }] } } : { kind: "items", metadata, other: [{ items: [1] }], items };
      const splitter = new ItemSplitter();
      const found = chunked(Buffer.from(JSON.stringify(list, undefined, space)), cuts).flatMap((chunk) => splitter.push(chunk));
      assert.deepEqual(found.map((item) => JSON.parse(item) as unknown), JSON.parse(JSON.stringify(items)));
      assert.deepEqual(JSON.parse(splitter.envelope() ?? ""), JSON.parse(JSON.stringify({ ...list, items: [] })));
      assert.equal(splitter.skipped, 0);
    }),
    { numRuns: 300 },
  );
});

test("whatever comes, the splitters do not throw", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.uint8Array(), text.map((t) => new TextEncoder().encode(t))), { maxLength: 20, size: "max" }), (chunks) => {
      const [items, lines] = [new ItemSplitter(), new LineSplitter()];
      for (const chunk of chunks) {
        items.push(chunk);
        lines.push(chunk);
      }
      items.envelope();
    }),
  );
});

test("a list whose items are null has none", () => {
  const splitter = new ItemSplitter();
  assert.deepEqual(splitter.push(Buffer.from('{"metadata":{"resourceVersion":"1"},"items":null}')), []);
  assert.equal(splitter.envelope(), '{"metadata":{"resourceVersion":"1"},"items":null}');
});

test("an item that is longer than any object is passed over, and the next one is found", () => {
  const splitter = new ItemSplitter();
  const found: string[] = [];
  found.push(...splitter.push(Buffer.from('{"items":[{"a":"')));
  for (let i = 0; i < 10; i++) found.push(...splitter.push(Buffer.alloc(1 << 20, "x")));
  found.push(...splitter.push(Buffer.from('"},{"b":1}]}')));
  assert.deepEqual(found, ['{"b":1}']);
  assert.equal(splitter.skipped, 1);
});

test("lines are whole wherever the network cuts them, also inside a character", () => {
  fc.assert(
    fc.property(fc.array(value.object, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12, size: "max" }), (objects, cuts) => {
      const splitter = new LineSplitter();
      const bytes = Buffer.from(objects.map((object) => `${JSON.stringify(object)}\n`).join("\n"));
      const found = chunked(bytes, cuts).flatMap((chunk) => splitter.push(chunk));
      assert.deepEqual(found.map((line) => JSON.parse(line) as unknown), JSON.parse(JSON.stringify(objects)));
    }),
  );
});

test("a line that is longer than any event is passed over, and memory does not grow with it", () => {
  const splitter = new LineSplitter();
  const before = process.memoryUsage().arrayBuffers;
  const chunk = Buffer.alloc(1 << 20, "x");
  for (let i = 0; i < 64; i++) assert.deepEqual(splitter.push(chunk), []);
  assert.ok(process.memoryUsage().arrayBuffers - before < 32 << 20);
  assert.deepEqual(splitter.push(Buffer.from("\n{}\n")), ["{}"]);
  assert.equal(splitter.skipped, 1);
});
