/** Wrong files: what cannot be read, is no TOML, is too large, contradicts another file, or holds a secret that others can read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FileFault, formatProblem, type NotPermitted } from "../../src/config/index.ts";
import { type Expected, PATH, assertProblems, complete, load, loadFiles } from "./loading.ts";
import type { MemoryFile } from "./memory-files.ts";

/** Who is refused, where nothing else is said. */
const SERVICE: Pick<NotPermitted, "type" | "user" | "group" | "isPerson"> = { type: "not-permitted", user: "bmlb", group: "bmlb", isPerson: false };

const SYNTAX: readonly (readonly [what: string, toml: string, ...expected: Expected])[] = [
  ["a key without a value", "[host]\nweight =", 2, "syntax", "the value is missing"],
  ["a key without a value before another", "[host]\nweight =\nname = 1", 2, "syntax", "the value is missing"],
  ["a key without =", "[host]\nweight 3", 2, "syntax", "must be followed by ="],
  ["= without a key", "[host]\n= 3", 2, "syntax", "cannot stand here"],
  ["an unquoted text", "[host]\nname = edge-1", 2, "syntax", "text needs quotes", "at column 8"],
  ["a text without an end", '[host]\nname = "edge-1\n', 2, "syntax", "no closing quote"],
  ["a text of several lines without an end", "[host]\nname = '''edge-1\n\n", 2, "syntax", "no closing quote"],
  ["a header without an end", "[host\nweight = 3", 1, "syntax"],
  ["a header without a name", "[]\nweight = 3", 1, "syntax", "a name is missing"],
  ["half a list of tables", "[[pool]\n", 1, "syntax", "not closed"],
  ["a list without an end", '[[pool]]\naddresses = ["192.0.2.1"\n', 2, "syntax", "not closed with ]", "it begins on this line"],
  ["a list without an end before another table", '[[pool]]\naddresses = ["192.0.2.1"\n[[l2]]\npools = ["lan"]\n', 3, "syntax", "a comma is missing", "what begins on line 2 is not closed before it"],
  ["a text of several lines that swallows the rest", "[host]\nname = \"\"\"edge-1\n[[pool]]\nname = 'a'\n", 2, "syntax", "no closing quote", "it begins on this line"],
  ["two commas", "[[l2]]\npools = [1,,2]", 2, "syntax", "cannot stand here"],
  ["no comma", '[[l2]]\npools = ["a" "b"]', 2, "syntax", "a comma is missing"],
  ["an inline table on two lines", "[host]\nlabels = {\n}", 3, "syntax", "must be on one line"],
  ["a comma at the end of an inline table", '[host]\nlabels = { a = "b", }', 2, "syntax"],
  ["two values on one line", "[host]\nweight = 3 name = 4", 2, "syntax", "a line of its own"],
  ["True with a capital", "[kubernetes]\nunclassed = True", 2, "syntax", "true and false are lower case"],
  ["a number with a leading zero", "[host]\nweight = 010", 2, "syntax", "must not begin with 0"],
  ["an impossible date", "[host]\nweight = 2026-13-01", 2, "syntax", "no such date"],
  ["an unknown escape", '[kubernetes]\ncontext = "\\q"', 2, "syntax", "no such escape"],
  ["half a surrogate pair", '[kubernetes]\ncontext = "\\ud800"', 2, "syntax"],
  ["YAML", "host:\n  name: edge-1", 1, "syntax"],
  ["JSON", '{ "host": {} }', 1, "syntax"],
  ["an INI comment", "; a comment", 1, "syntax"],
  ["a merge conflict", "[host]\n<<<<<<< HEAD\nweight = 3", 2, "syntax"],
  ["an umlaut in a bare key", "[host]\ngrösse = 3", 2, "syntax"],
];
for (const [what, toml, ...expected] of SYNTAX) test(`wrong syntax: ${what}`, () => { assertProblems(loadFiles({ [PATH]: toml }), [expected]); });

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

