import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { manifest, root } from "../../scripts/bundle.ts";
import { debianChangelog } from "../../scripts/debian-changelog.ts";

const MARKDOWN = `# Changelog

## 1.2.0-rc.1 (unreleased)

What this is about,
on two lines.

- A change that needs more words than there is room for on one line of a Debian changelog.
- Another.

## 1.1.0 (2026-03-05)

### Fixed

- A fault.
`;

test("each version becomes an entry that dpkg can read, newest first", () => {
  assert.equal(
    debianChangelog(MARKDOWN, "1.2.0-rc.1", new Date("2026-11-27T22:49:01Z")),
    `bmlb (1.2.0~rc.1) UNRELEASED; urgency=medium

  * What this is about, on two lines.
  * A change that needs more words than there is room for on one line of a
    Debian changelog.
  * Another.

 -- bmlb developers <maintainers@bmlb.io>  Fri, 27 Nov 2026 22:49:01 +0000

bmlb (1.1.0) unstable; urgency=medium

  * Fixed
  * A fault.

 -- bmlb developers <maintainers@bmlb.io>  Thu, 05 Mar 2026 00:00:00 +0000
`,
  );
});

for (const [what, markdown, version] of [
  ["the newest version is not that of package.json", MARKDOWN, "1.1.0"],
  ["a heading has no date", "## 1.0.0\n\n- A change.\n", "1.0.0"],
  ["a heading has half a date", "## 1.0.0 (2026-03)\n\n- A change.\n", "1.0.0"],
  ["there is no version", "# Changelog\n", "1.0.0"],
] as const) {
  test(`nothing is made if ${what}`, () => {
    assert.throws(() => debianChangelog(markdown, version, new Date(0)), /CHANGELOG\.md/);
  });
}

test("CHANGELOG.md is of the version that package.json names", () => {
  assert.match(debianChangelog(readFileSync(join(root, "CHANGELOG.md"), "utf8"), manifest(root).version, new Date(0)), /^bmlb \(/);
});
