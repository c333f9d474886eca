/** What tells this machine, this boot and this start of the daemon from any other. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The machine's lasting identity (machine-id(5)); without one, an empty text. */
export function machineId(): string {
  return readLine("/etc/machine-id") ?? readLine("/var/lib/dbus/machine-id") ?? "";
}

/** Another after each boot (random(4)). */
export function bootId(): string {
  return readLine("/proc/sys/kernel/random/boot_id") ?? "";
}

/** Milliseconds since the boot, suspended ones included; undefined where /proc does not tell (proc_uptime(5)). */
export function sinceBootMs(): number | undefined {
  const seconds = Number(readLine("/proc/uptime")?.split(" ")[0]);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** Small texts that the daemon keeps from one start to the next, each in a file of its own. A full disk loses them, and nothing else. */
export class Keepsakes {
  readonly #directory: string;

  /** Makes the directory if need be; throws if that is not possible. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    this.#directory = directory;
  }

  read(name: string): string | undefined {
    return readLine(join(this.#directory, name));
  }

  /** False if it could not be written. */
  keep(name: string, text: string): boolean {
    const path = join(this.#directory, name);
    try {
      writeFileSync(`${path}.new`, `${text}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
      return true;
    } catch {
      return false;
    }
  }
}

function readLine(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8").trim();
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}
