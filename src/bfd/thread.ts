/**
 * The part of the worker thread that sends and hears BFD: beside the main loop, because a garbage collection there is longer than the time
 * after which silence means death. It falls silent when the main loop stands.
 */
import { createSocket, type Socket } from "node:dgram";
import { readSync, writeSync } from "node:fs";
import type { MessagePort } from "node:worker_threads";
import { type Pulse, processMs } from "../thread/index.ts";
import { systemClock, systemRandom } from "../time/index.ts";
import { Engine } from "./engine.ts";
import type { FromThread, ToThread } from "./messages.ts";

/** Serves the room bfd/ in the main loop until it closes the port. */
export function serveBfd(port: MessagePort, pulse: Pulse): void {
  const listeners = new Map<number, Socket>();
  const engine = new Engine({
    clock: systemClock,
    random: systemRandom,
    processMs,
    muted: () => pulse.isDead,
    send,
    receive,
    afterArrivals: (fn) => { setImmediate(fn); },
    tell: (message: FromThread) => { port.postMessage(message); },
  });
  port.on("message", (message: ToThread) => {
    switch (message.type) {
      case "listen": {
        const socket = createSocket(message.family === "ipv4" ? "udp4" : "udp6");
        listeners.set(message.listener, socket);
        socket.on("message", (datagram, { address }) => { engine.arrived(message.listener, datagram, address); });
        socket.on("error", () => undefined); // that it hears nothing is seen by the sessions
        socket.bind({ fd: message.fd });
        return;
      }
      case "unlisten":
        listeners.get(message.listener)?.close();
        listeners.delete(message.listener);
        return;
      default:
        engine.take(message);
    }
  });
  port.on("close", () => {
    engine.stop();
    for (const socket of listeners.values()) socket.close();
  });
}

/** At once, and without a queue: UDP has room or has not. */
function send(fd: number, octets: Uint8Array): string | undefined {
  const error = attempt(fd, octets);
  // That nobody listened for the packet before is said instead of sending this one.
  return error === "ECONNREFUSED" ? attempt(fd, octets) : error;
}

function attempt(fd: number, octets: Uint8Array): string | undefined {
  try {
    writeSync(fd, octets);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : String(error);
  }
}

/** Without waiting: the socket does not block. */
function receive(fd: number, octets: Uint8Array): number | undefined {
  try {
    return readSync(fd, octets);
  } catch {
    return undefined; // EAGAIN, or an interface that is gone
  }
}
