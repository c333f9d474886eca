/** Reads a pcap file of Ethernet frames with nanoseconds, as tcpdump --time-stamp-precision=nano writes it on a little-endian machine. */
import { readFileSync } from "node:fs";
import { readFrame, type Frame } from "../lab/index.ts";

const NANOSECONDS = 0xa1b23c4d;

/** `at` is in nanoseconds since 1970. A record that the recorder had not finished is left out. */
export function readPcap(path: string): readonly { readonly at: bigint; readonly frame: Frame }[] {
  const file = readFileSync(path);
  if (file.length < 24 || file.readUInt32LE(0) !== NANOSECONDS) throw new Error(`${path} is no pcap file with nanoseconds`);
  const records: { at: bigint; frame: Frame }[] = [];
  for (let from = 24; from + 16 <= file.length; ) {
    const length = file.readUInt32LE(from + 8);
    const at = BigInt(file.readUInt32LE(from)) * 1_000_000_000n + BigInt(file.readUInt32LE(from + 4));
    if (from + 16 + length > file.length) break;
    records.push({ at, frame: readFrame(Number(at) / 1e6, file.subarray(from + 16, from + 16 + length)) });
    from += 16 + length;
  }
  return records;
}
