/** What config/ needs of a file system; linux/ has the real one, tests have one of their own. Pure. */

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
  | { readonly type: "missing" | "not-permitted" | "folder" | "not-a-folder" | "not-a-file" | "too-large" }
  | { readonly type: "failed"; readonly code: string };

/** Continues "the file …". */
export function sayFault(fault: FileFault, limit: number): string {
  switch (fault.type) {
    case "missing":
      return "does not exist";
    case "not-permitted":
      return "cannot be read: permission denied";
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

/** `path` as seen from the folder of `file`; an absolute one stays as it is. */
export function besideFile(file: string, path: string): string {
  if (path.startsWith("/")) return path;
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  return folder + path.replace(/^(\.\/+)+/, "");
}
