/** Numbers in network byte order within octets. A DataView says the same, but costs more than the frames that it would read. */

/** The 16 bits at `at`; octets beyond the end count as 0. */
export function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function putUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}
