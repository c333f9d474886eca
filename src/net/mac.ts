/** Ethernet addresses as values: lower-case hexadecimal octets with colons, branded. Pure. */

declare const brand: unique symbol;
export type Mac = string & { readonly [brand]: "Mac" };

export const BROADCAST_MAC = "ff:ff:ff:ff:ff:ff" as Mac;
export const ZERO_MAC = "00:00:00:00:00:00" as Mac;

/** Six octets in hexadecimal with colons; undefined for anything else. */
export function parseMac(text: string): Mac | undefined {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text) ? (text.toLowerCase() as Mac) : undefined;
}

/** From six octets. Throws RangeError for another length. */
export function macFromBytes(bytes: Uint8Array): Mac {
  if (bytes.length !== 6) throw new RangeError(`an Ethernet address has 6 octets, not ${bytes.length}`);
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(":") as Mac;
}

export function macToBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(":"), (octet) => Number.parseInt(octet, 16));
}
