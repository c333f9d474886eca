/**
 * TCP sockets whose options are set before the first packet leaves: TCP MD5 (RFC 2385), time to live and the least one accepted
 * (GTSM, RFC 5082), source address, user timeout. Node's own sockets can set none of them.
 *
 * The socket is made with the C library, connected, and handed to Node while the connection is still in progress. Whatever goes
 * wrong is reported as an event with an errno's name; nothing is thrown.
 */
import { Server, Socket } from "node:net";
import { type Address, isIpv4, parseAddress } from "../net/index.ts";
import { SystemError, check, libc } from "./libc.ts";
import { AF_INET, AF_INET6, type Endpoint, sockaddr } from "./socket-address.ts";

export type TcpEndpoint = Endpoint;

export type TcpOptions = {
  /** Time to live, or hop limit, of what we send: 1–255. */
  readonly ttl: number;
  /** What arrives with less is dropped by the kernel (GTSM); 0 = nothing is. */
  readonly minimumTtl: number;
  /** How long sent octets may stay unacknowledged before the kernel gives the connection up, in ms; 0 = its default. */
  readonly userTimeoutMs: number;
};

export type TcpDial = TcpOptions & {
  readonly remote: TcpEndpoint;
  /** Undefined: the kernel's choice. */
  readonly source: Address | undefined;
  /** TCP MD5; 1–80 octets. */
  readonly password: string | undefined;
};

/** What happens to a socket. Never called from inside a call of the socket's own functions. */
export interface TcpEvents {
  /** Once, for a dialled socket only. */
  connected(): void;
  /** The octets belong to the receiver. */
  received(octets: Uint8Array): void;
  /** The kernel took what one `write` had given; `queued` says what it has not. */
  written(): void;
  /** Once, and the last: the other side closed, or the code of an error ("ECONNREFUSED"). Not after close() or abort(). */
  closed(error: string | undefined): void;
}

export interface TcpSocket {
  /** Our own address; undefined until connected. */
  readonly local: Address | undefined;
  /** Octets that were written and are still in this process. */
  readonly queued: number;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
  write(octets: Uint8Array): void;
  /** No `received` until resume(). */
  pause(): void;
  resume(): void;
  /** Sends what was written, as long as the other side takes it, then ends the connection; within 4 s. What still arrives is read and dropped: a reset would destroy our last words. */
  close(): void;
  /** Ends the connection at once. */
  abort(): void;
}

/** A connection that somebody opened to us. */
export interface TcpArrival {
  readonly remote: TcpEndpoint;
  accept(options: TcpOptions, events: TcpEvents): TcpSocket;
  /** Says these last words and closes. */
  reject(farewell: Uint8Array): void;
}

export interface TcpListenerEvents {
  arrived(arrival: TcpArrival): void;
  /** It does not listen, or no longer: the code of the error ("EADDRINUSE", "EACCES"). */
  failed(error: string): void;
}

export interface TcpListener {
  /** Segments from this address need this key from now on, none if undefined. Connections that exist keep theirs. */
  setPassword(remote: TcpEndpoint, password: string | undefined): void;
  close(): void;
}

/** What a part needs of TCP; `systemTcp`, or a double in tests. */
export interface Tcp {
  dial(dial: TcpDial, events: TcpEvents): TcpSocket;
  listen(local: TcpEndpoint, events: TcpListenerEvents): TcpListener;
}

export const systemTcp: Tcp = { dial, listen };

// <sys/socket.h>, <netinet/in.h>, <netinet/tcp.h>, <linux/in6.h>
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_KEEPALIVE = 9;
const MSG_DONTWAIT = 0x40;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IP_MINTTL = 21;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
const IPV6_TCLASS = 67;
const IPV6_MINHOPCOUNT = 73;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_MD5SIG = 14;
const TCP_USER_TIMEOUT = 18;

const INTERNETWORK_CONTROL = 0xc0; // the precedence that RFC 4271 appendix E asks for
const LISTENER_TTL = 255; // what a GTSM peer needs of our SYN-ACK; lowered where wanted once the peer is known
const LINGER_MS = 1000; // without the other side taking, or sending, anything
const LONGEST_LINGER_MS = 4000;
const PIECE = 65_536; // octets that are read at once of a connection that has ended
const MOST_UNREAD_PIECES = 16;
const BACKLOG = 64;
/** Of a peer that was switched off while we waited for its first word, nothing else would tell. */
const PROBE = { afterS: 30, everyS: 10, times: 3 };

