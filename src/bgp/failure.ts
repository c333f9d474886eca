/** Why a session did not come up or ended: a value, and the sentence that tells the operator what to do. Pure. */
import { CEASE, CEASE_SUBCODE, type Notification, OPEN_ERROR, OPEN_SUBCODE, describeNotification, insideHardReset } from "../wire/index.ts";
import type { BgpPeer } from "./desired.ts";
import type { State } from "./fsm.ts";
import type { Self } from "./negotiated.ts";

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
  const { code, subcode } = insideHardReset(received);
  switch (`${code}/${subcode}`) {
    case "2/2":
      return `peer ${peer.name} refused our AS ${peer.localAsn}: enter ${peer.localAsn} as the AS of this neighbor there, or set asn or local_asn here to what it expects (${words})`;
    case "2/3":
      return `peer ${peer.name} refused our router ID ${self.routerId}: set [host] router_id to one that no other router has (${words})`;
    case "2/4":
      return `peer ${peer.name} knows no capabilities (${words})`;
    case "2/6":
      return `peer ${peer.name} refused our hold time of ${peer.holdTimeMs / 1000} s: set a hold_time that it accepts (${words})`;
    case "2/7":
      return `peer ${peer.name} wants what it did not find in our capabilities: compare families with its configuration (${words})`;
    case "6/1":
      return `peer ${peer.name} closed the session because we announce more prefixes than it allows: raise its limit, or announce aggregates (${words})`;
    case "6/3":
      return `peer ${peer.name} no longer has this host as a neighbor (${words})`;
    case "6/5":
      return `peer ${peer.name} does not accept sessions from this host: enter it as a neighbor there, with the address that it sees (${words})`;
    case "4/0":
      return `peer ${peer.name} did not hear us for its hold time: packets are lost on the way, or this host is overloaded (${words})`;
  }
  return code === 3
    ? `peer ${peer.name} found an error in an UPDATE of ours; please report it with this line (${words})`
    : `peer ${peer.name} closed the session (${words})`;
}

function ourReason({ notification, problem }: { readonly notification: Notification; readonly problem: string }, state: State, peer: BgpPeer): string {
  const words = describeNotification(notification);
  switch (`${notification.code}/${notification.subcode}`) {
    case "2/2":
      return `refused peer ${peer.name}: ${problem}; correct asn of the peer, or its configuration (${words})`;
    case "2/6":
      return `refused peer ${peer.name}: ${problem}; set 0 or at least 3 s there (${words})`;
    case "2/7":
      return `refused peer ${peer.name}: ${problem}; correct families of the peer, or its configuration (${words})`;
    case "4/0":
      if (state === "OpenSent") return `gave up peer ${peer.name}: ${noOpen(peer)} (${words})`;
      return `closed the session with peer ${peer.name}, which fell silent (${words})`;
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
    case "ETIMEDOUT":
      return `no answer from peer ${peer.name} at ${where}: check the way there${samePassword(peer)}${sameTtlSecurity(peer)}`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `no way to peer ${peer.name} at ${where}: check the route and the link`;
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

/** Both kernels drop packets whose signature they do not expect without a word, the first one already. */
function samePassword(peer: BgpPeer): string {
  return peer.password === undefined ? ", that the peer wants no password" : ", that the password is the same on both sides";
}

/** And those that come from too far away; only one side may do so. */
function sameTtlSecurity(peer: BgpPeer): string {
  return peer.ttlSecurity ? ", that ttl_security is on at both ends" : "";
}
