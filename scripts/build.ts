/**
 * Builds dist/, which is what ships: the bundle, the add-ons that it needs and the pinned Node runtime. dist/bmlb starts it. Nothing in
 * dist/ reaches back into the checkout. Usage: node scripts/build.ts
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ADDONS, DIST, FLAGS, MALLOC, bundle, root } from "./bundle.ts";

const out = DIST;
const modules = join(root, "node_modules");

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const { metafile } = await bundle(out, "write");

writeFileSync(join(out, "package.json"), `${JSON.stringify({ type: "module", imports: { "#worker": "./worker.js" } })}\n`);

/** Types, sources and source maps, of which some packages have as many as of code. */
const NOT_AT_RUN_TIME = /\.(d\.ts|map|cc|hh|inc|def|S|asm)$|trampolines\.cjs$|\/abi$/;

for (const [name, parts] of Object.entries(ADDONS)) copyPackage(name, parts);

const runtime = realpathSync(join(modules, ".bin/node"));
try {
  linkSync(runtime, join(out, "node"));
} catch {
  cpSync(runtime, join(out, "node")); // another file system
}

// What V8 has compiled is kept, so that a start need not compile it again. Who may not write here makes do without what is not here yet.
const CACHE = 'process.getBuiltinModule("node:module").enableCompileCache({directory:`${import.meta.dirname}/compiled`,portable:true});';
writeFileSync(join(out, "main.js"), `${CACHE}await import("./program.js");\n`);
compileAhead(Object.keys(metafile.outputs).map((path) => basename(path)).filter((name) => name !== "worker.js"));

// Last, as it stands for the whole.
const environment = Object.entries(MALLOC).map(([name, value]) => `${name}=${value}`).join(" ");
writeScript("bmlb", `${environment} exec "$here/node" ${FLAGS.join(" ")} "$here/main.js" "$@"`);

/** Loads everything once, with the flags with which it will be loaded again: V8 finds what it has compiled by both. */
function compileAhead(files: readonly string[]): void {
  const require = 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);';
  const addons = ["koffi", "pcap", "netlink/dist/rt/rt.js"].map((name) => `require("${name}");`);
  writeFileSync(join(out, "compile-ahead.js"), [CACHE, require, ...addons, ...files.map((file) => `await import("./${file}");`)].join(""));
  // Where dist/ is installed it is run again: what it makes differs from one build to the next.
  writeScript("compile-ahead", `rm -rf "$here/compiled"\nexec "$here/node" ${FLAGS.join(" ")} "$here/compile-ahead.js" version`);
  execFileSync(join(out, "compile-ahead"));
}

function writeScript(name: string, lines: string): void {
  writeFileSync(join(out, name), `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n${lines}\n`);
  chmodSync(join(out, name), 0o755);
}

function copyPackage(name: string, parts: readonly string[]): void {
  for (const part of ["package.json", ...parts]) {
    const from = join(modules, name, part);
    if (!existsSync(from)) continue;
    const to = join(out, "node_modules", name, part);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to, { recursive: true, filter: (path) => !NOT_AT_RUN_TIME.test(path) });
  }
}
