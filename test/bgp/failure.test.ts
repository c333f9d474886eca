/** Each row: what ended an attempt or a session, and the sentence that the operator gets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BgpPeer } from "../../src/bgp/index.ts";
import { describeFailure, type Failure, failureFields } from "../../src/bgp/failure.ts";
import type { State } from "../../src/bgp/transition.ts";
import type { Ipv4 } from "../../src/net/index.ts";
import { encodeCapability, notification } from "../../src/wire/index.ts";
import { PEER } from "./world.ts";

const SELF = { routerId: "10.7.0.1" as Ipv4, hostname: "edge-1" };

type Parts = Partial<BgpPeer>;

const fromPeer = (code: number, subcode: number, data: readonly number[] = []): Failure => ({ by: "peer", notification: notification(code, subcode, Uint8Array.from(data)) });
const fromUs = (code: number, subcode: number, problem: string): Failure => ({ by: "us", notification: notification(code, subcode), problem });
const network = (error?: string): Failure => ({ by: "network", error });

const IPV6 = [...encodeCapability({ name: "multiprotocol", afi: 2, safi: 1 })];
const AS4 = [...encodeCapability({ name: "four-octet-as", asn: 64501 })];
/** AFI 1, SAFI 1, 100 prefixes (RFC 4486 4). */
const LIMIT = [0, 1, 1, 0, 0, 0, 100];

for (const [what, failure, parts, sentence] of [
  // The peer's NOTIFICATIONs.
  ["an unreadable header", fromPeer(1, 2, [0, 1]), {}, "peer tor-1 found an error in the header of a message of ours; please report it with this line (message header error, bad message length)"],
  ["our version", fromPeer(2, 1, [0, 3]), {}, "peer tor-1 does not speak version 4 of BGP: is it a router? (OPEN error, unsupported version number)"],
  ["our AS", fromPeer(2, 2), {}, "peer tor-1 refused our AS 64500: enter 64500 as the AS of this neighbor there, or set asn or local_asn here to what it expects (OPEN error, bad peer AS)"],
  ["our router ID", fromPeer(2, 3), {}, "peer tor-1 refused our router ID 10.7.0.1: set [host] router_id to one that no other router has (OPEN error, bad BGP identifier)"],
  ["our capabilities", fromPeer(2, 4), {}, "peer tor-1 knows no capabilities: the next attempt goes without them, for ipv4 only (OPEN error, unsupported optional parameter)"],
  ["our capabilities, which IPv6 needs", fromPeer(2, 4), { families: ["ipv6"] }, "peer tor-1 knows no capabilities, and without them it can have neither ipv6 nor our AS 64500 if that is above 65535: add ipv4 to families, set local_asn to a smaller AS, or renew its software (OPEN error, unsupported optional parameter)"],
  ["our credentials", fromPeer(2, 5), {}, "peer tor-1 says that authentication failed: check password_file on both sides (OPEN error, authentication failure)"],
  ["our hold time", fromPeer(2, 6), {}, "peer tor-1 refused our hold time of 90 s: set a hold_time that it accepts (OPEN error, unacceptable hold time)"],
  ["what we cannot", fromPeer(2, 7, [...IPV6, ...AS4, ...IPV6]), {}, "peer tor-1 wants ipv6, four-octet-as, which it did not find in our capabilities: compare families with its configuration (OPEN error, unsupported capability)"],
  ["what we cannot, without naming it", fromPeer(2, 7), {}, "peer tor-1 wants something, which it did not find in our capabilities: compare families with its configuration (OPEN error, unsupported capability)"],
  ["what we cannot, in a malformed list", fromPeer(2, 7, [1, 4, 0]), {}, "peer tor-1 wants something, which it did not find in our capabilities: compare families with its configuration (OPEN error, unsupported capability)"],
  ["that we have no role", fromPeer(2, 11), {}, "peer tor-1 wants to be told a role: set role of the peer (OPEN error, role mismatch)"],
  ["our role", fromPeer(2, 11), { role: "customer" }, "peer tor-1 refused our role customer: set role of the peer to what this host is to it, or correct its configuration (OPEN error, role mismatch)"],
  ["an UPDATE", fromPeer(3, 9), {}, "peer tor-1 found an error in an UPDATE of ours; please report it with this line (UPDATE error, optional attribute error)"],
  ["our silence", fromPeer(4, 0), {}, "peer tor-1 did not hear us for its hold time: packets are lost on the way, or this host is overloaded (hold timer expired)"],
  ["the order of our messages", fromPeer(5, 3), {}, "peer tor-1 found an error in the order of our messages; please report it with this line (finite state machine error, unexpected message in Established state)"],
  ["too many prefixes", fromPeer(6, 1, LIMIT), {}, "peer tor-1 closed the session because we announce more prefixes than the 100 of ipv4 that it allows: raise its limit, or set max_prefixes below it (cease, maximum number of prefixes reached)"],
  ["too many prefixes, without saying how many it takes", fromPeer(6, 1), {}, "peer tor-1 closed the session because we announce more prefixes than it allows: raise its limit, or set max_prefixes below it (cease, maximum number of prefixes reached)"],
  ["a shutdown", fromPeer(6, 2, [3, 0x62, 0x79, 0x65]), {}, 'peer tor-1 closed the session (cease, administrative shutdown: "bye")'],
  ["that we are no neighbor any more", fromPeer(6, 3), {}, "peer tor-1 no longer has this host as a neighbor (cease, peer de-configured)"],
  ["a reset", fromPeer(6, 4), {}, "peer tor-1 closed the session (cease, administrative reset)"],
  ["our connection", fromPeer(6, 5), {}, "peer tor-1 does not accept sessions from this host: enter it as a neighbor there, with the address that it sees (cease, connection rejected)"],
  ["another configuration", fromPeer(6, 6), {}, "peer tor-1 closed the session because its configuration changed (cease, other configuration change)"],
  ["a lack of memory", fromPeer(6, 8), {}, "peer tor-1 has run out of resources: look at its memory and its log (cease, out of resources)"],
  ["a Hard Reset around too many prefixes", fromPeer(6, 9, [6, 1, ...LIMIT]), {}, "peer tor-1 closed the session because we announce more prefixes than the 100 of ipv4 that it allows: raise its limit, or set max_prefixes below it (cease, hard reset (cease, maximum number of prefixes reached))"],
  ["a Hard Reset around nothing", fromPeer(6, 9), {}, "peer tor-1 closed the session (cease, hard reset)"],
  ["a Hard Reset in a Hard Reset", fromPeer(6, 9, [6, 9, 6, 9, 6, 1]), {}, "peer tor-1 closed the session (cease, hard reset (cease, hard reset))"],
  ["BFD", fromPeer(6, 10), {}, "peer tor-1 closed the session because its BFD session with this host went down: check the path between them, see bmlb bfd (cease, BFD down)"],
  ["a ROUTE-REFRESH", fromPeer(7, 1), {}, "peer tor-1 found an error in a ROUTE-REFRESH of ours; please report it with this line (ROUTE-REFRESH error, invalid message length)"],
  ["that we read nothing", fromPeer(8, 0), {}, "peer tor-1 says that this host does not read what it sends: packets are lost on the way, or this host is overloaded (send hold timer expired)"],
  ["what nobody knows", fromPeer(99, 7), {}, "peer tor-1 closed the session (error code 99, subcode 7)"],
] as const satisfies readonly (readonly [string, Failure, Parts, string])[]) {
  test(`a peer that names ${what}`, () => {
    for (const state of ["OpenSent", "Established"] as const) assert.equal(describeFailure(failure, state, { ...PEER, ...parts }, SELF), sentence);
    const { code, subcode } = failure.by === "peer" ? failure.notification : { code: 0, subcode: 0 };
    assert.deepEqual([failureFields(failure)["sent_by"], failureFields(failure)["code"], failureFields(failure)["subcode"]], ["peer", code, subcode]);
  });
}

