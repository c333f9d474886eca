/** TCP on the virtual clock: what a dialled or accepted socket does, without a kernel. Each way takes a millisecond. */
import type { Tcp, TcpArrival, TcpDial, TcpEndpoint, TcpEvents, TcpListener, TcpListenerEvents, TcpSocket } from "../../src/linux/index.ts";
import type { Address } from "../../src/net/index.ts";
import type { VirtualWorld } from "../../src/time/index.ts";

const LATENCY_MS = 1;
const LINGER_MS = 5000; // as the real socket

/** One end of a connection. */
export class MemorySocket implements TcpSocket {
  readonly local: Address;
  readonly gone: Promise<void>;
  /** The other side reads nothing: what is written stays here. */
  stalled = false;
  peer: MemorySocket | undefined;
  events: TcpEvents | undefined;
  /** Everything that was ever written, whether taken or not. */
  written = 0;
  readonly #world: VirtualWorld;
  #waiting: Uint8Array[] = [];
  #paused = false;
  #arrived: Uint8Array[] = [];
  #ended = false;
  #resolve: () => void = () => undefined;

  constructor(world: VirtualWorld, local: Address) {
    this.#world = world;
    this.local = local;
    this.gone = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get queued(): number {
    return this.#waiting.reduce((sum, octets) => sum + octets.length, 0);
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  write(octets: Uint8Array): void {
    if (this.#ended) return;
    this.written += octets.length;
    this.#waiting.push(octets.slice());
    if (!this.stalled) this.#world.after(0, () => { this.#flush(); });
  }

  /** The other side reads again. */
  unstall(): void {
    this.stalled = false;
    this.#flush();
    if (this.#ended) this.abort();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#world.after(0, () => { this.#deliver(); });
  }

  /** What waits leaves first, if the other side reads it in time. */
  close(): void {
    this.#flush();
    if (this.#waiting.length === 0) {
      this.abort();
      return;
    }
    this.#ended = true;
    this.events = undefined;
    this.#world.after(LINGER_MS, () => { this.abort(); });
  }

  abort(): void {
    this.#end(undefined);
    this.#world.after(LATENCY_MS, () => this.peer?.hearEnd());
  }

  hearEnd(): void {
    const { events } = this;
    this.#end(undefined);
    events?.closed(undefined);
  }

  receive(octets: Uint8Array): void {
    this.#arrived.push(octets);
    this.#deliver();
  }

  #flush(): void {
    if (this.stalled) return;
    const { peer } = this;
    for (const octets of this.#waiting.splice(0)) {
      this.#world.after(LATENCY_MS, () => peer?.receive(octets));
      this.#world.after(0, () => this.events?.written());
    }
  }

  #deliver(): void {
    while (!this.#paused && !this.#ended) {
      const octets = this.#arrived.shift();
      if (octets === undefined) return;
      this.events?.received(octets);
    }
  }

  #end(events: TcpEvents | undefined): void {
    this.#ended = true;
    this.events = events;
    this.#resolve();
  }
}

/** A network in which every address can be dialled, and answers if somebody listens there. */
export class MemoryNetwork {
  readonly #world: VirtualWorld;
  readonly #listeners = new Map<string, TcpListenerEvents>();
  readonly #silent = new Set<Address>();

  constructor(world: VirtualWorld) {
    this.#world = world;
  }

  /** What a dial to this address meets: nothing at all instead of a refusal. */
  silence(address: Address): void {
    this.#silent.add(address);
  }

  /** TCP as the host with this address sees it. */
  tcpOf(address: Address): Tcp {
    return {
      dial: (dial, events) => this.#dial(dial.source ?? address, dial, events),
      listen: (local, events) => this.#listen(local, events),
    };
  }

  #dial(from: Address, { remote }: TcpDial, events: TcpEvents): TcpSocket {
    const near = new MemorySocket(this.#world, from);
    near.events = events;
    this.#world.after(LATENCY_MS, () => {
      const listener = this.#listeners.get(keyOf(remote));
      if (!near.isOpen || this.#silent.has(remote.address)) return;
      if (listener === undefined) {
        const told = near.events;
        near.abort();
        told?.closed("ECONNREFUSED");
        return;
      }
      const far = new MemorySocket(this.#world, remote.address);
      near.peer = far;
      far.peer = near;
      listener.arrived(arrivalOf(far, { address: from, zone: from.startsWith("fe80:") ? "eth1" : undefined, port: 40_000 }));
      this.#world.after(LATENCY_MS, () => near.events?.connected());
    });
    return near;
  }

  #listen(local: TcpEndpoint, events: TcpListenerEvents): TcpListener {
    const key = keyOf(local);
    if (this.#listeners.has(key)) {
      this.#world.after(0, () => { events.failed("EADDRINUSE"); });
      return { setPassword: () => undefined, close: () => undefined };
    }
    this.#listeners.set(key, events);
    return { setPassword: () => undefined, close: () => this.#listeners.delete(key) };
  }
}

function arrivalOf(socket: MemorySocket, remote: TcpEndpoint): TcpArrival {
  return {
    remote,
    accept(_options, events) {
      socket.events = events;
      return socket;
    },
    reject(farewell) {
      socket.write(farewell);
      socket.close();
    },
  };
}

function keyOf({ address, port }: TcpEndpoint): string {
  return `${address} ${port}`;
}
