/** By which way the echo packets of a session leave: the main loop's side of the Echo function. */
import { randomBytes } from "node:crypto";
import { type Address, isIpv4 } from "../net/index.ts";
import { BFD_ECHO_PORT, BFD_ECHO_TOKEN_OCTETS, BFD_ECHO_TTL, encodeBfdEcho } from "../wire/index.ts";
import type { BfdSession } from "./desired.ts";
import type { BfdSockets } from "./sockets.ts";

export type EchoPath = { readonly fd: number; readonly frame: Uint8Array };

export class EchoPaths {
  readonly #sockets: BfdSockets;
  readonly #token = randomBytes(BFD_ECHO_TOKEN_OCTETS);
  /** One for each interface that the address was on; the thread may still use the others. */
  readonly #fds: number[] = [];
  /** What the path depends on. */
  #key = "";

  constructor(sockets: BfdSockets) {
    this.#sockets = sockets;
  }

  /**
   * The path, if it is another than at the last call, or there was none; undefined if it is the same, or none is known yet: the kernel must
   * have spoken with the peer. Throws SystemError.
   */
  look({ remote, profile, multihop }: BfdSession, local: Address, discriminator: number): EchoPath | undefined {
    if (profile.echoMs === undefined || multihop || !isIpv4(remote) || !isIpv4(local)) return undefined;
    const own = this.#sockets.interfaceWith(local);
    if (own === undefined) return undefined;
    const index = this.#sockets.interfaceIndex(own.name);
    const peer = this.#sockets.neighbourMac(remote, own.name);
    const key = `${index ?? ""} ${own.mac} ${peer ?? ""}`;
    if (index === undefined || peer === undefined || key === this.#key) return undefined;
    const last = this.#key.startsWith(`${index} `) ? this.#fds.at(-1) : undefined;
    const fd = last ?? this.#sockets.openEcho({ interface: index, address: local, port: BFD_ECHO_PORT });
    if (last === undefined) this.#fds.push(fd);
    this.#key = key;
    return { fd, frame: encodeBfdEcho({ address: local, ttl: BFD_ECHO_TTL, discriminator, sequence: 0, token: this.#token }, peer, own.mac) };
  }

  /** To be called when nobody sends by it any more. */
  close(): void {
    for (const fd of this.#fds.splice(0)) this.#sockets.close(fd);
    this.#key = "";
  }
}