function dial(wanted: TcpDial, events: TcpEvents): TcpSocket {
  let fd = -1;
  try {
    fd = openSocket(wanted.remote.address);
    applyOptions(fd, wanted.remote.address, wanted);
    if (wanted.password !== undefined) setKey(fd, wanted.remote, wanted.password);
    if (wanted.source !== undefined) bind(fd, { address: wanted.source, zone: wanted.remote.zone, port: 0 });
    connect(fd, wanted.remote);
    const socket = new NodeTcpSocket(new Socket({ fd }), events);
    // The kernel takes nothing before the connection stands, not even nothing: this write ends when the handshake does.
    socket.probe();
    return socket;
  } catch (error) {
    if (fd >= 0) libc().close(fd);
    return failedSocket(error, events);
  }
}

function listen(local: TcpEndpoint, events: TcpListenerEvents): TcpListener {
  const server = new Server({ noDelay: true });
  let fd = -1;
  let closed = false;
  const fail = (error: unknown): void => {
    if (!closed) events.failed(codeOf(error));
  };
  server.on("error", (error) => {
    // Its descriptor is closed and may be another's soon.
    if (!server.listening) fd = -1;
    fail(error);
  });
  server.on("connection", (socket) => {
    const arrival = nodeArrival(socket);
    if (arrival === undefined) socket.destroy();
    else events.arrived(arrival);
  });
  try {
    fd = openSocket(local.address);
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!isIpv4(local.address)) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    applyOptions(fd, local.address, { ttl: LISTENER_TTL, minimumTtl: 0, userTimeoutMs: 0 });
    bind(fd, local);
    server.listen({ fd, backlog: BACKLOG });
  } catch (error) {
    if (fd >= 0) libc().close(fd);
    fd = -1;
    queueMicrotask(() => {
      fail(error);
    });
  }
  return {
    setPassword(remote, password) {
      if (fd < 0 || closed || isIpv4(remote.address) !== isIpv4(local.address)) return;
      try {
        setKey(fd, remote, password ?? "");
      } catch (error) {
        if (codeOf(error) !== "ENOENT") fail(error); // no key to take away
      }
    },
    close() {
      closed = true;
      if (server.listening) server.close();
    },
  };
}

/** A Node socket, connected or on its way. */
class NodeTcpSocket implements TcpSocket {
  readonly gone: Promise<void>;
  readonly #socket: Socket;
  #events: TcpEvents | undefined;

