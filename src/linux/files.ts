/**
 * Files as the configuration needs them: whole, of bounded size, with their permissions, and without ever waiting.
 *
 * A path can name anything: a pipe that never ends, a device, a folder, a link to one. It is opened without blocking and looked
 * at before a byte is read.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, relative, resolve } from "node:path";

export type FileFault =
  | { readonly type: "missing" | "folder" | "not-a-folder" | "not-a-file" | "too-large" }
  | NotPermitted
  | { readonly type: "failed"; readonly code: string };

/** What is closed to this process, and who it is: `above` is a folder on the way that may not be entered. */
export type NotPermitted = {
  readonly type: "not-permitted";
  readonly closed: "file" | "folder" | "above";
  readonly at: string;
  readonly user: string;
  readonly group: string;
  readonly isPerson: boolean;
};

export type FileRead = { readonly ok: true; readonly bytes: Uint8Array; readonly mode: number } | { readonly ok: false; readonly reason: FileFault };

export type FolderRead = { readonly ok: true; readonly names: readonly string[] } | { readonly ok: false; readonly reason: FileFault };

// login.defs(5): accounts of people.
const UID_MIN = 1000;
const UID_MAX = 60_000;

const MOST_LINKS = 40; // the kernel's own limit: path_resolution(7)

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
      return { ok: false, reason: faultOf(error, path, "file") };
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  },

  /** The names in a folder, in any order. */
  list(path: string): FolderRead {
    try {
      return { ok: true, names: readdirSync(path) };
    } catch (error) {
      return { ok: false, reason: faultOf(error, path, "folder") };
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

function faultOf(error: unknown, path: string, wanted: "file" | "folder"): FileFault {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
  switch (code) {
    case "ENOENT":
      return { type: "missing" };
    case "EACCES":
    case "EPERM":
      return { type: "not-permitted", ...closedOn(resolve(path), wanted), ...whoWeAre() };
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

/** The first on the way from the root that does not let us through; links are followed. */
function closedOn(path: string, wanted: "file" | "folder", links = 0): Pick<NotPermitted, "closed" | "at"> {
  const unseen = waysTo(path).find((part) => whenPossible(() => statSync(part)) === undefined);
  if (unseen === undefined) return { closed: wanted, at: path };
  const link = links < MOST_LINKS ? whenPossible(() => readlinkSync(unseen)) : undefined;
  return link === undefined ? { closed: "above", at: dirname(unseen) } : closedOn(resolve(dirname(unseen), link, relative(unseen, path)), wanted, links + 1);
}

/** "/a/b" → "/a" and "/a/b". */
function waysTo(path: string): readonly string[] {
  const [, ...names] = path.split("/");
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

/** By names, as far as the system has names for us. */
function whoWeAre(): Pick<NotPermitted, "user" | "group" | "isPerson"> {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const groups = whenPossible(() => readFileSync("/etc/group", "utf8").split("\n").map((line) => line.split(":")));
  const group = groups?.find((fields) => fields[2] === String(gid))?.[0];
  return { user: whenPossible(() => userInfo().username) ?? String(uid), group: group ?? String(gid), isPerson: uid >= UID_MIN && uid <= UID_MAX };
}

function whenPossible<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
