/** What passes on the wire: frames as values for assertions (with `cap`), and a record of every segment for people (with tcpdump). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { readFrame, type Frame } from "./frames.ts";
import { LabProcess } from "./run.ts";

/** A namespace and an interface in it: a segment, or one end of a host's cable. */
export type Tap = { readonly namespace: string; readonly interface: string };

export class Capture {
  readonly #process: LabProcess;
  readonly #frames: Frame[] = [];
  #read = 0;

  private constructor(started: LabProcess) {
    this.#process = started;
  }

  /** Listens on a segment or an interface of a host. Returns when nothing that is sent from now on is missed. */
  static async start(tap: Tap, filter: string, name: string): Promise<Capture> {
    const program = join(import.meta.dirname, "programs", "capture.ts");
    const options = JSON.stringify({ interface: tap.interface, filter });
    const started = await LabProcess.start(name, ["ip", "netns", "exec", tap.namespace, process.execPath, program, options]);
    await started.waitForLine(/"listening"/, 10_000);
    return new Capture(started);
  }

  /** The frames so far. */
  get frames(): readonly Frame[] {
    for (; this.#read < this.#process.lines.length; this.#read++) {
      const line = this.#process.lines[this.#read];
      if (line?.stream !== "stdout") continue;
      const said = JSON.parse(line.text) as { readonly at?: number; readonly hex?: string };
      if (said.at !== undefined && said.hex !== undefined) this.#frames.push(readFrame(said.at, Buffer.from(said.hex, "hex")));
    }
    return this.#frames;
  }

  /** The first frame, of those so far and those to come, that fits. `what` completes "waited in vain until …". */
  async waitFor(what: string, withinMs: number, fits: (frame: Frame) => boolean): Promise<Frame> {
    return await eventually(what, withinMs, () => {
      if (this.#process.exit !== undefined) throw new Error(`the capture ended:\n${this.#process.lastLines()}`);
      return this.frames.find(fits);
    });
  }

  /** Writes the frames so far as a pcap file (LINKTYPE_ETHERNET), for tcpdump and Wireshark. */
  save(path: string): void {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(65_535, 16);
    header.writeUInt32LE(1, 20);
    const records = this.frames.map(({ at, bytes }) => {
      const record = Buffer.alloc(16);
      record.writeUInt32LE(Math.floor(at / 1000), 0);
      record.writeUInt32LE(Math.floor((at % 1000) * 1000), 4);
      record.writeUInt32LE(bytes.length, 8);
      record.writeUInt32LE(bytes.length, 12);
      return Buffer.concat([record, bytes]);
    });
    writeFileSync(path, Buffer.concat([header, ...records]));
  }

  async stop(): Promise<void> {
    await this.#process.kill();
  }
}

/** Records everything on a segment into a pcap file until the lab goes. Returns when it listens. */
export async function recordSegment(tap: Tap, file: string): Promise<void> {
  // As root, because the file is in the lab's folder; every packet at once, because the end may come as SIGKILL.
  const argv = ["tcpdump", "-i", tap.interface, "-Z", "root", "-U", "--immediate-mode", "-n", "-s", "256", "-w", file];
  const recorder = await LabProcess.start("tcpdump", ["ip", "netns", "exec", tap.namespace, ...argv]);
  await recorder.waitForLine(/listening on/, 5000);
}
