/** A file system in memory, for tests of the configuration. */
import type { ConfigFiles, FileFault } from "../../src/config/index.ts";

/** Text is a file that only its owner can read; a fault is what opening it meets. */
export type MemoryFile = string | Uint8Array | { readonly text: string; readonly mode: number } | { readonly fault: FileFault };

/** Paths are taken as they are: there is no current folder. */
export function memoryFiles(files: Readonly<Record<string, MemoryFile>>): ConfigFiles {
  return {
    read(path, limit) {
      const file = Object.hasOwn(files, path) ? files[path] : undefined;
      if (file === undefined) return { ok: false, reason: { type: "missing" } };
      if (typeof file === "object" && "fault" in file) return { ok: false, reason: file.fault };
      const mode = typeof file === "object" && "mode" in file ? file.mode : 0o600;
      const bytes = file instanceof Uint8Array ? file : new TextEncoder().encode(typeof file === "string" ? file : file.text);
      return bytes.length > limit ? { ok: false, reason: { type: "too-large" } } : { ok: true, bytes, mode };
    },
    list(path) {
      const file = files[path];
      if (typeof file === "object" && "fault" in file) return { ok: false, reason: file.fault };
      const names = Object.keys(files).filter((name) => name.startsWith(`${path}/`)).map((name) => name.slice(path.length + 1));
      return names.length === 0 ? { ok: false, reason: { type: "missing" } } : { ok: true, names };
    },
    absolute: (path) => path,
  };
}
