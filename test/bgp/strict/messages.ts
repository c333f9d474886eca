/**
 * Cuts what one side sent into BGP messages and reads OPENs, written from RFC 4271 4 and the RFCs of the capabilities.
 *
 * Deliberately apart from src/wire, so that a mistake there cannot hide itself. Complains of everything that is not exactly right. Pure.
 */
import type { Stream } from "./connections.ts";

export type Message = { readonly at: number; readonly type: number; readonly body: Buffer };

export const OPEN = 1;
export const UPDATE = 2;
export const NOTIFICATION = 3;
export const KEEPALIVE = 4;
export const ROUTE_REFRESH = 5;

/** Says what is wrong, and goes on. */
export type Complain = (what: string) => void;

const LEAST_OCTETS: Readonly<Record<number, number>> = { [OPEN]: 29, [UPDATE]: 23, [NOTIFICATION]: 21, [KEEPALIVE]: 19, [ROUTE_REFRESH]: 23 };

export function messagesIn({ octets, readableAt }: Stream, complain: Complain): readonly Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (octets.length - at >= 19) {
    const length = octets.readUInt16BE(at + 16);
    const type = octets.readUInt8(at + 18);
    const least = LEAST_OCTETS[type];
    if (octets.subarray(at, at + 16).some((octet) => octet !== 0xff)) complain("the marker is not all ones");
    if (least === undefined) complain(`message type ${type}`);
    if (length < (least ?? 19) || length > 4096 || (type === KEEPALIVE && length !== 19)) {
      complain(`a message of type ${type} of ${length} octets`);
      return messages;
    }
    if (octets.length - at < length) break;
    messages.push({ at: readableAt(at + length - 1), type, body: octets.subarray(at + 19, at + length) });
    at += length;
  }
  if (at < octets.length) complain(`${octets.length - at} octets that are no whole message`);
  return messages;
}

export type Opened = {
  readonly asn: number;
  readonly holdSeconds: number;
  readonly capabilities: readonly { readonly code: number; readonly value: Buffer }[];
  /** "1/1", "2/1"; of a speaker that lists none, "1/1". */
  readonly families: readonly string[];
};

const LENGTH_OF_CAPABILITY: Readonly<Record<number, (octets: number) => boolean>> = {
  1: (octets) => octets === 4, // multiprotocol, RFC 4760 8
  2: (octets) => octets === 0, // route refresh, RFC 2918 2
  5: (octets) => octets > 0 && octets % 6 === 0, // extended next hop, RFC 8950 3
  9: (octets) => octets === 1, // role, RFC 9234 4.1
  64: (octets) => octets >= 2 && (octets - 2) % 4 === 0, // graceful restart, RFC 4724 3
  65: (octets) => octets === 4, // four-octet AS, RFC 6793 3
  70: (octets) => octets === 0, // enhanced route refresh, RFC 7313 3.1
  73: (octets) => octets >= 2, // FQDN
};

/** Reads an OPEN. What it complains of is for our own; of a router's only the values are of use. */
export function readOpen(body: Buffer, complain: Complain): Opened {
  const capabilities: { code: number; value: Buffer }[] = [];
  if (body.readUInt8(0) !== 4) complain(`version ${body.readUInt8(0)}`);
  const extended = body.length >= 13 && body.readUInt8(9) !== 0 && body.readUInt8(10) === 255; // RFC 9072 2
  if (extended) complain("extended optional parameters, for which ours are too few");
  if (!extended && body.readUInt8(9) !== body.length - 10) complain("the length of the optional parameters is not what follows");
  for (let at = extended ? 13 : 10; at < body.length; ) {
    const [type, length] = [body.readUInt8(at), extended ? body.readUInt16BE(at + 1) : body.readUInt8(at + 1)];
    if (type !== 2) complain(`optional parameter ${type}`);
    const begin = at + (extended ? 3 : 2);
    const end = begin + length;
    for (at = begin; at < end; ) {
      const [code, octets] = [body.readUInt8(at), body.readUInt8(at + 1)];
      if (at + 2 + octets > end) complain(`capability ${code} is longer than its parameter`);
      if (LENGTH_OF_CAPABILITY[code]?.(octets) !== true) complain(`capability ${code} of ${octets} octets`);
      capabilities.push({ code, value: body.subarray(at + 2, at + 2 + octets) });
      at += 2 + octets;
    }
  }
  for (const { code, value } of capabilities) {
    if (code !== 1 && capabilities.filter((other) => other.code === code).length > 1) complain(`capability ${code} more than once`);
    if (code === 1 && value.readUInt8(2) !== 0) complain("the reserved octet of a multiprotocol capability is not 0");
  }
  const two = body.readUInt16BE(1);
  const four = capabilities.find(({ code }) => code === 65)?.value.readUInt32BE(0);
  if (two === 0 || (four !== undefined && two !== (four > 0xffff ? 23456 : four))) complain(`My Autonomous System ${two} beside AS ${four ?? "unsaid"}`);
  const holdSeconds = body.readUInt16BE(3);
  if (holdSeconds === 1 || holdSeconds === 2) complain(`a hold time of ${holdSeconds} s`);
  if (body.readUInt32BE(5) === 0) complain("identifier 0");
  const listed = capabilities.filter(({ code }) => code === 1).map(({ value }) => `${value.readUInt16BE(0)}/${value.readUInt8(3)}`);
  if (new Set(listed).size < listed.length) complain("a family more than once");
  return { asn: four ?? two, holdSeconds, capabilities, families: listed.length === 0 ? ["1/1"] : listed };
}

export function has({ capabilities }: Opened, wanted: number): boolean {
  return capabilities.some(({ code }) => code === wanted);
}

/** Cease with a text (RFC 9003), Hard Reset (RFC 8538), codes and subcodes that exist. */
export function checkNotification(body: Buffer, complain: Complain): void {
  const [code, subcode, data] = [body.readUInt8(0), body.readUInt8(1), body.subarray(2)];
  const subcodes = [[], [1, 2, 3], [0, 1, 2, 3, 4, 6, 7, 11], [1, 2, 3, 4, 5, 6, 8, 9, 10, 11], [0], [1, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1], [0]][code];
  if (subcodes?.includes(subcode) !== true) complain(`NOTIFICATION ${code}/${subcode}`);
  if (code !== 6) return;
  if (subcode === 9) {
    if (data.length < 2 || data.readUInt8(0) !== 6) complain("a Hard Reset that wraps no Cease");
    else checkNotification(data, complain);
  } else if ((subcode === 2 || subcode === 4) && data.length > 0) {
    const text = data.subarray(1);
    if (data.readUInt8(0) !== text.length || text.length > 128) complain(`a text of ${text.length} octets that says ${data.readUInt8(0)}`);
    if (text.toString("utf8").includes("\ufffd")) complain("a text that is not UTF-8");
  } else if (data.length > 0 && subcode !== 1) complain(`Cease ${subcode} with ${data.length} octets of data`);
}