const CONTENTS: readonly (readonly [what: string, file: MemoryFile, ...expected: Expected])[] = [
  ["no file", { fault: { type: "missing" } }, 1, "file", "does not exist"],
  ["a directory", { fault: { type: "folder" } }, 1, "file", "is a directory"],
  ["a pipe", { fault: { type: "not-a-file" } }, 1, "file", "is not a regular file"],
  ["a file that the service may not read", { fault: { ...SERVICE, closed: "file", at: PATH } }, 1, "file", "permission denied for user bmlb", `run: chgrp bmlb ${PATH} && chmod 0640 ${PATH}`],
  ["a file that a person may not read", { fault: { ...SERVICE, user: "alice", isPerson: true, closed: "above", at: "/etc/bmlb" } }, 1, "file", "permission denied for user alice; run this as root"],
  ["a file on a broken disk", { fault: { type: "failed", code: "EIO" } }, 1, "file", "EIO"],
  ["more than 1 MB", "#".repeat(1048577), 1, "file", "larger than 1048576 octets"],
  ["Latin-1", latin1("[host]\n# gr\xf6sse\n"), 2, "file", "not UTF-8"],
  ["an octet cut off at the end", latin1("# gr\xc3"), 1, "file", "not UTF-8"],
  ["a replacement character before the wrong octet", latin1("# \xef\xbf\xbd\n\n# \xff\n"), 3, "file", "not UTF-8"],
  ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x5b, 0), 1, "file", "UTF-16"],
  ["a program", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0), 1, "file", "control character U+007F"],
  ["zeros", new Uint8Array(4096), 1, "file", "control character U+0000"],
  ["a bell in a comment", "\n# \u0007\n", 2, "file", "control character U+0007"],
  ["a bell in a text", '[host]\nname = "\u0007"', 2, "file", "control character U+0007"],
  ["lines that end with CR", "[host]\rweight = 3\r", 1, "file", "carriage return"],
  ["a text of more than 64 kB", `\n\nx = "${"y".repeat(65537)}"`, 3, "file", "a string is longer than 64 kB"],
  ["a text of more than 64 kB in several lines", `\nx = '''\n${"yyyy\n".repeat(14000)}'''`, 2, "file", "a string is longer than 64 kB"],
  ["a text of umlauts of more than 64 kB", `x = "${"ü".repeat(32769)}"`, 1, "file", "a string is longer than 64 kB"],
  ["a number of 70 000 digits", `x = ${"9".repeat(70000)}`, 1, "file", "longer than 64 kB"],
  ["a key of 70 000 letters", `${"k".repeat(70000)} = 1`, 1, "file", "longer than 64 kB"],
  ["33 lists in each other", `x = ${"[".repeat(33)}${"]".repeat(33)}`, 1, "file", "nested deeper than 32"],
  ["100 000 lists in each other", `x = ${"[".repeat(100_000)}`, 1, "file", "nested deeper than 32"],
  ["100 000 tables in each other", `x = ${"{a=".repeat(100_000)}`, 1, "file", "nested deeper than 32"],
  ["a header of 33 parts", `[${Array.from({ length: 33 }, () => "a").join(".")}]`, 1, "file", "nested deeper than 32"],
  ["a key of 100 000 parts", `${Array.from({ length: 100_000 }, () => "a").join(".")} = 1`, 1, "file", "nested deeper than 32"],
];
for (const [what, file, ...expected] of CONTENTS) test(`wrong file: ${what}`, () => { assertProblems(loadFiles({ [PATH]: file }), [expected]); });

test("nesting is counted through headers, keys and values together", () => {
  const loaded = load(`[a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p]\nq = ${"{a=".repeat(16)}1${"}".repeat(16)}`);
  assert.ok(!loaded.ok);
  assert.match(loaded.problems.map(formatProblem).join("\n"), /:2: a\.b\..*: nested deeper than 32/);
});

test("brackets and quotes within texts and comments are no nesting", () => {
  const text = `# ${"[".repeat(40)} " '\n[kubernetes]\ncontext = '${"{[".repeat(40)}"'\n# '''\n[host]\nlabels = { "a" = "x" }\n`;
  assert.equal(load(text).ok, true);
});

const BASE = '[[pool]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n[[l2]]\n';
const CONF_D = "/etc/bmlb/conf.d/10.toml";

