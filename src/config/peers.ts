/** [[bgp.peer]]: each router by itself, and no two sessions that would be one. Pure. */
import { type Family, familyOf, isIpv4 } from "../net/index.ts";
import type { Bfd } from "./bfd.ts";
import type { BgpPeerConfig } from "./config.ts";
import type { Findings } from "./findings.ts";
import { type Place, quote } from "./problem.ts";
import { type Directory, type Named, reportSharedNames } from "./references.ts";
import { BGP_PEER } from "./schema-bgp.ts";
import { type Scope, ScopeIndex, scopeOf, scopesExclude, valuesOf } from "./scope.ts";
import { type Reading, type Setting, innerTables, readTable } from "./table.ts";
import type { TomlTable } from "./toml.ts";

type PeerReading = Reading<(typeof BGP_PEER)["keys"]>;

export type Peer = Named & {
  readonly place: Place;
  readonly reading: PeerReading;
  readonly scope: Scope;
  readonly families: ReadonlySet<Family>;
};

/** What of [bgp] a peer is judged by. */
export type Speaker = {
  readonly asn: Setting<number | undefined>;
  readonly listen: Setting<readonly unknown[]>;
};

/** Every [[bgp.peer]], also one with faults. */
export function readPeers(bgp: TomlTable, speaker: Speaker, profiles: Directory<Bfd>, findings: Findings): readonly Peer[] {
  const peers = innerTables(bgp, "peer", findings).map((table) => readPeer(table, speaker, profiles, findings));
  reportSharedNames(peers, findings);
  reportSharedAddresses(peers, findings);
  reportSharedPassive(peers, findings);
  reportSharedPaths(peers, findings);
  return peers;
}

function readPeer(table: TomlTable, speaker: Speaker, profiles: Directory<Bfd>, findings: Findings): Peer {
  const reading = readTable(BGP_PEER, table, findings);
  checkAddresses(reading, findings);
  checkAutonomousSystems(reading, speaker, findings);
  checkRole(reading, speaker, findings);
  checkTimers(reading, findings);
  checkReach(reading, speaker, findings);
  checkBfd(reading, profiles, findings);
  return { name: reading.name, place: table.place, reading, scope: scopeOf(reading), families: new Set(valuesOf(reading.families)) };
}

function checkAddresses(peer: PeerReading, findings: Findings): void {
  const { address, source_address: source } = peer;
  if (address.state === "absent" && peer.interface.state === "absent") {
    findings.reportMissing(address.place, 'missing; add address = "192.0.2.254" (or interface = "eth1" for an unnumbered session)');
  }
  if (address.state !== "absent" && peer.interface.state !== "absent") {
    findings.report(peer.interface.place, "contradicts address: a session is by address or by interface; keep one of them");
  }
  if (source.state !== "absent" && peer.source_interface.state !== "absent") {
    findings.report(peer.source_interface.place, "contradicts source_address; keep one of them");
  }
  checkLinkLocal(peer, findings);
  if (address.value === undefined || source.value === undefined) return;
  if (familyOf(address.value.address) !== familyOf(source.value)) {
    findings.report(source.place, `${quote(source.value)} is of another family than address ${quote(address.value.address)}; both must be IPv4 or both IPv6`);
  } else if (source.value === address.value.address) {
    findings.report(source.place, `${quote(source.value)} is the peer's own address; give an address of this host`);
  }
}

/** A session between link-local addresses is between those of one link. */
function checkLinkLocal(peer: PeerReading, findings: Findings): void {
  const { interface: unnumbered, address, source_address: source, source_interface: sourceInterface } = peer;
  if (unnumbered.value === undefined && address.value?.zone === undefined) return;
  const session = unnumbered.value === undefined ? "the link-local address of the peer" : `interface = ${quote(unnumbered.value)}`;
  if (sourceInterface.value !== undefined) findings.report(sourceInterface.place, `${quote(sourceInterface.value)} contradicts ${session}: our source is the link-local address of that interface; remove it`);
  if (source.value !== undefined && unnumbered.value !== undefined) findings.report(source.place, `${quote(source.value)} contradicts ${session}: our source is the link-local address of that interface; remove it`);
}