  constructor(socket: Socket, events: TcpEvents) {
    this.#socket = socket;
    this.#events = events;
    let error: string | undefined;
    let unread: Uint8Array | undefined;
    socket.on("error", (cause) => {
      error = codeOf(cause);
    });
    const destroy = socket._destroy.bind(socket);
    socket._destroy = (cause, done) => {
      // A write that meets a reset ends the socket before Node has read what came ahead of the reset: the peer's last words.
      if (cause !== null && this.#events !== undefined && socket.readableLength === 0) unread = rest(socket);
      destroy(cause, done);
    };
    socket.on("data", (octets) => {
      this.#events?.received(octets);
    });
    this.gone = new Promise((resolve) => {
      socket.on("close", () => {
        if (unread !== undefined) this.#events?.received(unread);
        const told = this.#events;
        this.#events = undefined;
        told?.closed(error);
        resolve();
      });
    });
  }

  get local(): Address | undefined {
    return parseAddress(splitZone(this.#socket.localAddress ?? "").address);
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  /** Reports `connected` when the handshake is done. */
  probe(): void {
    this.#socket.write(new Uint8Array(0), (error) => {
      if (error === null || error === undefined) this.#events?.connected();
    });
  }

  write(octets: Uint8Array): void {
    this.#socket.write(octets, (error) => {
      if (error === null || error === undefined) this.#events?.written();
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#events = undefined;
    if (this.#socket.destroyed) return;
    // An octet that the kernel took is activity to Node, though the write that it belongs to is not done; it looks once in that time.
    this.#socket.setTimeout(LINGER_MS, () => this.#socket.destroy());
    const timer = setTimeout(() => this.#socket.destroy(), LONGEST_LINGER_MS);
    this.#socket.on("close", () => {
      clearTimeout(timer);
    });
    this.#socket.resume();
    this.#socket.end();
  }

  abort(): void {
    this.#events = undefined;
    this.#socket.destroy();
  }
}

/** What the kernel has for a socket that nobody will read any more; undefined if nothing. */
function rest(socket: Socket): Uint8Array | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  while (pieces.length < MOST_UNREAD_PIECES) {
    const piece = new Uint8Array(PIECE);
    const length = libc().recv(fd, piece, PIECE, MSG_DONTWAIT);
    if (length <= 0) break;
    pieces.push(piece.subarray(0, length));
  }
  return pieces.length > 0 ? Buffer.concat(pieces) : undefined;
}

/** The socket of a dial that failed before it left the machine. */
function failedSocket(error: unknown, events: TcpEvents): TcpSocket {
  let told: TcpEvents | undefined = events;
  const forget = (): void => {
    told = undefined;
  };
  queueMicrotask(() => told?.closed(codeOf(error)));
  const nothing = (): void => undefined;
  return { local: undefined, queued: 0, gone: Promise.resolve(), write: nothing, pause: nothing, resume: nothing, close: forget, abort: forget };
}

/** Undefined if the other side is already gone. */
function nodeArrival(socket: Socket): TcpArrival | undefined {
  const { address: text, zone } = splitZone(socket.remoteAddress ?? "");
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  socket.on("error", () => undefined); // until it is accepted, nobody else listens
  return {
    remote: { address, zone, port: socket.remotePort ?? 0 },
    accept(options, events) {
      const fd = descriptorOf(socket);
      try {
        if (fd !== undefined) applyOptions(fd, address, options);
      } catch (error) {
        socket.destroy();
        return failedSocket(error, events);
      }
      return new NodeTcpSocket(socket, events);
    },
    reject(farewell) {
      const last = new NodeTcpSocket(socket, IGNORED);
      last.write(farewell);
      last.close();
    },
  };
}

const IGNORED: TcpEvents = {
  connected: () => undefined,
  received: () => undefined,
  written: () => undefined,
  closed: () => undefined,
};

function openSocket(address: Address): number {
  return check("socket", libc().socket(isIpv4(address) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

function applyOptions(fd: number, address: Address, { ttl, minimumTtl, userTimeoutMs }: TcpOptions): void {
  if (isIpv4(address)) {
    set(fd, IPPROTO_IP, IP_TOS, INTERNETWORK_CONTROL);
    set(fd, IPPROTO_IP, IP_TTL, ttl);
    if (minimumTtl > 0) set(fd, IPPROTO_IP, IP_MINTTL, minimumTtl);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_TCLASS, INTERNETWORK_CONTROL);
    set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
    if (minimumTtl > 0) set(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, minimumTtl);
  }
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE.afterS);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE.everyS);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBE.times);
  if (userTimeoutMs > 0) set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, userTimeoutMs);
}

function set(fd: number, level: number, option: number, value: number): void {
  const octets = new Uint8Array(Int32Array.of(value).buffer);
  check("setsockopt", libc().setsockopt(fd, level, option, octets, octets.length));
}

// struct tcp_md5sig { sockaddr_storage tcpm_addr (128); u8 flags; u8 prefixlen; u16 keylen; int ifindex; u8 key[80]; }
const MD5SIG_OCTETS = 216;
const MD5SIG_KEYLEN = 130;
const MD5SIG_KEY = 136;

/** An empty password takes the key away. Throws SystemError. */
function setKey(fd: number, remote: TcpEndpoint, password: string): void {
  const key = new TextEncoder().encode(password);
  if (key.length > MD5SIG_OCTETS - MD5SIG_KEY) throw new SystemError("setsockopt TCP_MD5SIG", 22);
  const octets = new Uint8Array(MD5SIG_OCTETS);
  octets.set(sockaddr({ ...remote, port: 0 }));
  new Uint16Array(octets.buffer)[MD5SIG_KEYLEN / 2] = key.length;
  octets.set(key, MD5SIG_KEY);
  check("setsockopt TCP_MD5SIG", libc().setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, octets, octets.length));
}

function bind(fd: number, local: TcpEndpoint): void {
  const octets = sockaddr(local);
  check("bind", libc().bind(fd, octets, octets.length));
}

/** Begins to connect; how it ends the socket tells. Throws SystemError for what is clear at once. */
function connect(fd: number, remote: TcpEndpoint): void {
  const octets = sockaddr(remote);
  try {
    check("connect", libc().connect(fd, octets, octets.length));
  } catch (error) {
    if (codeOf(error) !== "EINPROGRESS") throw error;
  }
}

/** "fe80::1%eth0" as Node spells it. */
function splitZone(text: string): { readonly address: string; readonly zone: string | undefined } {
  const [address = "", zone] = text.split("%");
  return { address, zone };
}

/** Node has no public way to the descriptor of an accepted socket; libuv's handle has had this property since Node 0.x. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : String(error);
}
