/**
 * Builds dist/, which is what ships: the bundle, the add-ons that it needs and the pinned Node runtime. dist/bmlb starts it. Nothing in
 * dist/ reaches back into the checkout. Usage: node scripts/build.ts
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");
const modules = join(root, "node_modules");

type Manifest = { readonly version: string };
const manifest = (path: string): Manifest => JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;

/** Lets esbuild drop what we do not use of a package that does not say that it has no side effects. */
const withoutSideEffects: Plugin = {
  name: "without-side-effects",
  setup(bundler) {
    bundler.onResolve({ filter: /^@kubernetes\/client-node$/ }, async (args) => {
      if (args.pluginData === "again") return undefined;
      const resolved = await bundler.resolve(args.path, { kind: args.kind, resolveDir: args.resolveDir, pluginData: "again" });
      return { ...resolved, sideEffects: false };
    });
  },
};

/**
 * Node's own modules are taken by `require`: an `import` of node:http or node:crypto reads everything that they export, and so loads fetch
 * and WebCrypto, which we do not use, at each start.
 */
const builtinsByRequire: Plugin = {
  name: "builtins-by-require",
  setup(bundler) {
    bundler.onResolve({ filter: /./ }, ({ path, kind }) => {
      if (!isBuiltin(path) || kind === "require-call") return undefined;
      return { path, namespace: "builtin" };
    });
    bundler.onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})` }));
  },
};

/** The client library makes its requests with undici; we make ours with node:https (src/kube/client.ts), and leave a megabyte out. */
const withoutUndici: Plugin = {
  name: "without-undici",
  setup(bundler) {
    bundler.onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: "absent" }));
    bundler.onLoad({ filter: /./, namespace: "absent" }, () => ({ contents: "export const Agent = undefined, ProxyAgent = undefined, fetch = undefined;" }));
  },
};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const bundle = await build({
  metafile: true,
  entryPoints: { program: join(root, "src/main.ts"), "liveness-worker": join(root, "src/liveness/worker.ts") },
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: false,
  external: ["koffi", "pcap", "netlink", "#*"],
  define: { "process.env.BMLB_VERSION": JSON.stringify(manifest(root).version) },
  banner: {
    js: 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;',
  },
  plugins: [withoutSideEffects, builtinsByRequire, withoutUndici],
  logLevel: "warning",
});

writeFileSync(join(out, "package.json"), `${JSON.stringify({ type: "module", imports: { "#liveness-worker": "./liveness-worker.js" } })}\n`);

// Native add-ons cannot be bundled: what they need at run time is copied, and nothing else of their packages.
const ADDONS: Readonly<Record<string, readonly string[]>> = {
  pcap: ["pcap.js", "decode", "dns_cache.js", "tcp_tracker.js", "util.js", "build/Release/pcap_binding.node"],
  koffi: ["index.cjs", "src/koffi/index.cjs", "src/koffi/src"],
  [`@koromix/koffi-linux-${process.arch}`]: ["index.js", `linux_${process.arch}`],
  netlink: ["dist", `prebuilds/linux-${process.arch}`],
  "node-gyp-build": ["index.js", "node-gyp-build.js"],
};
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
const FLAGS = ["--max-semi-space-size=2"];

// What V8 has compiled is kept, so that a start need not compile it again: here, or by a user who may not write here with the daemon's state.
const CACHE = [
  'const{enableCompileCache,constants}=process.getBuiltinModule("node:module");',
  "for(const folder of[import.meta.dirname,process.env.STATE_DIRECTORY])",
  "if(folder!==undefined&&enableCompileCache({directory:`${folder}/compiled`,portable:true}).status!==constants.compileCacheStatus.FAILED)break;",
].join("");
writeFileSync(join(out, "main.js"), `${CACHE}await import("./program.js");\n`);
compileAhead(Object.keys(bundle.metafile.outputs).map((path) => basename(path)).filter((name) => name !== "liveness-worker.js"));

// Last, as it stands for the whole.
writeScript("bmlb", `exec "$here/node" ${FLAGS.join(" ")} "$here/main.js" "$@"`);

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
