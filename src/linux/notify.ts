/**
 * Tells systemd how the daemon is (sd_notify(3), sd_watchdog_enabled(3)): one datagram per message to $NOTIFY_SOCKET.
 *
 * The protocol is written out, because Node has no datagram sockets of AF_UNIX and a child process per message (systemd-notify(1))
 * is not the main process, to which NotifyAccess=main listens. Without $NOTIFY_SOCKET nothing is sent.
 */
import type { Log } from "../log/index.ts";
import { check, libc } from "./libc.ts";

export interface Notifier {
  /** The daemon serves. `status` is one line for people. */
  ready(status: string): void;
  /** One line for people, shown by `systemctl status`. */
  status(status: string): void;
  stopping(status: string): void;
  /** Feeds the watchdog; to be called more often than `watchdogIntervalMs`, half of it being usual. */
  watchdog(): void;
  /** After so long without `watchdog` systemd kills the daemon. Undefined: no watchdog. */
  readonly watchdogIntervalMs: number | undefined;
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const LONGEST_PATH = 108; // sockaddr_un.sun_path

/** The notifier of this process. `env` is its environment, `pid` its process id. */
export function systemdNotifier(log: Log, env: NodeJS.ProcessEnv = process.env, pid: number = process.pid): Notifier {
  const address = socketAddress(env["NOTIFY_SOCKET"]);
  let told = false;
  const send = (...lines: readonly string[]): void => {
    if (address === undefined) return;
    try {
      sendDatagram(address, lines.join("\n"));
      told = false;
    } catch (error) {
      // Once per outage: a watchdog that cannot be fed ends in a restart, and the journal should say why.
      if (!told) log.warning("systemd cannot be told the state of the daemon", { error: String(error), socket: env["NOTIFY_SOCKET"] });
      told = true;
    }
  };
  return {
    ready: (status) => {
      send("READY=1", `STATUS=${oneLine(status)}`);
    },
    status: (status) => {
      send(`STATUS=${oneLine(status)}`);
    },
    stopping: (status) => {
      send("STOPPING=1", `STATUS=${oneLine(status)}`);
    },
    watchdog: () => {
      send("WATCHDOG=1");
    },
    watchdogIntervalMs: watchdogInterval(env, pid),
  };
}

function watchdogInterval(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const meant = env["WATCHDOG_PID"];
  if (meant !== undefined && meant !== String(pid)) return undefined; // for the process that started us
  const usec = env["WATCHDOG_USEC"];
  return usec !== undefined && /^[1-9]\d*$/.test(usec) ? Number(usec) / 1000 : undefined;
}

/** sockaddr_un of a path or, with a leading "@", of an abstract name; undefined for what systemd does not send to a service. */
function socketAddress(name: string | undefined): Uint8Array | undefined {
  if (name === undefined || !/^[/@]./.test(name)) return undefined;
  const path = Buffer.from(name);
  if (path.length >= LONGEST_PATH) return undefined;
  const abstract = name.startsWith("@");
  if (abstract) path[0] = 0;
  // A path ends with a zero octet; an abstract name ends where the length of the address says.
  const address = new Uint8Array(2 + path.length + (abstract ? 0 : 1));
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX; // sa_family_t has the host's byte order
  address.set(path, 2);
  return address;
}

/** Throws SystemError. */
function sendDatagram(address: Uint8Array, text: string): void {
  const fd = check("socket", libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  try {
    const data = Buffer.from(text);
    check("sendto", libc().sendto(fd, data, data.length, MSG_NOSIGNAL, address, address.length));
  } finally {
    libc().close(fd);
  }
}

/** A line end would begin another assignment. */
function oneLine(status: string): string {
  return status.replace(/[\r\n]+/g, " ");
}
