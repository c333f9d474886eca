/** Why a session did not come up or ended: a value, and the sentence that tells the operator what to do. Pure. */
import { CEASE, CEASE_SUBCODE, type Notification, OPEN_ERROR, OPEN_SUBCODE, describeNotification, insideHardReset, prefixLimitOf, wantedCapabilitiesOf } from "../wire/index.ts";
import type { BgpPeer } from "./desired.ts";
import { ADJACENT_TTL, ttlOf } from "./dial.ts";
import { type Self, canDoWithoutCapabilities } from "./negotiated.ts";
import type { State } from "./transition.ts";

export type Failure =
  /** The peer sent a NOTIFICATION. */
  | { readonly by: "peer"; readonly notification: Notification }
  /** We sent one, because of this. */
  | { readonly by: "us"; readonly notification: Notification; readonly problem: string }
  /** The code of TCP's error; undefined if the other side simply closed. */
  | { readonly by: "network"; readonly error: string | undefined };

/** Not an error: the peer keeps the other connection (RFC 4271 6.8). */
export function isCollision(failure: Failure): boolean {
  return isFromPeer(failure, CEASE, CEASE_SUBCODE.COLLISION);
}

/** The peer does not know the Capabilities parameter (RFC 5492 3). */
export function refusesCapabilities(failure: Failure): boolean {
  return isFromPeer(failure, OPEN_ERROR, OPEN_SUBCODE.UNSUPPORTED_PARAMETER);
}

function isFromPeer(failure: Failure, code: number, subcode: number): boolean {
  return failure.by === "peer" && failure.notification.code === code && failure.notification.subcode === subcode;
}

/** One sentence, without the peer's address; the log adds code and subcode. */
export function describeFailure(failure: Failure, state: State, peer: BgpPeer, self: Self): string {
  switch (failure.by) {
    case "peer":
      return refusal(failure.notification, peer, self);
    case "us":
      return ourReason(failure, state, peer);
    case "network":
      return networkFailure(failure.error, state, peer);
  }
}

/** Code, subcode and sender for the fields of a log line. */
export function failureFields(failure: Failure): Readonly<Record<string, string | number | undefined>> {
  if (failure.by === "network") return { error: failure.error ?? "closed" };
  const { code, subcode, data } = failure.notification;
  const inner = insideHardReset(failure.notification);
  const wrapped = inner === failure.notification ? {} : { inner_code: inner.code, inner_subcode: inner.subcode };
  return { sent_by: failure.by, code, subcode, ...wrapped, data: data.length === 0 ? undefined : Buffer.from(data).toString("hex") };
}

/** What the peer's NOTIFICATION means for the one who runs this host. */
function refusal(received: Notification, peer: BgpPeer, self: Self): string {
  const words = describeNotification(received);
  const inner = insideHardReset(received);
  switch (`${inner.code}/${inner.subcode}`) {
    case "2/1":
      return `peer ${peer.name} does not speak version 4 of BGP: is it a router? (${words})`;
    case "2/2":
      return `peer ${peer.name} refused our AS ${peer.localAsn}: enter ${peer.localAsn} as the AS of this neighbor there, or set asn or local_asn here to what it expects (${words})`;
    case "2/3":
      return `peer ${peer.name} refused our router ID ${self.routerId}: set [host] router_id to one that no other router has (${words})`;
    case "2/4":
      return canDoWithoutCapabilities(peer)
        ? `peer ${peer.name} knows no capabilities: the next attempt goes without them, for ipv4 only (${words})`
        : `peer ${peer.name} knows no capabilities, and without them it can have neither ipv6 nor our AS ${peer.localAsn} if that is above 65535: add ipv4 to families, set local_asn to a smaller AS, or renew its software (${words})`;
    case "2/5":
      return `peer ${peer.name} says that authentication failed: check password_file on both sides (${words})`;
    case "2/6":
      return `peer ${peer.name} refused our hold time of ${peer.holdTimeMs / 1000} s: set a hold_time that it accepts (${words})`;
    case "2/7":
      return `peer ${peer.name} wants ${wantedCapabilities(inner)}, which it did not find in our capabilities: compare families with its configuration (${words})`;
    case "2/11":
      return peer.role === undefined
        ? `peer ${peer.name} wants to be told a role: set role of the peer (${words})`
        : `peer ${peer.name} refused our role ${peer.role}: set role of the peer to what this host is to it, or correct its configuration (${words})`;
    case "6/1":
      return `peer ${peer.name} closed the session because we announce more prefixes than ${prefixLimit(inner)}: raise its limit, or set max_prefixes below it (${words})`;
    case "6/3":
      return `peer ${peer.name} no longer has this host as a neighbor (${words})`;
    case "6/5":
      return `peer ${peer.name} does not accept sessions from this host: enter it as a neighbor there, with the address that it sees (${words})`;
    case "6/6":
      return `peer ${peer.name} closed the session because its configuration changed (${words})`;
    case "6/8":
      return `peer ${peer.name} has run out of resources: look at its memory and its log (${words})`;
    case "6/10":
      return `peer ${peer.name} closed the session because its BFD session with this host went down: check the path between them, see bmlb bfd (${words})`;
    case "4/0":
      return `peer ${peer.name} did not hear us for its hold time: packets are lost on the way, or this host is overloaded (${words})`;
    case "8/0":
      return `peer ${peer.name} says that this host does not read what it sends: packets are lost on the way, or this host is overloaded (${words})`;
  }
  switch (inner.code) {
    case 1:
    case 3:
    case 5:
    case 7:
      return `peer ${peer.name} found an error in ${ERRONEOUS[inner.code]}; please report it with this line (${words})`;
    default:
      return `peer ${peer.name} closed the session (${words})`;
  }
}