function checkAutonomousSystems(peer: PeerReading, speaker: Speaker, findings: Findings): void {
  const { asn, local_asn: local } = peer;
  const own = speaker.asn.value;
  if (local.value === undefined) return;
  if (asn.value === "internal" || (asn.value !== undefined && asn.value === own)) {
    findings.report(local.place, `${local.value} contradicts an internal peer: within one autonomous system there is no other AS to be; remove it`);
  } else if (local.value === own) {
    findings.report(local.place, `${local.value} is our own AS (asn of [bgp]); remove it`);
  } else if (local.value === asn.value) {
    findings.report(local.place, `${local.value} is the peer's own AS; give another, or set asn = "internal" and the asn of [bgp]`);
  }
}

/** Roles are between autonomous systems (RFC 9234 4). */
function checkRole({ role, asn }: PeerReading, speaker: Speaker, findings: Findings): void {
  if (role.value === undefined || asn.value === undefined) return;
  if (asn.value === "internal" || asn.value === speaker.asn.value) {
    findings.report(role.place, `${quote(role.value)} contradicts an internal peer: a role is what one autonomous system is to another; remove it`);
  }
}

function checkTimers(peer: PeerReading, findings: Findings): void {
  const { hold_time: hold, keepalive_time: keepalive } = peer;
  if (keepalive.value === undefined || hold.state === "wrong") return;
  if (hold.value === 0) findings.report(keepalive.place, 'contradicts hold_time = "0s", which turns keepalives off; remove it');
  else if (keepalive.value >= hold.value) {
    findings.report(keepalive.place, `"${keepalive.value / 1000}s" must be less than hold_time, which is "${hold.value / 1000}s"${hold.state === "absent" ? " by default" : ""}; a third of it is usual`);
  }
}

/** How packets get there. */
function checkReach(peer: PeerReading, speaker: Speaker, findings: Findings): void {
  const { address, multihop, ttl_security: gtsm, passive } = peer;
  if (gtsm.value && gtsm.state === "given" && multihop.value > 0) {
    findings.report(gtsm.place, `contradicts multihop = ${multihop.value}: GTSM demands TTL 255, that of an adjacent peer; keep one of them`);
  }
  if (multihop.value > 0 && (address.value?.zone !== undefined || peer.interface.value !== undefined)) {
    findings.report(multihop.place, `${multihop.value} contradicts the link-local address of the peer, which no router forwards; remove it`);
  }
  if (passive.value && speaker.listen.state !== "wrong" && speaker.listen.value.length === 0) {
    findings.report(passive.place, "contradicts an empty listen in [bgp]: we would wait for a session that nobody can open; add listen, or remove passive");
  }
}

function checkBfd(peer: PeerReading, profiles: Directory<Bfd>, findings: Findings): void {
  const { bfd, multihop, address, interface: unnumbered } = peer;
  if (bfd.value === undefined) return;
  const profile = profiles.find(bfd.value);
  if (profile === undefined) profiles.reportAbsent(bfd.value, bfd.place, findings);
  else if (!profile.reading.echo_mode.value) return;
  else if (multihop.value > 0) findings.report(bfd.place, `the profile ${quote(bfd.value)} has echo_mode, which works to adjacent peers only, and multihop is ${multihop.value}`);
  else if (unnumbered.value !== undefined || (address.value !== undefined && !isIpv4(address.value.address))) findings.report(bfd.place, `the profile ${quote(bfd.value)} has echo_mode, which works over IPv4 only`);
}

/** One address, or one interface, is one session, unless the port differs or no host has both. */
function reportSharedAddresses(peers: readonly Peer[], findings: Findings): void {
  const endpoint = ({ reading: { address, interface: unnumbered, port } }: Peer): string | undefined =>
    (address.value === undefined && unnumbered.value === undefined) || port.state === "wrong" ? undefined : `${address.value?.address ?? ""}%${address.value?.zone ?? unnumbered.value ?? ""} ${port.value}`;
  for (const [{ reading: { address, interface: unnumbered } }, twin] of twins(peers, endpoint)) {
    if (address.value === undefined) {
      findings.report(unnumbered.place, `${quote(unnumbered.value ?? "")} is also the interface of ${whereOf(twin)}; two sessions over one interface need another port or disjoint hosts`);
    } else {
      findings.report(address.place, `${quote(address.value.address)} is also the address of ${whereOf(twin)}; two sessions to one address need another port or disjoint hosts`);
    }
  }
}

