/** Octets as people write them, for tables of frames. */

/** "0001 0800 06 04": blanks and line ends are ignored. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ""), "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** `bytes` with some of them replaced from `at` on. */
export function patched(bytes: Uint8Array, at: number, ...octets: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(octets, at);
  return copy;
}
