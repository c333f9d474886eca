/** What config/ needs of a file system; linux/ has the real one, tests have one of their own. Pure. */
import { quote, shellWord } from "./problem.ts";

export interface ConfigFiles {
  /** A regular file, links followed, of at most `limit` octets. Never waits: a pipe or device is refused. */
  read(path: string, limit: number): FileRead;
  /** The names in a folder, in any order. */
  list(path: string): FolderRead;
  /** The same path from the root, for those who change folders later. */
  absolute(path: string): string;
}

export type FileRead =
  /** `mode` has the permission bits. */
  | { readonly ok: true; readonly bytes: Uint8Array; readonly mode: number }
  | { readonly ok: false; readonly reason: FileFault };

export type FolderRead = { readonly ok: true; readonly names: readonly string[] } | { readonly ok: false; readonly reason: FileFault };

/** `failed`: anything else, with the name of the error. */
export type FileFault =
  | { readonly type: "missing" | "folder" | "not-a-folder" | "not-a-file" | "too-large" }
  | NotPermitted
  | { readonly type: "failed"; readonly code: string };

export type NotPermitted = {
  readonly type: "not-permitted";
  /** What is closed: the file, the folder to be listed, or one above it that may not be entered. */
  readonly closed: "file" | "folder" | "above";
  /** The path of that, from the root. */
  readonly at: string;
  /** To whom: the account by which this runs, and its group. */
  readonly user: string;
  readonly group: string;
  /** A person rather than an account of the system, such as the service's. */
  readonly isPerson: boolean;
};

/** Continues "the file …". */
export function sayFault(fault: FileFault, limit: number): string {
  switch (fault.type) {
    case "missing":
      return "does not exist";
    case "not-permitted":
      return `cannot be read: ${sayNotPermitted(fault)}`;
    case "folder":
      return "is a directory, not a file";
    case "not-a-folder":
      return "is not a directory";
    case "not-a-file":
      return "is not a regular file";
    case "too-large":
      return `is larger than ${limit} octets`;
    case "failed":
      return `cannot be read (${fault.code})`;
  }
}

/** What to do depends on who is refused: the service is to get the right to read, a person who checks a configuration is to be root. */
function sayNotPermitted({ closed, at, user, group, isPerson }: NotPermitted): string {
  const denied = `permission denied for user ${user}`;
  if (user === "root") return denied;
  if (isPerson) return `${denied}; run this as root`;
  switch (closed) {
    case "file":
      return `${denied}; run: chgrp ${group} ${shellWord(at)} && chmod 0640 ${shellWord(at)}`;
    case "folder":
      return `${denied}; run: chgrp ${group} ${shellWord(at)} && chmod 0750 ${shellWord(at)}`;
    case "above":
      return `${denied}, who may not enter ${quote(at)}; the service sees nothing of /root and /home, so keep it in /etc/bmlb`;
  }
}

/** `path` as seen from the folder of `file`; an absolute one stays as it is. */
export function besideFile(file: string, path: string): string {
  if (path.startsWith("/")) return path;
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  return folder + path.replace(/^(\.\/+)+/, "");
}