const MERGING: readonly (readonly [what: string, main: string, other: string, ...expected: Expected])[] = [
  ["a scalar in two files", '[host]\nname = "a"\n', '\n[host]\nname = "b"\n', 3, "host.name", "given twice; the first time at /etc/bmlb/config.toml:2"],
  ["the same scalar in two files", "[host]\nweight = 3\n", "[host]\nweight = 3\n", 2, "host.weight", "given twice"],
  ["a plain list in two files", '[bgp]\nasn = 1\nlisten = ["192.0.2.1:179"]\n', '[bgp]\nlisten = ["192.0.2.2:179"]\n', 2, "bgp.listen", "given twice"],
  ["a label in two files", '[host]\nlabels = { a = "1" }\n', '[host.labels]\na = "2"\n', 2, "host.labels.a", "given twice"],
  ["a name in two files", "", '[[pool]]\nname = "A"\naddresses = ["198.51.100.0/24"]\n', 2, "pool[0].name", '"A" is taken by pool[0].name at /etc/bmlb/config.toml:2'],
  ["an address in two files", "", '[[pool]]\nname = "b"\naddresses = ["192.0.2.9"]\n', 3, "pool[0].addresses[0]", 'of pool "a", pool[0].addresses[0] at /etc/bmlb/config.toml:3'],
  ["a table in one, a scalar in the other", "[host]\nweight = 1\n", "host = 1\n", 1, "host", "given twice"],
  ["a list of tables in one, a table in the other", "", "[pool]\nx = 1\n", 1, "pool", "given twice"],
  ["a misspelt key in the second", "", "[host]\nwieght = 3\n", 2, "host.wieght", 'did you mean "weight"?'],
  ["a reference to nothing in the second", "", '[[l2]]\nname = "b"\npools = ["b"]\n', 3, "l2[0].pools[0]", 'there is no pool "b"'],
];
for (const [what, main, other, ...expected] of MERGING) {
  test(`wrong in conf.d: ${what}`, () => { assertProblems(loadFiles({ [PATH]: main + BASE, [CONF_D]: other }), [expected], CONF_D); });
}

test("wrong syntax in one file hides nothing in another, and blames nothing on what is not known", () => {
  const loaded = loadFiles({ [PATH]: '[host]\nweight = 0\n[[l2]]\npools = ["elsewhere"]\n', [CONF_D]: "[[pool]\n" });
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.problems.map((problem) => `${problem.file}:${problem.line}: ${problem.path}`), [`${PATH}:2: host.weight`, `${CONF_D}:1: syntax`]);
});

test("a kubeconfig that may be named in a file that cannot be read is not missed", () => {
  const loaded = loadFiles({ "lab/config.toml": "[[pool]\n", "lab/conf.d/x.toml": "[fleet]\nhello = 1\n", "/etc/bmlb/kubeconfig": { fault: { type: "missing" } } }, { path: "lab/config.toml" });
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.problems.map((problem) => problem.path), ["syntax", "fleet.hello"]);
});

test("a directory among the files of conf.d is an error", () => {
  assertProblems(loadFiles({ [PATH]: BASE, [CONF_D]: { fault: { type: "folder" } } }), [[1, "file", "is a directory"]], CONF_D);
});

test("a conf.d that cannot be read is an error, for it may hold more", () => {
  assertProblems(loadFiles({ [PATH]: BASE, "/etc/bmlb/conf.d": { fault: { type: "not-a-folder" } } }), [[1, "file", "it may hold more configuration"]], "/etc/bmlb/conf.d");
  const closed: FileFault = { ...SERVICE, closed: "folder", at: "/etc/bmlb/conf.d" };
  assertProblems(loadFiles({ [PATH]: BASE, "/etc/bmlb/conf.d": { fault: closed } }), [[1, "file", "run: chgrp bmlb /etc/bmlb/conf.d && chmod 0750 /etc/bmlb/conf.d", "it may hold more configuration"]], "/etc/bmlb/conf.d");
});

test("for a file of another name conf.d is the folder beside it", () => {
  const loaded = loadFiles({ "lab/bad.toml": BASE, "lab/conf.d/x.toml": "[host]\nweight = 0\n" }, { path: "lab/bad.toml" });
  assertProblems(loaded, [[2, "host.weight", "from 1"]], "lab/conf.d/x.toml");
});

test("problems come in the order of files and lines", () => {
  const loaded = loadFiles({ [PATH]: `[metrics]\nlisten = 1\n[host]\nweight = 0\n${BASE}`, [CONF_D]: "[fleet]\nhello = 1\n" });
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.problems.map((problem) => problem.path), ["metrics.listen", "host.weight", "fleet.hello"]);
});

const PEER = '[bgp]\nasn = 1\n[[bgp.peer]]\nname = "a"\naddress = "192.0.2.1"\nasn = 2\npassword_file = ';