/** What of ours a peer found wrong, by the error code. */
const ERRONEOUS = { 1: "the header of a message of ours", 3: "an UPDATE of ours", 5: "the order of our messages", 7: "a ROUTE-REFRESH of ours" } as const;

function wantedCapabilities(received: Notification): string {
  const wanted = wantedCapabilitiesOf(received);
  return wanted.length === 0 ? "something" : wanted.join(", ");
}

function prefixLimit(received: Notification): string {
  const limit = prefixLimitOf(received);
  return limit === undefined ? "it allows" : `the ${limit.prefixes} of ${limit.family} that it allows`;
}

function ourReason({ notification, problem }: { readonly notification: Notification; readonly problem: string }, state: State, peer: BgpPeer): string {
  const words = describeNotification(notification);
  if (notification.code === 1 && state === "OpenSent") return `gave up peer ${peer.name}: what arrives is not BGP, check address and port of the peer: ${problem} (${words})`;
  switch (`${notification.code}/${notification.subcode}`) {
    case "2/2":
      return `refused peer ${peer.name}: ${problem}; correct asn of the peer, or its configuration (${words})`;
    case "2/3":
      return `refused peer ${peer.name}: ${problem}; give it or this host another router ID, here by [host] router_id (${words})`;
    case "2/6":
      return `refused peer ${peer.name}: ${problem}; set its hold time to 0 or to 3 s and more (${words})`;
    case "2/7":
      return `refused peer ${peer.name}: ${problem}; correct families of the peer, or its configuration (${words})`;
    case "2/11":
      return `refused peer ${peer.name}: ${problem}; correct role of the peer, or its configuration (${words})`;
    case "4/0":
      if (state === "OpenSent") return `gave up peer ${peer.name}: ${noOpen(peer)} (${words})`;
      return `closed the session with peer ${peer.name}, which fell silent (${words})`;
    case "6/10":
      return `closed the session with peer ${peer.name}: ${problem} (${words})`;
    case "8/0":
      return `closed the session with peer ${peer.name}, which no longer reads what we send (${words})`;
  }
  return `closed the session with peer ${peer.name}${problem === "" ? "" : `: ${problem}`} (${words})`;
}

function networkFailure(error: string | undefined, state: State, peer: BgpPeer): string {
  const where = `${peer.address}${peer.zone === undefined ? "" : `%${peer.zone}`} port ${peer.port}`;
  switch (state) {
    case "Established":
    case "OpenConfirm":
      return `peer ${peer.name} is gone: the connection ${error === undefined ? "was closed without a word" : `broke (${error})`}`;
    case "OpenSent":
      if (error === "ETIMEDOUT") return `gave up peer ${peer.name}: ${noOpen(peer)}`;
      return `peer ${peer.name} closed the connection without a word: enter this host as a neighbor there, with the address that it sees; if it is there, the router waits for a while after the error before`;
    case "Idle":
    case "Active":
    case "Connect":
      break;
  }
  switch (error ?? "") {
    case "ECONNREFUSED":
      return `peer ${peer.name} refuses connections at ${where}: start BGP there, and let it accept this host`;
    case "ECONNRESET":
      return `peer ${peer.name} breaks connections off at ${where}: enter this host as a neighbor there, with the address that it sees`;
    case "ETIMEDOUT":
      return `no answer from peer ${peer.name} at ${where}: check the way there${samePassword(peer)}${sameTtlSecurity(peer)}${nearEnough(peer)}`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `no way to peer ${peer.name} at ${where}: check the route and the link${nearEnough(peer)}`;
    case "EPERM":
    case "EACCES":
      return `this host may not connect to peer ${peer.name} at ${where}: its own firewall forbids it`;
    case "EADDRNOTAVAIL":
      return `${peer.sourceAddress ?? "the source address"} is not an address of this host: correct source_address of peer ${peer.name}`;
    case "ENODEV":
      return `interface ${peer.zone ?? ""} of peer ${peer.name} is absent or has no link-local address`;
  }
  return `no connection to peer ${peer.name} at ${where} (${error ?? "closed at once"})`;
}

/** The connection stands and nothing comes over it. */
export function noOpen(peer: BgpPeer): string {
  return `it took the connection, but no OPEN arrives: check that BGP runs there and that packets pass both ways${sameTtlSecurity(peer)}`;
}

/**
 * Both kernels drop packets whose signature they do not expect without a word, the first one already; and ours the refusal of a router
 * that has no listener, which nobody signed.
 */
function samePassword(peer: BgpPeer): string {
  return peer.password === undefined ? ", that the peer wants no password" : ", that BGP runs there and has the password of password_file";
}

/** And those that come from too far away; only one side may do so. */
function sameTtlSecurity(peer: BgpPeer): string {
  return peer.ttlSecurity ? ", that ttl_security is on at both ends" : ", that it asks for no ttl_security";
}

/** Without multihop our packets end at the first router. */
function nearEnough(peer: BgpPeer): string {
  return peer.multihop > 0 || ttlOf(peer) !== ADJACENT_TTL ? "" : ", and set multihop if it is not adjacent";
}
