/** What holds for every file: a Config or problems, never an exception; and every problem is one printable line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatProblem } from "../../src/config/index.ts";
import { FILES, loadFiles, PATH } from "./loading.ts";

const VALID = `[host]
name = "edge-1"
labels = { rack = "r1" }
weight = 100
[kubernetes]
kubeconfig = "/etc/bmlb/kubeconfig"
[[pool]]
name = "lan"
addresses = ["192.168.1.240-192.168.1.250", "192.168.10.0/24", "2001:db8:1::/120"]
reuse_delay = "5m"
namespace_selectors = ["team=web,tier in (edge)"]
[[l2]]
name = "lan"
pools = ["lan"]
interfaces = ["eth[0-9]"]
prefer = ["edge-1"]
[bgp]
asn = 64500
listen = ["192.0.2.1:179"]
[bgp.communities]
gold = "64500:300"
[[bgp.peer]]
name = "tor-1"
address = "fe80::1%eth0"
asn = 64501
password_file = "./tor.password"
hold_time = "9s"
[[bgp.peer]]
name = "tor-2"
address = "192.0.2.254"
asn = "internal"
passive = true
[[bgp.advertisement]]
peers = ["tor-*"]
communities = ["64500:100", "gold", "large:1:2:3"]
med = 0
[fleet]
hello = "200ms"
key_file = "./fleet.key"
[metrics]
listen = "[::1]:7472"
`;

function judge(file: string | Uint8Array, other?: string): void {
  const loaded = loadFiles({ ...FILES, [PATH]: file, ...(other === undefined ? {} : { "/etc/bmlb/conf.d/1.toml": other }) });
  if (loaded.ok) return;
  for (const line of [...loaded.problems, ...loaded.warnings].map(formatProblem)) {
    assert.match(line, /^\/etc\/bmlb\/[a-z0-9./]+:[1-9][0-9]*: [^\p{C}]+: [^\p{C}]+$/u);
    assert.ok(!line.includes("s3cret") && !line.includes("0123456789abcdef"), line);
    assert.doesNotMatch(line, /undefined|\[object|NaN,| {4}at /);
  }
}

test("the file that is changed below is right as it is", () => {
  assert.equal(loadFiles({ [PATH]: VALID }).ok, true);
});

test("any octets are judged", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200, size: "max" }), (bytes) => { judge(bytes); }), { numRuns: 500 });
});

test("any text is judged", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200, size: "max" }), (text) => { judge(text); }), { numRuns: 500 });
});

const piece = fc.oneof(
  fc.constantFrom("[", "]", "[[", "]]", "{", "}", "=", ",", ".", '"', "'", '"""', "'''", "\\", "\n", "\r\n", "#", " ", "-", "_", "1", "0x", "1.5", "true", "inf", "2026-01-01", "\u0000", "\u{1F600}", "\u202e"),
  fc.constantFrom("host", "pool", "bgp", "peer", "bgp.peer", "bgp.advertisement", "communities", "name", "addresses", "asn", "__proto__", "constructor", "[bgp]", "[[pool]]", "[host]\n", "labels", '"lan"', '"::/0"', '["a"]', "{ a = 1 }"),
);

test("pieces of TOML in any order are judged", () => {
  fc.assert(fc.property(fc.array(piece, { maxLength: 30, size: "max" }), (pieces) => { judge(pieces.join("")); }), { numRuns: 1500 });
});

test("a right file with pieces cut out, put in or doubled is judged", () => {
  const change = fc.record({ at: fc.nat(VALID.length), cut: fc.nat(12), insert: fc.oneof(piece, fc.constant(""), fc.string({ maxLength: 5 })) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      judge(changes.reduce((text, { at, cut, insert }) => text.slice(0, at) + insert + text.slice(at + cut), VALID));
    }),
    { numRuns: 1000 },
  );
});

test("any value in place of any other is judged", () => {
  const lines = VALID.split("\n");
  const keys = lines.flatMap((line, index) => (line.includes(" = ") ? [index] : []));
  const value = fc.constantFrom("1", "-1", "1.0", "nan", "true", '""', '"x"', "[]", "{}", "[1]", "[[]]", '[""]', "[{}]", "{ a = {} }", "2026-11-21", "07:32:00", "99999999999999999999", '"0s"', '"\\u0000"', '"*"', '"lan"', '"0.0.0.0"', "'''\n\n'''", "9223372036854775807");
  fc.assert(
    fc.property(fc.constantFrom(...keys), value, fc.constantFrom(...keys), value, (first, one, second, other) => {
      const changed = lines.map((line, index) => (index === first ? line.replace(/ = .*/, ` = ${one}`) : index === second ? line.replace(/ = .*/, ` = ${other}`) : line));
      judge(changed.join("\n"));
    }),
    { numRuns: 1000 },
  );
});

test("any line of a right file in another file is judged", () => {
  const lines = VALID.split("\n");
  fc.assert(fc.property(fc.array(fc.constantFrom(...lines), { maxLength: 12, size: "max" }), (other) => { judge(VALID, other.join("\n")); }), { numRuns: 500 });
});
