/** Ethernet addresses as values: lower-case hexadecimal octets with colons, branded. Pure. */

declare const brand: unique symbol;
export type Mac = string & { readonly [brand]: "Mac" };

export const BROADCAST_MAC = "ff:ff:ff:ff:ff:ff" as Mac;
export const ZERO_MAC = "00:00:00:00:00:00" as Mac;

/** Six octets in hexadecimal with colons; undefined for anything else. */
export function parseMac(text: string): Mac | undefined {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text) ? (text.toLowerCase() as Mac) : undefined;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

/** From six octets. Throws RangeError for another length. */
export function macFromBytes(bytes: Uint8Array): Mac {
  if (bytes.length !== 6) throw new RangeError(`an Ethernet address has 6 octets, not ${bytes.length}`);
  // Spelt out, as this runs for every frame on the wire.
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  return `${HEX[a] ?? ""}:${HEX[b] ?? ""}:${HEX[c] ?? ""}:${HEX[d] ?? ""}:${HEX[e] ?? ""}:${HEX[f] ?? ""}` as Mac;
}

export function macToBytes(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(6);
  for (let i = 0; i < 6; i++) bytes[i] = (hexDigit(mac, 3 * i) << 4) | hexDigit(mac, 3 * i + 1);
  return bytes;
}

/** The value of a digit of a Mac, which is in lower case. */
function hexDigit(mac: Mac, at: number): number {
  const code = mac.charCodeAt(at);
  return code <= 0x39 ? code - 0x30 : code - 0x61 + 10;
}
