/**
 * A line to bgpd's shell that is kept open: a question costs some 60 µs, where vtysh would be a new process each time.
 * Protocol of lib/vty.c: a command ends with NUL; what it prints ends with three NULs and the result, which is 0 when all is well.
 */
import { connect, type Socket } from "node:net";
import { within } from "../../lab/index.ts";

const ANSWER_MS = 30_000;

export class Vty {
  readonly #socket: Socket;
  #answer: Buffer[] = [];
  #waiting: { readonly resolve: (answer: string) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on("data", (octets) => {
      this.#take(octets);
    });
    this.#socket.on("error", (error) => this.#waiting?.reject(error));
  }

  /** What it prints. Throws if it says that it could not. One question at a time. */
  async ask(command: string): Promise<string> {
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#socket.write(`${command}\0`);
    return await within(`bgpd answered "${command}"`, ANSWER_MS, answer);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(octets: Buffer): void {
    this.#answer.push(octets);
    const end = octets.length >= 4 ? octets.subarray(-4) : Buffer.concat(this.#answer).subarray(-4);
    if (end.length < 4 || end.readUIntBE(0, 3) !== 0) return;
    const text = Buffer.concat(this.#answer).subarray(0, -4).toString("utf8");
    this.#answer = [];
    if (end[3] === 0) this.#waiting?.resolve(text);
    else this.#waiting?.reject(new Error(`bgpd refused with ${end[3]}: ${text}`));
  }
}