const SECRETS: readonly (readonly [what: string, toml: string, files: Readonly<Record<string, MemoryFile>>, ...expected: Expected])[] = [
  ["a kubeconfig that everybody can read", '[kubernetes]\nkubeconfig = "./kc"', { "/etc/bmlb/kc": { text: "x", mode: 0o644 } }, 2, "kubernetes.kubeconfig", 'others can use "/etc/bmlb/kc" (mode 0644)', "run: chmod 0640 /etc/bmlb/kc"],
  ["a kubeconfig that everybody can write", '[kubernetes]\nkubeconfig = "./kc"', { "/etc/bmlb/kc": { text: "x", mode: 0o642 } }, 2, "kubernetes.kubeconfig", "chmod 0640"],
  ["a kubeconfig at the default place that everybody can read", "[kubernetes]", { "/etc/bmlb/kubeconfig": { text: "x", mode: 0o604 } }, 1, "kubernetes.kubeconfig", "chmod 0640 /etc/bmlb/kubeconfig"],
  ["a kubeconfig with a strange name", '[kubernetes]\nkubeconfig = "./a b\'c"', { "/etc/bmlb/a b'c": { text: "x", mode: 0o644 } }, 2, "kubernetes.kubeconfig", "chmod 0640 '/etc/bmlb/a b'\\''c'"],
  ["no kubeconfig at the path", '[kubernetes]\nkubeconfig = "/nowhere/kc"', {}, 2, "kubernetes.kubeconfig", '"/nowhere/kc" does not exist'],
  ["a kubeconfig that is a directory", '[kubernetes]\nkubeconfig = "./kc"', { "/etc/bmlb/kc": { fault: { type: "folder" } } }, 2, "kubernetes.kubeconfig", "is a directory"],
  ["a kubeconfig that the service may not read", '[kubernetes]\nkubeconfig = "./a kc"', { "/etc/bmlb/a kc": { fault: { ...SERVICE, closed: "file", at: "/etc/bmlb/a kc" } } }, 2, "kubernetes.kubeconfig", "permission denied for user bmlb; run: chgrp bmlb '/etc/bmlb/a kc' && chmod 0640 '/etc/bmlb/a kc'"],
  ["a kubeconfig in a home that the service does not see", '[kubernetes]\nkubeconfig = "/root/hunter2"', { "/root/hunter2": { fault: { ...SERVICE, closed: "above", at: "/root" } } }, 2, "kubernetes.kubeconfig", 'may not enter "/root"', "keep it in /etc/bmlb"],
  ["a kubeconfig that is closed to root", '[kubernetes]\nkubeconfig = "./kc"', { "/etc/bmlb/kc": { fault: { ...SERVICE, user: "root", closed: "file", at: "/etc/bmlb/kc" } } }, 2, "kubernetes.kubeconfig", "permission denied for user root"],
  ["an empty kubeconfig", '[kubernetes]\nkubeconfig = "./kc"', { "/etc/bmlb/kc": "\n" }, 2, "kubernetes.kubeconfig", "is empty"],
  ["a binary kubeconfig", '[kubernetes]\nkubeconfig = "./kc"', { "/etc/bmlb/kc": Uint8Array.of(0xff) }, 2, "kubernetes.kubeconfig", "is not UTF-8"],
  ["an empty path", '[kubernetes]\nkubeconfig = ""', {}, 2, "kubernetes.kubeconfig", "not empty"],
  ["a kubeconfig in the home", '[kubernetes]\nkubeconfig = "~/.kube/config"', {}, 2, "kubernetes.kubeconfig", "~ is not replaced"],
  ["a kubeconfig in the file itself", "[kubernetes]\nkubeconfig = '''\ntoken: hunter2\n'''", {}, 2, "kubernetes.kubeconfig", "not the contents of a file"],
  ["a credential outside the service", '[kubernetes]\nkubeconfig = "kubeconfig"', {}, 2, "kubernetes.kubeconfig", "$CREDENTIALS_DIRECTORY is not set", "CREDENTIALS_DIRECTORY=FOLDER bmlb check"],
  ["a password that everybody can read", `${PEER}"./p"`, { "/etc/bmlb/p": { text: "hunter2", mode: 0o644 } }, 7, "bgp.peer[0].password_file", "chmod 0640 /etc/bmlb/p"],
  ["a password in place of its file", `${PEER}"hunter2"`, {}, 7, "bgp.peer[0].password_file", "systemd credential"],
  ["a password with a slash in place of its file", `${PEER}"hunter2/x"`, {}, 7, "bgp.peer[0].password_file", "the file that it names does not exist"],
  ["a long password with a slash in place of its file", `${PEER}"/hunter2/x"`, { "/hunter2/x": { fault: { type: "failed", code: "ENAMETOOLONG" } } }, 7, "bgp.peer[0].password_file", "ENAMETOOLONG"],
  ["an empty password", `${PEER}"./p"`, { "/etc/bmlb/p": "\n" }, 7, "bgp.peer[0].password_file", "is empty", "1 to 80 octets"],
  ["a password of two lines", `${PEER}"./p"`, { "/etc/bmlb/p": "hunter2\nhunter3\n" }, 7, "bgp.peer[0].password_file", "more than one line"],
  ["a password of 81 octets", `${PEER}"./p"`, { "/etc/bmlb/p": "h".repeat(81) }, 7, "bgp.peer[0].password_file", "has 81 octets"],
  ["a password of 5 kB", `${PEER}"./p"`, { "/etc/bmlb/p": "h".repeat(5000) }, 7, "bgp.peer[0].password_file", "larger than 4096 octets"],
  ["a binary password", `${PEER}"./p"`, { "/etc/bmlb/p": Uint8Array.of(0xff, 0xfe) }, 7, "bgp.peer[0].password_file", "is not text"],
  ["a short fleet key", '[fleet]\nkey_file = "./k"', { "/etc/bmlb/k": "0123456789abcde\n" }, 2, "fleet.key_file", "the key has 15 octets; at least 16"],
  ["a fleet key that everybody can read", '[fleet]\nkey_file = "./k"', { "/etc/bmlb/k": { text: "0123456789abcdef", mode: 0o666 } }, 2, "fleet.key_file", "chmod 0640 /etc/bmlb/k"],
  ["no fleet key", '[fleet]\nkey_file = "./k"', {}, 2, "fleet.key_file", "does not exist"],
  ["a fleet key that is a list", '[fleet]\nkey_file = ["hunter2"]', {}, 2, "fleet.key_file", "not a list"],
];
for (const [what, toml, files, ...expected] of SECRETS) {
  test(`wrong with a secret: ${what}`, () => {
    const loaded = load(toml, { files });
    assertProblems(loaded, [expected]);
    assert.ok(!loaded.ok && !JSON.stringify(loaded).includes("hunter"), "a secret is never printed");
  });
}

