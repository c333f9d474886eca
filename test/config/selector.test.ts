import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type LabelSelector, anySelects, parseLabelSelector, selects } from "../../src/config/index.ts";
import { selectorsExclude } from "../../src/config/selector.ts";

function parse(text: string): LabelSelector {
  const parsed = parseLabelSelector(text);
  assert.ok("value" in parsed, `${text} should be a selector`);
  return parsed.value;
}

// As `kubectl get -l` selects.
for (const [text, labels, selected] of [
  ["a=b", { a: "b" }, true],
  ["a=b", { a: "c" }, false],
  ["a=b", {}, false],
  ["a==b", { a: "b" }, true],
  ["a!=b", { a: "c" }, true],
  ["a!=b", {}, true],
  ["a!=b", { a: "b" }, false],
  ["a in (b,c)", { a: "c" }, true],
  ["a in (b,c)", { a: "d" }, false],
  ["a in (b,c)", {}, false],
  ["a notin (b,c)", { a: "d" }, true],
  ["a notin (b,c)", {}, true],
  ["a notin (b,c)", { a: "b" }, false],
  ["a", { a: "" }, true],
  ["a", {}, false],
  ["!a", {}, true],
  ["!a", { a: "b" }, false],
  ["a=", { a: "" }, true],
  ["a=", { a: "b" }, false],
  ["a in ()", { a: "" }, true],
  ["example.com/a=b,c", { "example.com/a": "b", c: "d" }, true],
  ["example.com/a=b,c", { "example.com/a": "b" }, false],
  ["constructor", {}, false],
  ["toString=x", {}, false],
] as const) {
  test(`"${text}" ${selected ? "selects" : "does not select"} ${JSON.stringify(labels)}`, () => { assert.equal(selects(parse(text), labels), selected); });
}

test("no selectors select everything, several whatever one of them selects", () => {
  assert.equal(anySelects([], {}), true);
  assert.equal(anySelects([parse("a"), parse("b")], { b: "" }), true);
  assert.equal(anySelects([parse("a"), parse("b")], { c: "" }), false);
});

for (const text of ["", "  ", ",", "a,", ",a", "a=b,,c", "a b", "a in", "a in b", "a in (b", "a in b)", "a in ((b))", "a=b=c", "=b", "!", "!a=b", "a>1", "a<1", "in (a)", "a in (b,b)", "-a", "a-", "a/b/c=d", "A.com/x", "a=b c", `a=${"x".repeat(64)}`, `${"x".repeat(64)}=a`, "a\n=\u0007"]) {
  test(`${JSON.stringify(text.slice(0, 20))} is no selector`, () => { assert.ok("error" in parseLabelSelector(text)); });
}

for (const [a, b, exclude] of [
  ["rack=r1", "rack=r2", true],
  ["rack in (r1,r2)", "rack in (r2,r3)", false],
  ["rack in (r1,r2)", "rack in (r3)", true],
  ["rack=r1", "rack!=r1", true],
  ["rack in (r1,r2)", "rack notin (r1)", false],
  ["rack", "!rack", true],
  ["rack=r1", "!rack", true],
  ["rack=r1", "zone=r2", false],
  ["rack!=r1", "!rack", false],
  ["a,rack=r1", "b,rack=r2", true],
] as const) {
  test(`"${a}" and "${b}" ${exclude ? "exclude" : "do not exclude"} each other`, () => {
    assert.equal(selectorsExclude(parse(a), parse(b)), exclude);
    assert.equal(selectorsExclude(parse(b), parse(a)), exclude);
  });
}

const someSelector = fc.string({ unit: fc.constantFrom("a", "b", "=", "!", ",", " in ", " notin ", "(", ")", " "), maxLength: 12, size: "max" });

test("no text throws; selectors that exclude each other select nothing together", () => {
  const labels = fc.dictionary(fc.constantFrom("a", "b", "ab"), fc.constantFrom("a", "b", ""));
  fc.assert(
    fc.property(someSelector, someSelector, labels, (x, y, having) => {
      const [a, b] = [parseLabelSelector(x), parseLabelSelector(y)];
      if ("error" in a || "error" in b) return;
      assert.ok(!(selectorsExclude(a.value, b.value) && selects(a.value, having) && selects(b.value, having)));
    }),
    { numRuns: 3000 },
  );
});
