/**
 * The programs of a real control plane: found in $KUBEBUILDER_ASSETS or in the cache, or built from the modules that go.mod pins.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, readFileSync } from "node:fs";
import { arch, homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = {
  etcd: "go.etcd.io/etcd/server/v3",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
} as const;

export type Program = keyof typeof PACKAGES;
export const PROGRAMS: readonly Program[] = ["etcd", "kube-apiserver", "kube-proxy"];

export type Availability = { readonly ok: true } | { readonly ok: false; readonly reason: string };

const MODULE = fileURLToPath(new URL(".", import.meta.url));
const GO_NEEDED = { major: 1, minor: 26 };
const GO_PLACES = ["go", "/usr/local/go/bin/go", "/usr/lib/go-1.26/bin/go"];
const PROGRESS_INTERVAL_MS = 10_000;

const goMod = readFileSync(join(MODULE, "go.mod"), "utf8");
const KUBERNETES = /k8s\.io\/kubernetes (v\S+)/.exec(goMod)?.[1] ?? "v0.0.0";
const ETCD = /go\.etcd\.io\/etcd\/server\/v3 (v\S+)/.exec(goMod)?.[1] ?? "v0.0.0";
const [major = "0", minor = "0"] = KUBERNETES.slice(1).split(".");

// Without these the server says v0.0.0-master and warns of it.
const LINK = ["-s", "-w", ...stamp("k8s.io/component-base/version"), ...stamp("k8s.io/client-go/pkg/version")].join(" ");
// Without cgo the same programs come out whether or not the machine has a C compiler.
const BUILD_ENVIRONMENT = { CGO_ENABLED: "0", GOWORK: "off" };
const BUILD = ["build", "-v", "-buildvcs=false", "-trimpath", "-mod=readonly", "-ldflags", LINK];

/** What the built programs are, for people. */
export const VERSIONS = `Kubernetes ${KUBERNETES}, etcd ${ETCD}`;

function stamp(where: string): readonly string[] {
  return [`-X ${where}.gitMajor=${major}`, `-X ${where}.gitMinor=${minor}`, `-X ${where}.gitVersion=${KUBERNETES}`];
}

/** Whether these programs are here or can be built here. */
export function available(programs: readonly Program[] = PROGRAMS): Availability {
  for (const [tool, argument] of [["openssl", "version"], ["setpriv", "--version"], ["flock", "--version"]] as const) {
    if (spawnSync(tool, [argument]).status !== 0) return { ok: false, reason: `${tool} is not installed` };
  }
  const missing = programs.filter((program) => find(program) === undefined);
  if (missing.length === 0) return { ok: true };
  const go = goCommand();
  return go.ok ? { ok: true } : { ok: false, reason: `${missing.join(", ")}: neither in $KUBEBUILDER_ASSETS nor in ${cacheFolder()}, and ${go.reason}` };
}

/** The path of a program that is here already; undefined if it has to be built. */
export function find(program: Program): string | undefined {
  const assets = process.env["KUBEBUILDER_ASSETS"];
  return [...(assets === undefined || assets === "" ? [] : [join(assets, program)]), join(cacheFolder(), program)].find(isExecutable);
}

/**
 * Makes sure that the programs are here, and returns their paths. Building takes about four minutes of two cores the first time;
 * runs at the same time build once. Progress goes to standard error.
 */
export async function buildControlPlane<P extends Program>(programs: readonly P[]): Promise<Readonly<Record<P, string>>> {
  const paths: Partial<Record<P, string>> = {};
  for (const program of programs) paths[program] = find(program) ?? (await build(program));
  return paths as Record<P, string>;
}

function cacheFolder(): string {
  const cache = process.env["XDG_CACHE_HOME"];
  const root = cache === undefined || cache === "" ? join(homedir(), ".cache") : cache;
  const hash = createHash("sha256").update(goMod).update(readFileSync(join(MODULE, "go.sum"))).update(BUILD.join(" ")).update(JSON.stringify(BUILD_ENVIRONMENT)).update(arch());
  return join(root, "bmlb", `kube-${hash.digest("hex").slice(0, 16)}`);
}

type Go = { readonly ok: true; readonly command: string } | { readonly ok: false; readonly reason: string };

function goCommand(): Go {
  const wanted = `Go ${GO_NEEDED.major}.${GO_NEEDED.minor} or newer`;
  let reason = `${wanted} is not installed`;
  for (const command of GO_PLACES) {
    // Outside of the module and with the local tool chain: the question is what is installed, not what could be downloaded.
    const { status, stdout } = spawnSync(command, ["env", "GOVERSION"], { cwd: "/", encoding: "utf8", env: { ...process.env, GOTOOLCHAIN: "local" } });
    if (status !== 0) continue;
    const [, goMajor = "0", goMinor = "0"] = /^go(\d+)\.(\d+)/.exec(stdout.trim()) ?? [];
    if (Number(goMajor) > GO_NEEDED.major || (Number(goMajor) === GO_NEEDED.major && Number(goMinor) >= GO_NEEDED.minor)) return { ok: true, command };
    reason = `${wanted} is needed, ${command} is ${stdout.trim()}`;
  }
  return { ok: false, reason };
}

/** Under a lock of the kernel's, which a build that is killed does not leave behind; the other runs find the program when they get it. */
async function build(program: Program): Promise<string> {
  const go = goCommand();
  if (!go.ok) throw new Error(`cannot build ${program}: ${go.reason}`);
  const folder = cacheFolder();
  mkdirSync(folder, { recursive: true });
  const path = join(folder, program);
  const unlessThere = 'test -x "$0" || { nice -n 10 "$@" && mv "$0.new" "$0"; }';
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1_000).toFixed(0)} s`;
  process.stderr.write(`building ${program} (${VERSIONS}) into ${folder}; minutes the first time\n`);
  const child = spawn("flock", [join(folder, "lock"), "sh", "-c", unlessThere, path, go.command, ...BUILD, "-o", `${path}.new`, PACKAGES[program]], {
    cwd: MODULE,
    env: { ...process.env, ...BUILD_ENVIRONMENT },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let packages = 0;
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    packages += text.split("\n").length - 1;
    said = (said + text).slice(-4_000);
  });
  const progress = setInterval(() => process.stderr.write(`building ${program}: ${packages} packages, ${seconds()}\n`), PROGRESS_INTERVAL_MS);
  const status = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve)).finally(() => { clearInterval(progress); });
  if (status !== 0 || !isExecutable(path)) throw new Error(`${program} could not be built:\n${said}`);
  process.stderr.write(`built ${program} in ${seconds()}\n`);
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
