/**
 * Builds dist/, which is what ships: the bundle, the add-ons that it needs and the pinned Node runtime. dist/bmlb starts it. Nothing in
 * dist/ reaches back into the checkout. Usage: node scripts/build.ts
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ADDONS, bundle, root } from "./bundle.ts";

const out = join(root, "dist");
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

// A young generation of at most 3 × 2 MB: V8's own choice grows to 100 MB, and collecting it stops the main loop for longer than anything else.
// The old one is collected when it has grown by a third, not when it is a multiple of what lives: a burst of changes would leave that much for good.
const FLAGS = ["--max-semi-space-size=2", "--heap-growing-percent=30"];

// What V8 has compiled is kept, so that a start need not compile it again. Who may not write here makes do without what is not here yet.
const CACHE = 'process.getBuiltinModule("node:module").enableCompileCache({directory:`${import.meta.dirname}/compiled`,portable:true});';
writeFileSync(join(out, "main.js"), `${CACHE}await import("./program.js");\n`);
compileAhead(Object.keys(metafile.outputs).map((path) => basename(path)).filter((name) => name !== "worker.js"));

// Last, as it stands for the whole. One arena of malloc's for all threads, and what is large goes back to the kernel when it is freed.
const MALLOC = "MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=131072";
writeScript("bmlb", `${MALLOC} exec "$here/node" ${FLAGS.join(" ")} "$here/main.js" "$@"`);

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
