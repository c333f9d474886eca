/** What dist/ is made of: the bundle's parts, and the add-ons beside it. */
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { build, type BuildResult, type Metafile, type Plugin } from "esbuild";

export const root = join(import.meta.dirname, "..");

/** Where `npm run build` puts what ships. */
export const DIST = join(root, "dist");

// A young generation of at most 3 × 2 MB: V8's own choice grows to 100 MB, and collecting it stops the main loop for longer than anything else.
// The old one is collected when it has grown by a third, not when it is a multiple of what lives: a burst of changes would leave that much for good.
// The last of the compilers is left out: what it takes to make the code a little faster still is more than such bursts ever give back, and 5 MB.
export const FLAGS: readonly string[] = ["--max-semi-space-size=2", "--heap-growing-percent=30", "--max-opt=2"];

/** One arena of malloc's for all threads, and what is large goes back to the kernel when it is freed. */
export const MALLOC = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "131072" };

export type Manifest = { readonly name: string; readonly version: string };

/** A package as npm installed it. */
export function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

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
 * Of the client library we take how OIDC proves who we are; all else of a kubeconfig, requests and objects are our own (src/kube/). Its HTTP
 * client and the code generated for every object that Kubernetes has are left out: two megabytes that each start would read.
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

/** Native add-ons cannot be bundled: what they need at run time is copied, and nothing else of their packages. */
export const ADDONS: Readonly<Record<string, readonly string[]>> = {
  pcap: ["pcap.js", "decode", "dns_cache.js", "tcp_tracker.js", "util.js", "build/Release/pcap_binding.node"],
  koffi: ["index.cjs", "src/koffi/index.cjs", "src/koffi/src"],
  [`@koromix/koffi-linux-${process.arch}`]: ["index.js", `linux_${process.arch}`],
  netlink: ["dist", `prebuilds/linux-${process.arch}`],
  "node-gyp-build": ["index.js", "node-gyp-build.js"],
};

/** Bundles the program and the worker thread into `out`; writes nothing for "look". */
export function bundle(out: string, mode: "write" | "look"): Promise<BuildResult<{ metafile: true }>> {
  return bundlePrograms({ program: join(root, "src/main.ts"), worker: join(root, "src/worker.ts") }, out, mode);
}

/** Bundles other programs exactly as ours: what is measured of a part is then what ships. */
export function bundlePrograms(entryPoints: Readonly<Record<string, string>>, out: string, mode: "write" | "look"): Promise<BuildResult<{ metafile: true }>> {
  return build({
    absWorkingDir: root,
    write: mode === "write",
    metafile: true,
    entryPoints,
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
}

/** The npm packages of which code ended up in the bundle. */
export function bundled(metafile: Metafile): string[] {
  const names = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).map(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? /.*node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)\//.exec(path)?.groups?.["name"] : undefined)),
  );
  return [...new Set(names)].filter((name) => name !== undefined).sort();
}
