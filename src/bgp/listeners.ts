/** The sockets on which peers may open sessions: made, renewed when they fail, and given the keys of the peers. */
import type { Tcp, TcpArrival, TcpListener } from "../linux/index.ts";
import type { Log } from "../log/index.ts";
import { familyOf } from "../net/index.ts";
import type { Clock, Timer } from "../time/index.ts";
import type { BgpListen, BgpPeer } from "./desired.ts";
import type { BgpListenerStatus } from "./status.ts";

const RETRY_MS = 10_000;

type Listening = {
  readonly endpoint: BgpListen;
  listener: TcpListener | undefined;
  error: string | undefined;
  /** The last error that was logged: the same again is no news. */
  logged: string | undefined;
  retry: Timer | undefined;
};

export type ListenerParts = { readonly tcp: Tcp; readonly clock: Clock; readonly log: Log };

export class Listeners {
  readonly #parts: ListenerParts;
  readonly #arrived: (arrival: TcpArrival) => void;
  #listening: readonly Listening[] = [];
  #peers: readonly BgpPeer[] = [];

  constructor(parts: ListenerParts, arrived: (arrival: TcpArrival) => void) {
    this.#parts = parts;
    this.#arrived = arrived;
  }

  /** Listens exactly there, and wants the passwords of exactly these peers. */
  apply(endpoints: readonly BgpListen[], peers: readonly BgpPeer[]): void {
    const gone = this.#listening.filter(({ endpoint }) => !endpoints.some((wanted) => isSame(endpoint, wanted)));
    for (const one of gone) close(one);
    this.#listening = this.#listening.filter((one) => !gone.includes(one));
    this.peers(peers);
    this.#listening = endpoints.map((endpoint) => this.#listening.find((one) => isSame(one.endpoint, endpoint)) ?? this.#listen(endpoint));
  }

  /** The same endpoints, and the passwords of exactly these peers. */
  peers(peers: readonly BgpPeer[]): void {
    const before = this.#peers;
    this.#peers = peers;
    for (const kept of this.#listening) {
      for (const peer of before) if (!peers.some((other) => hasSameKey(peer, other))) setKey(kept, peer, heirOf(peer, peers)?.password);
      for (const peer of peers) if (!before.some((other) => hasSameKey(peer, other))) setKey(kept, peer, peer.password);
    }
  }

  status(): BgpListenerStatus[] {
    return this.#listening.map(({ endpoint, error }) => ({ ...endpoint, error, problem: error === undefined ? undefined : describe(endpoint, error) }));
  }

  stop(): void {
    this.#listening.forEach(close);
    this.#listening = [];
  }

  #listen(endpoint: BgpListen): Listening {
    const listening: Listening = { endpoint, listener: undefined, error: undefined, logged: undefined, retry: undefined };
    this.#open(listening);
    return listening;
  }

  #open(listening: Listening): void {
    listening.error = undefined;
    listening.listener = this.#parts.tcp.listen(
      { ...listening.endpoint, zone: undefined },
      {
        arrived: this.#arrived,
        failed: (error) => {
          this.#failed(listening, error);
        },
      },
    );
    for (const peer of this.#peers) setKey(listening, peer, peer.password);
  }

  #failed(listening: Listening, error: string): void {
    const { address, port } = listening.endpoint;
    if (listening.logged !== error) this.#parts.log.error(describe(listening.endpoint, error), { address, port, error });
    listening.error = error;
    listening.logged = error;
    listening.retry?.cancel();
    listening.retry = this.#parts.clock.timer("bgp listen", RETRY_MS, () => {
      listening.listener?.close();
      this.#open(listening);
    });
  }
}

function close({ listener, retry }: Listening): void {
  retry?.cancel();
  listener?.close();
}

function setKey({ endpoint, listener }: Listening, peer: BgpPeer, password: string | undefined): void {
  if (peer.password === undefined || familyOf(endpoint.address) !== familyOf(peer.address)) return;
  listener?.setPassword({ address: peer.address, zone: peer.zone, port: peer.port }, password);
}

/** The kernel keeps keys by address alone: of one link-local address on two links, the other one's. */
function heirOf({ address }: BgpPeer, peers: readonly BgpPeer[]): BgpPeer | undefined {
  return peers.find((other) => other.address === address && other.password !== undefined);
}

function hasSameKey(a: BgpPeer, b: BgpPeer): boolean {
  return a.address === b.address && a.zone === b.zone && a.password === b.password;
}

function isSame(a: BgpListen, b: BgpListen): boolean {
  return a.address === b.address && a.port === b.port;
}

function describe({ address, port }: BgpListen, error: string): string {
  const what = `cannot listen on ${address} port ${port}`;
  switch (error) {
    case "EADDRINUSE":
      return `${what}: another BGP daemon has the port; stop it, or take the address out of [bgp] listen`;
    case "EACCES":
      return `${what}: ports below 1024 need CAP_NET_BIND_SERVICE`;
    case "EADDRNOTAVAIL":
      return `${what}: it is not an address of this host`;
  }
  return `${what} (${error})`;
}
