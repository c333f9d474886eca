/**
 * Files as the configuration needs them: whole, of bounded size, with their permissions, and without ever waiting.
 *
 * A path can name anything: a pipe that never ends, a device, a folder, a link to one. It is opened without blocking and looked
 * at before a byte is read.
 */
import { closeSync, constants, fstatSync, openSync, readSync, readdirSync } from "node:fs";
import { resolve } from "node:path";

export type FileFault =
  | { readonly type: "missing" | "not-permitted" | "folder" | "not-a-folder" | "not-a-file" | "too-large" }
  | { readonly type: "failed"; readonly code: string };

export type FileRead = { readonly ok: true; readonly bytes: Uint8Array; readonly mode: number } | { readonly ok: false; readonly reason: FileFault };

export type FolderRead = { readonly ok: true; readonly names: readonly string[] } | { readonly ok: false; readonly reason: FileFault };

/** The host's own files. Nothing here throws. */
export const localFiles = {
  /** A regular file, links followed, of at most `limit` octets; `mode` has the permission bits. */
  read(path: string, limit: number): FileRead {
    let fd: number | undefined;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      const stat = fstatSync(fd);
      if (stat.isDirectory()) return { ok: false, reason: { type: "folder" } };
      if (!stat.isFile()) return { ok: false, reason: { type: "not-a-file" } };
      if (stat.size > limit) return { ok: false, reason: { type: "too-large" } };
      const bytes = readAtMost(fd, limit + 1); // one more, to notice a file that grew meanwhile
      return bytes.length > limit ? { ok: false, reason: { type: "too-large" } } : { ok: true, bytes, mode: stat.mode & 0o7777 };
    } catch (error) {
      return { ok: false, reason: faultOf(error) };
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  },

  /** The names in a folder, in any order. */
  list(path: string): FolderRead {
    try {
      return { ok: true, names: readdirSync(path) };
    } catch (error) {
      return { ok: false, reason: faultOf(error) };
    }
  },

  /** From the root, as seen from the current folder. */
  absolute(path: string): string {
    return resolve(path);
  },
};

function readAtMost(fd: number, most: number): Uint8Array {
  const buffer = new Uint8Array(most);
  let filled = 0;
  for (;;) {
    const read = readSync(fd, buffer, filled, most - filled, null);
    filled += read;
    if (read === 0 || filled === most) return buffer.slice(0, filled);
  }
}

function faultOf(error: unknown): FileFault {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
  switch (code) {
    case "ENOENT":
      return { type: "missing" };
    case "EACCES":
    case "EPERM":
      return { type: "not-permitted" };
    case "EISDIR":
      return { type: "folder" };
    case "ENOTDIR":
      return { type: "not-a-folder" };
    case "ENXIO": // a socket, or a device without a driver
      return { type: "not-a-file" };
    default:
      return { type: "failed", code };
  }
}
