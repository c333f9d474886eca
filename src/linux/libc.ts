/**
 * The C library, through koffi: what Node's own sockets cannot do (options before connect, TCP MD5, BPF filters, sd_notify).
 * Loaded when first used, so that `bmlb status` does not pay for it.
 */
import { createRequire } from "node:module";
import type koffi from "koffi";

export type Libc = {
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  /** Replaces the socket's classic BPF program: instructions of 8 octets in the host's byte order. */
  attachFilter(fd: number, program: Uint8Array): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  dup(fd: number): number;
  /** 0: there is no such interface. */
  if_nametoindex(name: string): number;
  listen(fd: number, backlog: number): number;
  recv(fd: number, data: Uint8Array, length: number, flags: number): number;
  sendto(fd: number, data: Uint8Array, length: number, flags: number, address: Uint8Array, addressLength: number): number;
  close(fd: number): number;
};

type SetFilter = (fd: number, level: number, option: number, program: { len: number; filter: Uint8Array }, length: number) => number;

const SOL_SOCKET = 1; // asm-generic/socket.h
const SO_ATTACH_FILTER = 26;

/** A call to the C library that failed; `code` is the errno's name, as in Node's own errors. */
export class SystemError extends Error {
  readonly code: string;
  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call} failed: ${code}`);
    this.name = "SystemError";
    this.code = code;
  }
}

let loaded: { readonly koffi: typeof koffi; readonly libc: Libc } | undefined;

function load(): { readonly koffi: typeof koffi; readonly libc: Libc } {
  if (loaded !== undefined) return loaded;
  const native = createRequire(import.meta.url)("koffi") as typeof koffi;
  const library = native.load("libc.so.6");
  const program = native.struct({ len: "uint16", filter: "const void *" }); // struct sock_fprog
  const setFilter = library.func("setsockopt", "int", ["int", "int", "int", native.pointer(program), "uint32"]) as SetFilter;
  const libc: Libc = {
    socket: library.func("int socket(int, int, int)"),
    setsockopt: library.func("int setsockopt(int, int, int, const void *, uint32)"),
    getsockopt: library.func("int getsockopt(int, int, int, _Out_ uint8 *, _Inout_ uint32 *)"),
    attachFilter: (fd, instructions) =>
      setFilter(fd, SOL_SOCKET, SO_ATTACH_FILTER, { len: instructions.length / 8, filter: instructions }, native.sizeof(program)),
    bind: library.func("int bind(int, const void *, uint32)"),
    connect: library.func("int connect(int, const void *, uint32)"),
    getsockname: library.func("int getsockname(int, _Out_ uint8 *, _Inout_ uint32 *)"),
    dup: library.func("int dup(int)"),
    if_nametoindex: library.func("uint32 if_nametoindex(const char *)"),
    listen: library.func("int listen(int, int)"),
    recv: library.func("int64 recv(int, _Out_ uint8 *, size_t, int)"),
    sendto: library.func("int64 sendto(int, const void *, size_t, int, const void *, uint32)"),
    close: library.func("int close(int)"),
  };
  loaded = { koffi: native, libc };
  return loaded;
}

export function libc(): Libc {
  return load().libc;
}

/** Throws SystemError if `result` is negative. */
export function check(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, errno());
  return result;
}

/** The errno of the last call. */
export function errno(): number {
  return load().koffi.errno();
}

function errnoName(code: number): string {
  const codes = load().koffi.os.errno as Readonly<Record<string, number>>;
  return Object.keys(codes).find((name) => codes[name] === code) ?? `errno ${code}`;
}
