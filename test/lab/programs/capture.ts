/**
 * Listens on one interface with `cap`, an implementation that shares no code with the daemon, and prints each frame.
 *
 * A process of its own because cap aborts when the link goes down.
 * Usage: capture.ts '{"interface":"br0","filter":"arp"}'. Says {"event":"listening"}, then {"at":…,"hex":"…"} per frame.
 */
import { createRequire } from "node:module";
import { now } from "../time.ts";

interface Capturing {
  open(device: string, filter: string, kernelBuffer: number, frame: Buffer): string;
  setMinBytes?(octets: number): void;
  on(event: "packet", listener: (octets: number, truncated: boolean) => void): void;
}

const { Cap } = createRequire(import.meta.url)("cap") as { readonly Cap: new () => Capturing };
const options = JSON.parse(process.argv[2] ?? "{}") as { readonly interface: string; readonly filter: string };

// The kernel keeps a place of the longest frame for each: 512 that wait while this process does not come to its turn.
const KERNEL_BUFFER = 32 << 20;

const frame = Buffer.alloc(65_535);
const capturing = new Cap();
const type = capturing.open(options.interface, options.filter, KERNEL_BUFFER, frame);
if (type !== "ETHERNET") throw new Error(`${options.interface} is no Ethernet interface but ${type}`);
capturing.setMinBytes?.(0); // each frame at once
capturing.on("packet", (octets) => {
  process.stdout.write(`${JSON.stringify({ at: now(), hex: frame.toString("hex", 0, octets) })}\n`);
});
process.stdout.write(`${JSON.stringify({ event: "listening" })}\n`);
