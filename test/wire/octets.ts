/** Octets as people write them, with a way to say that one repeats: for BGP, whose marker is sixteen of the same. */
import { fromHex } from "./hex.ts";

/** "ff ff 0013 04": blanks are ignored; `xx*n` repeats one octet. */
export function octets(text: string): Uint8Array {
  const digits = text
    .trim()
    .split(/\s+/)
    .map((part) => {
      const repeated = /^([0-9a-f]{2})\*(\d+)$/i.exec(part);
      return repeated === null ? part : (repeated[1] ?? "").repeat(Number(repeated[2]));
    })
    .join("");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`not octets: ${text}`);
  return fromHex(digits);
}
