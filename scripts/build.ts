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

/**
 * Of the client library we take how a kubeconfig proves who we are; requests and objects are our own (src/kube/client.ts, objects.ts). Its
 * HTTP client and the code generated for every object that Kubernetes has are left out: two megabytes that each start would read.
 */
const ABSENT: Readonly<Record<string, string>> = {
  undici: "export const Agent = undefined, ProxyAgent = undefined, fetch = undefined;",
  "./gen/index.js": "export const createConfiguration = undefined, ServerConfiguration = undefined;",
};
const credentialsOnly: Plugin = {
  name: "credentials-only",
  setup(bundler) {
    bundler.onResolve({ filter: /^(undici|\.\/gen\/index\.js)$/ }, ({ path, importer }) =>
      path === "undici" || importer.endsWith("/@kubernetes/client-node/dist/config.js") ? { path, namespace: "absent" } : undefined,
    );
    bundler.onLoad({ filter: /./, namespace: "absent" }, ({ path }) => ({ contents: ABSENT[path] ?? "" }));
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
  plugins: [withoutSideEffects, builtinsByRequire, credentialsOnly],
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

// What V8 has compiled is kept, so that a start need not compile it again: here, or by a user who may not write here with the daemon's state.
const CACHE = [
  'const{enableCompileCache,constants}=process.getBuiltinModule("node:module");',
  "for(const folder of[import.meta.dirname,process.env.STATE_DIRECTORY])",
  "if(folder!==undefined&&enableCompileCache({directory:`${folder}/compiled`,portable:true}).status!==constants.compileCacheStatus.FAILED)break;",
].join("");
writeFileSync(join(out, "main.js"), `${CACHE}await import("./program.js");\n`);
compileAhead(Object.keys(bundle.metafile.outputs).map((path) => basename(path)).filter((name) => name !== "liveness-worker.js"));

// Last, as it stands for the whole. One arena of malloc's for all threads, and what is large goes back to the kernel when it is freed.
writeFileSync(join(out, "bmlb"), `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nMALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=131072 exec "$here/node" ${FLAGS.join(" ")} "$here/main.js" "$@"\n`);
chmodSync(join(out, "bmlb"), 0o755);

/** Loads everything once, with the flags with which it will be loaded again: V8 finds what it has compiled by both. */
function compileAhead(files: readonly string[]): void {
  const loader = join(out, "compile-ahead.js");
  const require = 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);';
  const addons = ["koffi", "pcap", "netlink/dist/rt/rt.js"].map((name) => `require("${name}");`);
  writeFileSync(loader, [CACHE, require, ...addons, ...files.map((file) => `await import("./${file}");`)].join(""));
  execFileSync(join(out, "node"), [...FLAGS, loader, "version"]);
  rmSync(loader);
}

function copyPackage(name: string, parts: readonly string[]): void {
  for (const part of ["package.json", ...parts]) {
    const from = join(modules, name, part);
    if (!existsSync(from)) continue;
    const to = join(out, "node_modules", name, part);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to, { recursive: true });
  }
}
