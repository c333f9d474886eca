/** The tree of TOML → the Config, or all that is wrong with it. Pure. */
import { bfdConfig, readBfd } from "./bfd.ts";
import { readBgp, type Bgp } from "./bgp.ts";
import { communityKey } from "./community-text.ts";
import type { BgpConfig, BgpPeerConfig, Config, HostConfig } from "./config.ts";
import type { Findings } from "./findings.ts";
import { checkForwarding } from "./forwarding.ts";
import { isDnsLabel } from "./label.ts";
import { type L2, readL2 } from "./l2.ts";
import { checkListeners } from "./listeners.ts";
import { didYouMean, nearestOf } from "./nearest.ts";
import { peerConfig } from "./peers.ts";
import { type Pool, readPools } from "./pools.ts";
import { type Place, enumerate, escapeUnprintable, quote } from "./problem.ts";
import { Directory } from "./references.ts";
import { DAMPING } from "./schema-to-come.ts";
import { FLEET, HOST, KUBERNETES, METRICS, SCHEMA } from "./schema.ts";
import type { CheckKubeconfig, SecretFiles } from "./secrets.ts";
import { innerTable, readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";
import { warn } from "./warnings.ts";

/** What the files that the configuration names hold, but for the kubeconfig, which its user reads anew. Never printed. */
export type Secrets = {
  /** By the name of the peer. */
  readonly passwords: ReadonlyMap<string, string>;
  /** Undefined: the Secret bmlb-fleet. */
  readonly fleetKey: Uint8Array | undefined;
};

/** A setting that a running daemon cannot change, in words and where it stands; "" if it is not set. */
export type FixedSetting = { readonly place: Place; readonly value: string };

/** What is not in the file. */
export type Surroundings = {
  readonly hostname: string;
  readonly secretFiles: SecretFiles;
  readonly checkKubeconfig: CheckKubeconfig | undefined;
};

/** Of use only if `findings` has no problem afterwards. */
export function readConfig(root: TomlTable, surroundings: Surroundings, findings: Findings): { readonly config: Config; readonly secrets: Secrets; readonly fixed: readonly FixedSetting[] } {
  reportUnknownTables(root, findings);
  const host = readHost(root, surroundings.hostname, findings);
  const kubernetes = readKubernetes(root, surroundings, findings);
  const pools = new Directory({ what: "pool", table: "[[pool]]" }, readPools(root, findings));
  const l2 = readL2(root, pools, findings);
  const profiles = new Directory({ what: "BFD profile", table: "[[bfd]]" }, readBfd(root, findings));
  const bgp = readBgp(root, pools, profiles, findings);
  checkForwarding(innerTable(root, "forwarding", findings), findings);
  const fleet = readTable(FLEET, innerTable(root, "fleet", findings), findings);
  readTable(DAMPING, innerTable(root, "damping", findings), findings);
  const metrics = readTable(METRICS, innerTable(root, "metrics", findings), findings);
  checkListeners(bgp?.reading.listen.value ?? [], metrics.listen, findings);
  const { peers, passwords } = readPasswords(bgp, surroundings.secretFiles);
  const keyFile = fleet.key_file.value ?? "";
  const key = keyFile === "" ? undefined : surroundings.secretFiles.fleetKey(keyFile, fleet.key_file.place);
  if (findings.areNone) warn(pools.all, l2, bgp, profiles.all, findings);
  const config: Config = {
    host: host.config,
    kubernetes: kubernetes.config,
    pools: pools.all.map((pool: Pool) => pool.config),
    l2: l2.map((one: L2) => one.config),
    bgp: bgpConfig(bgp, peers),
    bfd: profiles.all.map(bfdConfig),
    fleet: {
      helloMs: fleet.hello.value,
      failbackDelayMs: fleet.failback_delay.value,
      failback: fleet.failback.value,
      keyFile: key?.path,
      refreshMs: fleet.refresh.value,
      announceRate: fleet.announce_rate.value,
    },
    metrics: { listen: metrics.listen.value },
  };
  return { config, secrets: { passwords, fleetKey: key?.key }, fixed: [...host.fixed, ...kubernetes.fixed] };
}

function reportUnknownTables(root: TomlTable, findings: Findings): void {
  const names = Array.from(new Set(SCHEMA.map((table) => table.path.split(".")[0] ?? "")));
  const nearest = nearestOf(names);
  for (const [name, node] of root.entries) {
    if (names.includes(name)) continue;
    const isTable = node.type === "table" || (node.type === "array" && node.items.some((item) => item.type === "table"));
    const homes = SCHEMA.filter((table) => !isTable && Object.hasOwn(table.keys, name)).map((table) => (table.kind === "one" ? `[${table.path}]` : `[[${table.path}]]`));
    const hint = homes.length > 0 ? `; ${name} is a key of ${enumerate(homes, "and")}` : didYouMean(nearest(name));
    findings.report(node.place, `no such ${isTable ? "table" : "key"}${hint}; allowed here: ${enumerate(names, "and")}`);
  }
}

function readHost(root: TomlTable, hostname: string, findings: Findings): { readonly config: HostConfig; readonly fixed: readonly FixedSetting[] } {
  const host = readTable(HOST, innerTable(root, "host", findings), findings);
  const name = host.name.value ?? hostname.toLowerCase();
  if (host.name.state === "absent" && !isDnsLabel(name)) {
    findings.reportMissing(host.name.place, `missing, and the hostname ${quote(hostname)} cannot be it: 1 to 63 letters, digits and dashes; add name = "edge-1" to [host]`);
  }
  return {
    config: {
      name,
      node: host.node.value,
      labels: Object.fromEntries(host.labels.value.map(({ value }) => value)),
      weight: host.weight.value,
      routerId: host.router_id.value,
      logLevel: host.log_level.value,
    },
    fixed: [
      { place: host.name.place, value: name },
      { place: host.router_id.place, value: host.router_id.value ?? "" },
    ],
  };
}

function readKubernetes(
  root: TomlTable,
  { secretFiles, checkKubeconfig }: Surroundings,
  findings: Findings,
): { readonly config: Config["kubernetes"]; readonly fixed: readonly FixedSetting[] } {
  const kubernetes = readTable(KUBERNETES, innerTable(root, "kubernetes", findings), findings);
  const { kubeconfig, context: contextSetting } = kubernetes;
  const context = contextSetting.value === "" ? undefined : contextSetting.value;
  const isUnknown = kubeconfig.state === "wrong" || (kubeconfig.state === "absent" && !findings.sawEverything);
  const file = isUnknown ? undefined : secretFiles.kubeconfig(kubeconfig.value, kubeconfig.place);
  const verdict = file === undefined ? undefined : checkKubeconfig?.(file.text, file.path, context, secretFiles.files);
  for (const { about, sentence } of verdict?.errors ?? []) {
    findings.report(about === "context" && context !== undefined ? contextSetting.place : kubeconfig.place, escapeUnprintable(sentence));
  }
  for (const sentence of verdict?.warnings ?? []) findings.warn(kubeconfig.place, escapeUnprintable(sentence));
  return {
    config: {
      kubeconfig: file?.path ?? "",
      context,
      namespace: kubernetes.namespace.value,
      loadBalancerClass: kubernetes.load_balancer_class.value,
      unclassed: kubernetes.unclassed.value,
    },
    fixed: [
      { place: kubeconfig.place, value: file?.path ?? "" },
      { place: contextSetting.place, value: context ?? "" },
      { place: kubernetes.namespace.place, value: kubernetes.namespace.value },
    ],
  };
}

function readPasswords(bgp: Bgp | undefined, secretFiles: SecretFiles): { readonly peers: readonly BgpPeerConfig[]; readonly passwords: ReadonlyMap<string, string> } {
  const passwords = new Map<string, string>();
  const peers: BgpPeerConfig[] = [];
  for (const peer of bgp?.peers ?? []) {
    const { value, place } = peer.reading.password_file;
    const secret = value === undefined ? undefined : secretFiles.password(value, place);
    const config = peerConfig(peer, bgp?.reading.asn.value ?? 0, secret?.path);
    if (config !== undefined) peers.push(config);
    if (secret !== undefined) passwords.set(peer.name.value ?? "", secret.password);
  }
  return { peers, passwords };
}

function bgpConfig(bgp: Bgp | undefined, peers: readonly BgpPeerConfig[]): BgpConfig | undefined {
  if (bgp?.reading.asn.value === undefined) return undefined;
  return {
    asn: bgp.reading.asn.value,
    listen: bgp.reading.listen.value.map(({ value }) => value),
    peers,
    communityNames: new Map(bgp.reading.communities.value.toReversed().map(({ value: [name, community] }) => [communityKey(community), name])),
    advertisements: bgp.advertisements.map((advertisement) => advertisement.config),
  };
}
