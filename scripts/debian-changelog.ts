/**
 * Makes debian/changelog (deb-changelog(5)) of CHANGELOG.md, so that there is one text to keep. Usage: node scripts/debian-changelog.ts
 *
 * A version's heading carries its date, `## 1.2.3 (2026-12-31)`. What is not released yet has the date of the last commit: the package's
 * files are dated by it, and the same commit makes the same package whenever it is built.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manifest, root } from "./bundle.ts";

const MAINTAINER = "bmlb developers <maintainers@bmlb.io>";
const WIDTH = 76;

/** Throws if the newest heading is not `version`, or a heading cannot be read. `unreleased` is when what is not released yet was changed. */
export function debianChangelog(markdown: string, version: string, unreleased: Date): string {
  const [, ...sections] = markdown.split(/^## /m);
  const entries = sections.map((section) => {
    const [heading = "", ...lines] = section.split("\n");
    const found = /^(?<version>\d\S*) \((?<date>\d{4}-\d\d-\d\d|unreleased)\)$/.exec(heading)?.groups;
    if (found?.["version"] === undefined || found["date"] === undefined) throw new Error(`CHANGELOG.md: "## ${heading}" is not "## VERSION (YYYY-MM-DD or unreleased)"`);
    return { version: found["version"], date: found["date"], lines };
  });
  if (entries[0]?.version !== version) throw new Error(`CHANGELOG.md begins with ${entries[0]?.version ?? "no version"}, package.json says ${version}`);
  return entries
    .map(({ version, date, lines }) => {
      const released = date !== "unreleased";
      // 1.2.3-rc.1 is older than 1.2.3 for npm; for dpkg only if written with a tilde.
      const head = `bmlb (${version.replace("-", "~")}) ${released ? "unstable" : "UNRELEASED"}; urgency=medium`;
      return [head, "", ...paragraphs(lines).map(item), "", ` -- ${MAINTAINER}  ${rfc5322(released ? new Date(`${date}T00:00:00Z`) : unreleased)}`, ""].join("\n");
    })
    .join("\n");
}

/** Each list item and each paragraph beside the lists, on one line. */
function paragraphs(lines: readonly string[]): string[] {
  const found: string[] = [];
  let open = false;
  for (const line of lines) {
    const text = line.replace(/^#+ |^- /, "").trim();
    if (open && !/^#+ |^- /.test(line) && text !== "") found.push(`${found.pop() ?? ""} ${text}`);
    else if (text !== "") found.push(text);
    open = text !== "";
  }
  return found;
}

/** One change, broken into lines. */
function item(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH - 4) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return `  * ${lines.join("\n    ")}`;
}

/** The date format of deb-changelog(5). */
function rfc5322(date: Date): string {
  return date.toUTCString().replace("GMT", "+0000");
}

/** $SOURCE_DATE_EPOCH, else when the last commit was made, else when the file was changed. */
function lastChange(path: string): Date {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined && given !== "") return new Date(Number(given) * 1000);
  try {
    return new Date(Number(execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })) * 1000);
  } catch {
    return statSync(path).mtime;
  }
}

if (import.meta.main) {
  const path = join(root, "CHANGELOG.md");
  writeFileSync(join(root, "debian/changelog"), debianChangelog(readFileSync(path, "utf8"), manifest(root).version, lastChange(path)));
}
