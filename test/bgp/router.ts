/** A router for tests: says exactly what it is told to, and remembers what it was told. */
import type { TcpArrival, TcpSocket } from "../../src/linux/index.ts";
import { type Address, type Ipv4, formatPrefix } from "../../src/net/index.ts";
import type { VirtualWorld } from "../../src/time/index.ts";
import {
  type Capability,
  Framer,
  type MessageType,
  type Notification,
  type Open,
  type Update,
  decodeNotification,
  decodeOpen,
  decodeUpdate,
  encodeMessage,
  encodeNotification,
  encodeOpen,
  prefixesOf,
} from "../../src/wire/index.ts";
import type { MemoryNetwork } from "./memory-tcp.ts";
import type { Connection, Stream } from "./strict/connections.ts";

export type RouterOptions = {
  readonly address: Address;
  readonly asn: number;
  readonly identifier: Ipv4;
  readonly holdSeconds: number;
  readonly capabilities: readonly Capability[];
};

export const ROUTER: RouterOptions = {
  address: "10.7.0.254" as Ipv4,
  asn: 64501,
  identifier: "10.7.0.254" as Ipv4,
  holdSeconds: 90,
  capabilities: [
    { name: "multiprotocol", afi: 1, safi: 1 },
    { name: "multiprotocol", afi: 2, safi: 1 },
    { name: "route-refresh" },
    { name: "enhanced-route-refresh" },
    { name: "four-octet-as", asn: 64501 },
  ],
};

