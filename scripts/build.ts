/**
 * Builds dist/, which is what ships: the bundle, the add-ons that it needs and the pinned Node runtime. dist/bmlb starts it. Nothing in
 * dist/ reaches back into the checkout. Usage: node scripts/build.ts
 */
import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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
    bundler.onLoad({ filter: /\/@kubernetes\/client-node\/dist\/index\.js$/ }, () => undefined);
  },
};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

await build({
  entryPoints: { main: join(root, "src/main.ts"), "liveness-worker": join(root, "src/liveness/worker.ts") },
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
    js: [
      'import{createRequire as bmlbCreateRequire}from"node:module";',
      'import{dirname as bmlbDirname}from"node:path";',
      "const require=bmlbCreateRequire(import.meta.url),__filename=import.meta.filename,__dirname=bmlbDirname(__filename);",
    ].join(""),
  },
  plugins: [withoutSideEffects],
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
writeFileSync(join(out, "bmlb"), '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec "$here/node" "$here/main.js" "$@"\n');
chmodSync(join(out, "bmlb"), 0o755);

function copyPackage(name: string, parts: readonly string[]): void {
  for (const part of ["package.json", ...parts]) {
    const from = join(modules, name, part);
    if (!existsSync(from)) continue;
    const to = join(out, "node_modules", name, part);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to, { recursive: true });
  }
}