/** A connection that a router opens does not say for which of two sessions with it it is meant. */
function reportSharedPassive(peers: readonly Peer[], findings: Findings): void {
  for (const [peer, twin] of twins(peers.filter(({ reading }) => reading.passive.value), routerOf)) {
    findings.report(peer.reading.passive.place, `${whereOf(twin)} waits for ${quote(addressOf(peer) ?? "")} too, and a connection from there does not say for which of the two it is; remove passive from one of them`);
  }
}

/** Two sessions of BFD with one address could not be told apart. */
function reportSharedPaths(peers: readonly Peer[], findings: Findings): void {
  const path = (peer: Peer): string | undefined => {
    const router = routerOf(peer);
    return router === undefined ? undefined : `${router} ${peer.reading.multihop.value > 0 ? "several hops" : "adjacent"}`;
  };
  for (const [peer, twin] of twins(peers.filter(({ reading }) => reading.bfd.value !== undefined), path)) {
    findings.report(peer.reading.bfd.place, `the path to ${quote(addressOf(peer) ?? "")} is already watched for ${whereOf(twin)}; remove bfd from one of the two`);
  }
}

/** Peers with an earlier one of the same key that some host has, too. One without a key has no twin. */
function* twins(peers: readonly Peer[], keyOf: (peer: Peer) => string | undefined): Generator<readonly [Peer, Peer]> {
  const byKey = new Map<string, ScopeIndex<Peer>>();
  for (const peer of peers) {
    const key = keyOf(peer);
    if (key === undefined) continue;
    const others = byKey.get(key) ?? new ScopeIndex<Peer>();
    const twin = others.find(peer.scope, (other) => !scopesExclude(other.scope, peer.scope));
    if (twin !== undefined) yield [peer, twin];
    others.add(peer);
    byKey.set(key, others);
  }
}

function whereOf({ place }: Peer): string {
  return `${place.path} at ${place.file}:${place.line}`;
}

/** Of an unnumbered one, its interface. */
function addressOf({ reading: { address, interface: unnumbered } }: Peer): string | undefined {
  return address.value?.address ?? unnumbered.value;
}

/** Which router it is, as far as the file says. */
function routerOf(peer: Peer): string | undefined {
  const address = addressOf(peer);
  return address === undefined ? undefined : `${address}%${peer.reading.address.value?.zone ?? ""}`;
}

/** What the session is made of; `peer` has no faults. `passwordFile` is an absolute path. */
export function peerConfig(peer: Peer, ownAsn: number, passwordFile: string | undefined): BgpPeerConfig | undefined {
  const { reading } = peer;
  const { name, address, interface: unnumbered, asn } = reading;
  if (name.value === undefined || (address.value === undefined && unnumbered.value === undefined) || asn.value === undefined) return undefined;
  return {
    name: name.value,
    address: address.value?.address,
    zone: address.value === undefined ? unnumbered.value : address.value.zone,
    asn: asn.value,
    localAsn: reading.local_asn.value ?? ownAsn,
    port: reading.port.value,
    sourceAddress: reading.source_address.value,
    sourceInterface: reading.source_interface.value,
    holdTimeMs: reading.hold_time.value,
    keepaliveTimeMs: reading.keepalive_time.value ?? Math.floor(reading.hold_time.value / 3000) * 1000,
    connectTimeMs: reading.connect_time.value,
    passwordFile,
    multihop: reading.multihop.value,
    ttlSecurity: reading.ttl_security.value,
    bfd: reading.bfd.value,
    families: valuesOf(reading.families),
    passive: reading.passive.value,
    maxPrefixes: reading.max_prefixes.value,
    role: reading.role.value,
    gracefulRestartMs: reading.graceful_restart.value,
    ...peer.scope,
  };
}
