/**
 * A copy of the files of a configuration, to be read later as if they still stood where they were. Holds no secret: those are in files
 * of their own, which the copy only names, and which are read where they are. Pure.
 */
import { type ConfigFiles, besideFile } from "./files.ts";
import type { SourceText } from "./sources.ts";

export type ConfigCopy = {
  /** Of config.toml, absolute. */
  readonly path: string;
  /** When it came into force, for people. */
  readonly since: string;
  readonly sources: readonly SourceText[];
};

/** As `parseCopy` reads it. */
export function formatCopy(copy: ConfigCopy): string {
  return JSON.stringify({ version: 1, ...copy });
}

/** Undefined for what is none. */
export function parseCopy(text: string): ConfigCopy | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value["version"] !== 1) return undefined;
  const { path, since, sources } = value;
  if (typeof path !== "string" || typeof since !== "string" || !Array.isArray(sources)) return undefined;
  return sources.every(isSourceText) ? { path, since, sources } : undefined;
}

/** The files of the copy as they were, all others as they are. */
export function withCopy(files: ConfigFiles, copy: ConfigCopy): ConfigFiles {
  const texts = new Map(copy.sources.map(({ path, text }) => [path, text]));
  const folder = besideFile(copy.path, "conf.d");
  return {
    read(path, limit) {
      const text = texts.get(path);
      return text === undefined ? files.read(path, limit) : { ok: true, bytes: new TextEncoder().encode(text), mode: 0o600 };
    },
    list(path) {
      if (path !== folder) return files.list(path);
      const inside = Array.from(texts.keys()).filter((source) => source.startsWith(`${folder}/`));
      return { ok: true, names: inside.map((source) => source.slice(folder.length + 1)) };
    },
    absolute: (path) => files.absolute(path),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isSourceText(value: unknown): value is SourceText {
  return isRecord(value) && typeof value["path"] === "string" && typeof value["text"] === "string";
}