for (const [what, failure, state, sentence] of [
  ["what is no BGP", fromUs(1, 1, "the marker is not all ones"), "OpenSent", "gave up peer tor-1: what arrives is not BGP, check address and port of the peer: the marker is not all ones (message header error, connection not synchronized)"],
  ["a broken stream", fromUs(1, 1, "the marker is not all ones"), "Established", "closed the session with peer tor-1: the marker is not all ones (message header error, connection not synchronized)"],
  ["another AS", fromUs(2, 2, "it says that it is AS 64502, not 64501"), "OpenSent", "refused peer tor-1: it says that it is AS 64502, not 64501; correct asn of the peer, or its configuration (OPEN error, bad peer AS)"],
  ["our own router ID", fromUs(2, 3, "it has our own router ID 10.7.0.1"), "OpenSent", "refused peer tor-1: it has our own router ID 10.7.0.1; give it or this host another router ID, here by [host] router_id (OPEN error, bad BGP identifier)"],
  ["a hold time of 1 s", fromUs(2, 6, "a hold time of 1 s is not allowed"), "OpenSent", "refused peer tor-1: a hold time of 1 s is not allowed; set its hold time to 0 or to 3 s and more (OPEN error, unacceptable hold time)"],
  ["no family in common", fromUs(2, 7, "it does not speak ipv6 unicast"), "OpenSent", "refused peer tor-1: it does not speak ipv6 unicast; correct families of the peer, or its configuration (OPEN error, unsupported capability)"],
  ["no OPEN", fromUs(4, 0, ""), "OpenSent", "gave up peer tor-1: it took the connection, but no OPEN arrives: check that BGP runs there and that packets pass both ways, that it asks for no ttl_security (hold timer expired)"],
  ["silence", fromUs(4, 0, ""), "Established", "closed the session with peer tor-1, which fell silent (hold timer expired)"],
  ["BFD", fromUs(6, 10, "BFD says that the path to it is down: control detection time expired"), "Established", "closed the session with peer tor-1: BFD says that the path to it is down: control detection time expired (cease, BFD down)"],
  ["a peer that reads nothing", fromUs(8, 0, ""), "Established", "closed the session with peer tor-1, which no longer reads what we send (send hold timer expired)"],
] as const satisfies readonly (readonly [string, Failure, State, string])[]) {
  test(`a session that we end because of ${what}, in state ${state}`, () => {
    assert.equal(describeFailure(failure, state, PEER, SELF), sentence);
    assert.equal(failureFields(failure)["sent_by"], "us");
  });
}