/** A connection as the router sees it. */
export class RouterConnection {
  /** In order: "OPEN", "KEEPALIVE", "NOTIFICATION 6/2", "UPDATE +10.9.9.9/32 -10.9.9.8/32", "UPDATE end ipv4", "ROUTE-REFRESH 00010101". */
  readonly log: string[] = [];
  readonly counts: Record<MessageType, number> = { OPEN: 0, UPDATE: 0, NOTIFICATION: 0, KEEPALIVE: 0, "ROUTE-REFRESH": 0 };
  /** Prefixes that it has been told and that were not withdrawn, with the attributes of the last time. */
  readonly table = new Map<string, Update["attributes"]>();
  open: Open | undefined;
  /** Its own OPEN. */
  said: Open | undefined;
  notification: Notification | undefined;
  closed = false;
  socket: TcpSocket | undefined;
  #closedAt: number | undefined;
  #onMessage: (type: MessageType) => void = () => undefined;
  readonly #framer = new Framer();
  readonly #now: () => number;
  readonly #heard: { readonly at: number; readonly octets: Uint8Array }[] = [];
  readonly #spoken: { readonly at: number; readonly octets: Uint8Array }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Both directions, for the strict judge. */
  recording(): Connection {
    return { name: "router", openedBy: "us", ours: streamOf(this.#heard), theirs: streamOf(this.#spoken), endedAt: this.closed ? this.#closedAt : undefined };
  }

  events(connected: () => void = () => undefined) {
    return {
      connected,
      received: (octets: Uint8Array) => { this.#receive(octets); },
      written: () => undefined,
      closed: () => { this.#close(); },
    };
  }

  /** Calls `answer` for each message that arrives. */
  onMessage(answer: (type: MessageType) => void): void {
    this.#onMessage = answer;
  }

  send(type: MessageType, body?: Uint8Array): void {
    this.raw(encodeMessage(type, body));
  }

  raw(octets: Uint8Array): void {
    this.#spoken.push({ at: this.#now(), octets });
    this.socket?.write(octets);
  }

  notify(code: number, subcode: number, data = new Uint8Array(0)): void {
    this.send("NOTIFICATION", encodeNotification({ code, subcode, data }));
    this.socket?.close();
    this.#close();
  }

  /** The connection breaks without a word. */
  drop(): void {
    this.socket?.abort();
    this.#close();
  }

  #close(): void {
    this.closed = true;
    this.#closedAt ??= this.#now();
  }

  #receive(octets: Uint8Array): void {
    this.#heard.push({ at: this.#now(), octets: octets.slice() });
    this.#framer.push(octets);
    for (let message = this.#framer.next(); message !== undefined; message = this.#framer.next()) {
      this.counts[message.type]++;
      this.log.push(this.#take(message.type, message.body));
      this.#onMessage(message.type);
    }
  }

  #take(type: MessageType, body: Uint8Array): string {
    switch (type) {
      case "OPEN":
        this.open = decodeOpen(body);
        return type;
      case "KEEPALIVE":
        return type;
      case "NOTIFICATION":
        this.notification = decodeNotification(body);
        return `${type} ${this.notification.code}/${this.notification.subcode}`;
      case "ROUTE-REFRESH":
        return `${type} ${Buffer.from(body).toString("hex")}`;
      case "UPDATE": {
        const fourOctetAs = [this.open, this.said].every((open) => open?.capabilities.some(({ name }) => name === "four-octet-as") === true);
        const update = decodeUpdate(body, { fourOctetAs, internal: this.open?.asn === 64501, families: ["ipv4", "ipv6"], extendedNextHop: true });
        if (update.problems.length > 0) throw new Error(JSON.stringify(update.problems));
        if (update.endOfRib !== undefined) return `${type} end ${update.endOfRib}`;
        const added = update.reachable.flatMap((field) => prefixesOf(field).map(formatPrefix));
        const removed = update.withdrawn.flatMap((field) => prefixesOf(field).map(formatPrefix));
        for (const prefix of added) this.table.set(prefix, update.attributes);
        for (const prefix of removed) this.table.delete(prefix);
        return [type, ...added.map((prefix) => `+${prefix}`), ...removed.map((prefix) => `-${prefix}`)].join(" ");
      }
    }
  }
}

/** Listens, and opens sessions when told. By default it plays its part until the session is established, and keeps it alive. */
export class Router {
  readonly connections: RouterConnection[] = [];
  /** How it behaves toward a new connection; the default brings up a session. */
  behave: (connection: RouterConnection) => void = (connection) => { this.establish(connection); };
  readonly #options: RouterOptions;
  readonly #world: VirtualWorld;
  readonly #network: MemoryNetwork;

  constructor(world: VirtualWorld, network: MemoryNetwork, options: RouterOptions = ROUTER) {
    this.#world = world;
    this.#network = network;
    this.#options = options;
  }

  listen(): void {
    const { address } = this.#options;
    this.#network.tcpOf(address).listen({ address, zone: undefined, port: 179 }, { arrived: (arrival) => { this.#arrived(arrival); }, failed: () => undefined });
  }

  /** Opens a connection to the speaker. */
  dial(to: Address): RouterConnection {
    const connection = new RouterConnection(() => this.#world.time);
    this.connections.push(connection);
    const remote = { address: to, zone: undefined, port: 179 };
    const options = { remote, source: undefined, ttl: 255, minimumTtl: 0, userTimeoutMs: 0, password: undefined };
    connection.socket = this.#network.tcpOf(this.#options.address).dial(options, connection.events(() => { this.behave(connection); }));
    return connection;
  }

  /** The newest connection. */
  get last(): RouterConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nobody has connected");
    return last;
  }

  sendOpen(connection: RouterConnection, changes: Partial<Open> = {}): void {
    const { asn, holdSeconds, identifier, capabilities } = this.#options;
    connection.said = { asn, holdSeconds, identifier, capabilities, ...changes };
    connection.send("OPEN", encodeOpen(connection.said));
  }

  /** OPEN at once, KEEPALIVE for every OPEN, and then every 20 s. */
  establish(connection: RouterConnection, changes: Partial<Open> = {}): void {
    this.sendOpen(connection, changes);
    connection.onMessage((type) => {
      if (type !== "OPEN") return;
      connection.send("KEEPALIVE");
      this.#keepAlive(connection);
    });
  }

  #keepAlive(connection: RouterConnection): void {
    this.#world.after(20_000, () => {
      if (connection.closed) return;
      connection.send("KEEPALIVE");
      this.#keepAlive(connection);
    });
  }

  #arrived(arrival: TcpArrival): void {
    const connection = new RouterConnection(() => this.#world.time);
    this.connections.push(connection);
    connection.socket = arrival.accept({ ttl: 255, minimumTtl: 0, userTimeoutMs: 0 }, connection.events());
    this.behave(connection);
  }
}

function streamOf(chunks: readonly { readonly at: number; readonly octets: Uint8Array }[]): Stream {
  const octets = Buffer.concat(chunks.map((chunk) => chunk.octets));
  return {
    octets,
    readableAt: (place) => {
      let end = 0;
      return chunks.find((chunk) => place < (end += chunk.octets.length))?.at ?? Infinity;
    },
  };
}