test("a credential that does not exist is missed in $CREDENTIALS_DIRECTORY", () => {
  assertProblems(load('[kubernetes]\nkubeconfig = "kc"', { credentialsDirectory: "/run/credentials/bmlb.service" }), [[2, "kubernetes.kubeconfig", "no such credential", "LoadCredential="]]);
});

test("nothing of an unknown key's value is shown", () => {
  const loaded = load('token = "hunter2"\n[kubernetes]\npassword = "hunter2"\n[secret]\nx = "hunter2"\n[host]\npass = { a = ["hunter2"] }\n');
  assert.ok(!loaded.ok);
  assert.equal(loaded.problems.length, 4);
  assert.ok(!JSON.stringify(loaded.problems).includes("hunter"));
});

test("a name of a file that holds control characters stays one line", () => {
  const loaded = loadFiles({ "a\nb.toml": complete("[host]\nweight = 0") }, { path: "a\nb.toml" });
  assert.ok(!loaded.ok);
  assert.match(loaded.problems.map(formatProblem).join(""), /^a\\u\{a\}b\.toml:2: host\.weight: /);
});

test("a file of 1 MB of pools, peers and advertisements is judged without trying every pair", () => {
  const pools = Array.from({ length: 4000 }, (_, i) => `[[pool]]\nname = "p${i}"\naddresses = ["10.${i >> 8}.${i & 255}.0/24"]\n`).join("");
  const peers = Array.from({ length: 4000 }, (_, i) => `[[bgp.peer]]\nname = "r${i}"\naddress = "192.0.2.1"\nasn = 2\nhosts = ["h${i}"]\n`).join("");
  const advertisements = Array.from({ length: 3000 }, (_, i) => `[[bgp.advertisement]]\nname = "a${i}"\nprepend = ${i % 10}\npeers = ["r${i}"]\n`).join("");
  const before = process.cpuUsage();
  const loaded = loadFiles({ [PATH]: `[bgp]\nasn = 1\n${pools}${peers}${advertisements}[[l2]]\n` });
  const { user } = process.cpuUsage(before);
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.problems.slice(0, 3).map(formatProblem).join("\n"));
  assert.ok(user < 20_000_000, `it took ${user / 1e6} s of CPU`);
});
