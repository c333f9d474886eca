/**
 * Judges everything that our side sent on a connection: each message by itself, and their order and time (RFC 4271 8, 4724 2, 7313 4).
 *
 * Pure.
 */
import type { Connection } from "./connections.ts";
import { KEEPALIVE, type Complain, type Message, NOTIFICATION, OPEN, type Opened, ROUTE_REFRESH, UPDATE, checkNotification, has, messagesIn, readOpen } from "./messages.ts";
import { type Agreed, readUpdate } from "./update.ts";

export type Verdict = {
  /** What is wrong, with the number and time of the message. */
  readonly complaints: readonly string[];
  readonly counts: { readonly messages: number; readonly announced: number; readonly withdrawn: number; readonly endsOfRib: number; readonly keepalives: number };
};

/** How late a KEEPALIVE may be where the machine is busy. */
const SLACK_MS = 1000;
const LEAST_BETWEEN_KEEPALIVES_MS = 1000; // RFC 4271 4.4
const CAPTURE_JITTER_MS = 50;

/** @param until when the capture ended, in ms */
export function judge({ name, ours, theirs, endedAt }: Connection, until: number): Verdict {
  const complaints: string[] = [];
  const said = (what: string): void => {
    complaints.push(`${name}: ${what}`);
  };
  const whole: Complain = (what) => {
    if (endedAt === undefined || !what.endsWith("no whole message")) said(what);
  };
  const messages = messagesIn(ours, whole);
  const heard = messagesIn(theirs, () => undefined);
  const theirOpen = heard.find(({ type }) => type === OPEN);
  const up = heard.find(({ type }) => type === KEEPALIVE)?.at ?? Infinity;
  const counts = { messages: messages.length, announced: 0, withdrawn: 0, endsOfRib: 0, keepalives: 0 };
  const told = new Set<string>();
  const endsOfRib = new Set<string>();
  const refreshing = new Set<string>();
  let ourOpen: Opened | undefined;
  const their = theirOpen === undefined ? undefined : readTheirOpen(theirOpen.body);

  for (const [index, message] of messages.entries()) {
    const complain: Complain = (what) => {
      said(`message ${index + 1} of ${messages.length}, at ${message.at.toFixed(0)} ms: ${what}`);
    };
    if (index > 0 && messages[index - 1]?.type === NOTIFICATION) complain("something after a NOTIFICATION");
    if (index === 0 && message.type !== OPEN && message.type !== NOTIFICATION) complain(`begins with type ${message.type}`);
    if (index > 0 && message.type === OPEN) complain("a second OPEN");
    try {
      take(message, complain);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      complain(`ends too early: ${message.body.toString("hex")}`);
    }
  }
  if (ourOpen !== undefined && their !== undefined) checkKeepalives(messages, Math.min(ourOpen.holdSeconds, their.holdSeconds), endedAt ?? until, said);
  return { complaints, counts };

  function take(message: Message, complain: Complain): void {
    switch (message.type) {
      case OPEN:
        ourOpen = readOpen(message.body, complain);
        return;
      case KEEPALIVE:
        counts.keepalives++;
        if (theirOpen === undefined || message.at < theirOpen.at) complain("KEEPALIVE before their OPEN");
        return;
      case NOTIFICATION:
        checkNotification(message.body, complain);
        return;
      case ROUTE_REFRESH:
      case UPDATE: {
        if (counts.keepalives === 0) complain("routes before our KEEPALIVE");
        if (message.at < up) complain("routes before their KEEPALIVE");
        if (ourOpen === undefined || their === undefined) return;
        if (message.type === ROUTE_REFRESH) checkRefresh(message.body, ourOpen, their, refreshing, complain);
        else takeUpdate(message.body, agreedBy(ourOpen, their), { told, endsOfRib, counts }, complain);
      }
    }
  }
}

/** Undefined if it is no OPEN that anything could be agreed on with. */
function readTheirOpen(body: Buffer): Opened | undefined {
  try {
    return readOpen(body, () => undefined);
  } catch {
    return undefined;
  }
}