const WHERE = "10.7.0.254 port 179";

for (const [what, error, state, parts, sentence] of [
  ["refused", "ECONNREFUSED", "Connect", {}, `peer tor-1 refuses connections at ${WHERE}: start BGP there, and let it accept this host`],
  ["broken off at once", "ECONNRESET", "Connect", {}, `peer tor-1 breaks connections off at ${WHERE}: enter this host as a neighbor there, with the address that it sees`],
  ["not answered", "ETIMEDOUT", "Connect", {}, `no answer from peer tor-1 at ${WHERE}: check the way there, that the peer wants no password, that it asks for no ttl_security, and set multihop if it is not adjacent`],
  ["not answered over several hops", "ETIMEDOUT", "Connect", { multihop: 3 }, `no answer from peer tor-1 at ${WHERE}: check the way there, that the peer wants no password, that it asks for no ttl_security`],
  ["not answered inside our AS", "ETIMEDOUT", "Connect", { asn: "internal" }, `no answer from peer tor-1 at ${WHERE}: check the way there, that the peer wants no password, that it asks for no ttl_security`],
  ["not answered with a password", "ETIMEDOUT", "Connect", { password: "x", multihop: 1 }, `no answer from peer tor-1 at ${WHERE}: check the way there, that BGP runs there and has the password of password_file, that it asks for no ttl_security`],
  ["not answered with GTSM", "ETIMEDOUT", "Connect", { ttlSecurity: true }, `no answer from peer tor-1 at ${WHERE}: check the way there, that the peer wants no password, that ttl_security is on at both ends`],
  ["without a way", "EHOSTUNREACH", "Connect", {}, `no way to peer tor-1 at ${WHERE}: check the route and the link, and set multihop if it is not adjacent`],
  ["without a route", "ENETUNREACH", "Connect", { multihop: 2 }, `no way to peer tor-1 at ${WHERE}: check the route and the link`],
  ["forbidden here", "EPERM", "Connect", {}, `this host may not connect to peer tor-1 at ${WHERE}: its own firewall forbids it`],
  ["from an address that we have not", "EADDRNOTAVAIL", "Connect", { sourceAddress: "192.0.2.9" as Ipv4 }, "192.0.2.9 is not an address of this host: correct source_address of peer tor-1"],
  ["over an interface that is absent", "ENODEV", "Connect", { zone: "eth9" }, "interface eth9 of peer tor-1 is absent or has no link-local address"],
  ["failed as none before", "EMFILE", "Connect", {}, `no connection to peer tor-1 at ${WHERE} (EMFILE)`],
  ["closed before an OPEN", undefined, "OpenSent", {}, "peer tor-1 closed the connection without a word: enter this host as a neighbor there, with the address that it sees; if it is there, the router waits for a while after the error before"],
  ["dead before an OPEN", "ETIMEDOUT", "OpenSent", { ttlSecurity: true }, "gave up peer tor-1: it took the connection, but no OPEN arrives: check that BGP runs there and that packets pass both ways, that ttl_security is on at both ends"],
  ["closed while up", undefined, "Established", {}, "peer tor-1 is gone: the connection was closed without a word"],
  ["broken while up", "ECONNRESET", "Established", {}, "peer tor-1 is gone: the connection broke (ECONNRESET)"],
] as const satisfies readonly (readonly [string, string | undefined, State, Parts, string])[]) {
  test(`a connection that is ${what}`, () => {
    assert.equal(describeFailure(network(error), state, { ...PEER, ...parts }, SELF), sentence);
    assert.deepEqual(failureFields(network(error)), { error: error ?? "closed" });
  });
}
