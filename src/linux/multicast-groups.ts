/**
 * The IPv6 multicast groups that this host listens to besides those of its own addresses: the network card's filter lets their frames
 * in, and the kernel reports them to switches that snoop MLD (RFC 9777). Nothing is read from the sockets that hold them.
 */
import { type Socket, createSocket } from "node:dgram";
import type { Log } from "../log/index.ts";
import type { Ipv6 } from "../net/index.ts";

type Membership = {
  readonly interface: string;
  readonly group: Ipv6;
  /** How often it is wanted. */
  count: number;
  /** Which socket holds it. */
  socket: Socket | undefined;
};

const TURN_MS = 4; // the kernel needs 0.2 ms for the ten-thousandth group of an interface

export class MulticastGroups {
  readonly #log: Log;
  /** By interface and group. */
  readonly #memberships = new Map<string, Map<Ipv6, Membership>>();
  /** The kernel limits how many groups one socket may hold (net.core.optmem_max): the last one has room, perhaps. */
  readonly #sockets: Socket[] = [];
  /** What the kernel does not know yet. */
  readonly #pending = new Set<Membership>();
  #working: NodeJS.Immediate | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * As often as it is joined it must be left. The kernel is told within the next turns of the event loop; of an interface that is
   * missing by `renew`, when it is there.
   */
  join(name: string, group: Ipv6): void {
    const groups = this.#memberships.get(name) ?? new Map<Ipv6, Membership>();
    this.#memberships.set(name, groups);
    const membership = groups.get(group) ?? { interface: name, group, count: 0, socket: undefined };
    groups.set(group, membership);
    if (++membership.count === 1) this.#tell(membership);
  }

  leave(name: string, group: Ipv6): void {
    const groups = this.#memberships.get(name);
    const membership = groups?.get(group);
    if (membership === undefined || --membership.count > 0) return;
    groups?.delete(group);
    if (groups?.size === 0) this.#memberships.delete(name);
    this.#tell(membership);
  }

  /** The interface is new, or was down: memberships may be gone with what it was before. */
  renew(name: string): void {
    for (const membership of this.#memberships.get(name)?.values() ?? []) {
      drop(membership);
      this.#tell(membership);
    }
  }

  /** Leaves everything, for ever. */
  close(): void {
    clearImmediate(this.#working);
    this.#memberships.clear();
    this.#pending.clear();
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  #tell(membership: Membership): void {
    this.#pending.add(membership);
    this.#working ??= setImmediate(() => {
      this.#work();
    });
  }

  /** Tells the kernel what it does not know, in the order in which it was wanted, for the length of a turn. */
  #work(): void {
    this.#working = undefined;
    const end = performance.now() + TURN_MS;
    for (const membership of this.#pending) {
      if (performance.now() > end) {
        this.#tell(membership);
        return;
      }
      this.#pending.delete(membership);
      if (membership.count === 0) drop(membership);
      else membership.socket ??= this.#enter(membership);
    }
  }

  /** The socket that holds the membership from now on; undefined if the interface is missing or has no IPv6. */
  #enter({ interface: name, group }: Membership): Socket | undefined {
    const last = this.#sockets.at(-1);
    try {
      if (last !== undefined && add(last, name, group)) return last;
      const fresh = createSocket("udp6").unref();
      this.#sockets.push(fresh);
      if (add(fresh, name, group)) return fresh;
      throw new Error("a new socket has no room for a group");
    } catch (error) {
      this.#log.debug("a multicast group could not be joined", { interface: name, group, error: String(error) });
      return undefined;
    }
  }
}

/** False if the socket is full. Throws for any other reason. */
function add(socket: Socket, name: string, group: Ipv6): boolean {
  try {
    socket.addMembership(group, `::%${name}`);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EADDRINUSE") return true; // it has it
    if (code === "ENOMEM" || code === "ENOBUFS") return false;
    throw error;
  }
}

function drop(membership: Membership): void {
  const { socket, interface: name, group } = membership;
  membership.socket = undefined;
  try {
    socket?.dropMembership(group, `::%${name}`);
  } catch {
    // It went with its interface.
  }
}