function agreedBy(ours: Opened, theirs: Opened): Agreed {
  const both = (code: number): boolean => has(ours, code) && has(theirs, code);
  const ipv4OverIpv6 = ({ capabilities }: Opened): boolean => capabilities.some(({ code, value }) => code === 5 && value.toString("hex").includes("000100010002"));
  return {
    ourAs: ours.asn,
    internal: ours.asn === theirs.asn,
    fourOctetAs: both(65),
    families: ours.families.filter((family) => theirs.families.includes(family)),
    extendedNextHop: ipv4OverIpv6(ours) && ipv4OverIpv6(theirs),
    roles: has(ours, 9), // without theirs, ours counts (RFC 9234 4.2)
  };
}

type Books = { readonly told: Set<string>; readonly endsOfRib: Set<string>; readonly counts: { announced: number; withdrawn: number; endsOfRib: number } };

function takeUpdate(body: Buffer, agreed: Agreed, { told, endsOfRib, counts }: Books, complain: Complain): void {
  const update = readUpdate(body, agreed, complain);
  switch (update?.kind) {
    case "announce":
      counts.announced += update.prefixes.length;
      for (const prefix of update.prefixes) told.add(`${update.family} ${prefix}`);
      return;
    case "withdraw":
      counts.withdrawn += update.prefixes.length;
      for (const prefix of update.prefixes) if (!told.delete(`${update.family} ${prefix}`)) complain(`${prefix} is withdrawn and was not announced`);
      return;
    case "end-of-rib":
      counts.endsOfRib++;
      if (endsOfRib.has(update.family)) complain(`a second End-of-RIB of ${update.family}`);
      endsOfRib.add(update.family);
      return;
    case undefined:
  }
}

/** BoRR and EoRR in pairs, to who knows them, of families that were agreed on. */
function checkRefresh(body: Buffer, ours: Opened, theirs: Opened, refreshing: Set<string>, complain: Complain): void {
  const family = `${body.readUInt16BE(0)}/${body.readUInt8(3)}`;
  const subtype = body.readUInt8(2);
  if (body.length !== 4) complain(`a ROUTE-REFRESH of ${body.length} octets`);
  if (!ours.families.includes(family) || !theirs.families.includes(family)) complain(`ROUTE-REFRESH of family ${family}`);
  if (subtype === 0 ? !has(theirs, 2) : !(has(ours, 70) && has(theirs, 70))) complain(`ROUTE-REFRESH ${subtype} to one who does not know it`);
  if (subtype > 2) complain(`ROUTE-REFRESH ${subtype}`);
  if (subtype === 1 && refreshing.has(family)) complain("BoRR within a refresh");
  if (subtype === 2 && !refreshing.has(family)) complain("EoRR without BoRR");
  if (subtype === 1) refreshing.add(family);
  if (subtype === 2) refreshing.delete(family);
}

/** Not further apart than a third of the hold time, not closer than a second; none but the first with a hold time of 0. */
function checkKeepalives(messages: readonly Message[], holdSeconds: number, until: number, complain: Complain): void {
  const beats = messages.filter(({ type }) => type === KEEPALIVE || type === UPDATE);
  const keepalives = messages.filter(({ type }) => type === KEEPALIVE);
  if (holdSeconds === 0) {
    if (keepalives.length > 1) complain("KEEPALIVEs with a hold time of 0");
    return;
  }
  const most = (holdSeconds * 1000) / 3 + SLACK_MS;
  const ends = messages.at(-1)?.type === NOTIFICATION ? (messages.at(-1)?.at ?? until) : until;
  for (const [index, { at }] of beats.entries()) {
    const next = beats[index + 1]?.at ?? ends;
    if (next - at > most) complain(`${(next - at).toFixed(0)} ms without a KEEPALIVE at a hold time of ${holdSeconds} s`);
  }
  for (const [index, { at }] of keepalives.entries()) {
    const next = keepalives[index + 1]?.at ?? Infinity;
    if (next - at < LEAST_BETWEEN_KEEPALIVES_MS - CAPTURE_JITTER_MS) complain(`KEEPALIVEs ${(next - at).toFixed(0)} ms apart`);
  }
}
