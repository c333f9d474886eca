/** How the daemon's servers listen on sockets of the file system, and how they stop. */
import { unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { umask } from "node:process";

/** Who may connect, as permission bits: from the first moment, so that nobody slips in before they are set. */
export type SocketMode = 0o600 | 0o660;

/** Takes the place of what a dead daemon left there. Resolves with the reason if the socket cannot be made. */
export function listenAt(server: Server, path: string, mode: SocketMode): Promise<string | undefined> {
  removeSocket(path);
  return new Promise((resolve) => {
    const failed = (error: Error): void => { resolve(error.message); };
    server.once("error", failed);
    server.once("listening", () => {
      server.off("error", failed);
      resolve(undefined);
    });
    const before = umask(0o777 & ~mode);
    server.listen(path); // makes the file before it returns
    umask(before);
  });
}

/** True if a living process listens on the socket; a file left by a dead one does not count. */
export function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

/** Ends whatever is under way there. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is not there, which is as well; anything else shows when listening.
  }
}
