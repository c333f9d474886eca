/**
 * Stands in for systemd's end of NOTIFY_SOCKET (sd_notify(3)): what the daemon says of itself, READY, STATUS, WATCHDOG and the rest.
 *
 * Node has no datagram sockets of the Unix family, so the socket is made through the C library and looked at every 10 ms.
 */
import { closeSync, readSync } from "node:fs";
import { check, libc } from "../../src/linux/libc.ts";
import { now } from "./time.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const LOOK_EVERY_MS = 10;

/** One assignment of a notification, such as READY=1. */
export type Notification = { readonly at: number; readonly key: string; readonly value: string };

export class NotifySocket {
  readonly path: string;
  readonly #received: Notification[] = [];
  readonly #fd: number;
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(path: string) {
    this.path = path;
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX, 0);
    if (address.write(path, 2, 107) !== Buffer.byteLength(path)) throw new Error(`${path} is too long for a socket`);
    this.#fd = check("socket", libc().socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0));
    check("bind", libc().bind(this.#fd, address, address.length));
    this.#timer = setInterval(() => {
      this.#read();
    }, LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Everything that was said, oldest first. */
  get received(): readonly Notification[] {
    this.#read();
    return this.#received;
  }

  /** The last value said for a key. */
  last(key: string): string | undefined {
    return this.received.findLast((one) => one.key === key)?.value;
  }

  /** What came is read first, and stays. */
  close(): void {
    this.#read();
    this.#closed = true;
    clearInterval(this.#timer);
    closeSync(this.#fd);
  }

  #read(): void {
    if (this.#closed) return;
    const datagram = Buffer.alloc(4096);
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#fd, datagram);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return;
        throw error;
      }
      for (const line of datagram.toString("utf8", 0, length).split("\n")) {
        const equals = line.indexOf("=");
        if (equals > 0) this.#received.push({ at: now(), key: line.slice(0, equals), value: line.slice(equals + 1) });
      }
    }
  }
}
