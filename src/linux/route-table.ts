/**
 * Routes of ours in the kernel's main table that say "unreachable" (ip-route(8)), by the program `ip` of iproute2.
 *
 * They carry our protocol number, by which they are found again after a restart, and a metric so high that any other route to the same
 * prefix wins. The kernel itself picks them out: a host with a full table does not pay for the others.
 */
import { spawn } from "node:child_process";
import { type Family, type Prefix, formatPrefix, parsePrefix } from "../net/index.ts";

export interface RouteTable {
  /** Those that are there. Rejects with an Error whose message is for people. */
  unreachable(family: Family): Promise<readonly Prefix[]>;
  /**
   * Adds and removes; what is there already or gone already is as good as done. Rejects with an Error whose message is for people; what could
   * be done is done then too.
   */
  change(change: { readonly add: readonly Prefix[]; readonly remove: readonly Prefix[] }): Promise<void>;
}

export const systemRoutes: RouteTable = { unreachable, change };

const PROTOCOL = 251; // of none in /etc/iproute2/rt_protos
const METRIC = 4_294_967_294;
const MARKS = `proto ${PROTOCOL} metric ${METRIC}`;
const PATIENCE_MS = 5000;
/** Run by a user without CAP_NET_ADMIN, ip first gives up all capabilities. Where it may not, as under the SystemCallFilter= of the unit, it ends there. */
const MUTE = "Operation not permitted";

async function unreachable(family: Family): Promise<readonly Prefix[]> {
  const argv = ["-j", family === "ipv4" ? "-4" : "-6", "route", "show", "table", "main", "proto", String(PROTOCOL), "type", "unreachable"];
  const { status, stdout, stderr } = await ip(argv);
  if (status !== 0) throw new Error(stderr === "" ? MUTE : firstLine(stderr));
  const rows = JSON.parse(stdout.trim() === "" ? "[]" : stdout) as readonly { readonly dst?: string; readonly metric?: number }[];
  return rows.flatMap(({ dst, metric }) => (metric === METRIC ? (parsePrefix(dst ?? "") ?? []) : []));
}

async function change({ add, remove }: { readonly add: readonly Prefix[]; readonly remove: readonly Prefix[] }): Promise<void> {
  const lines = [...add.map((prefix) => line("add", prefix)), ...remove.map((prefix) => line("del", prefix))];
  if (lines.length === 0) return;
  const { status, stderr } = await ip(["-force", "-batch", "-"], `${lines.join("\n")}\n`);
  if (status !== 0 && stderr === "") throw new Error(MUTE);
  // "RTNETLINK answers: …" and "Command failed -:LINE", once for each line that failed.
  const failed = stderr.split("\n").find((text) => text !== "" && !/^Command failed |: (File exists|No such process)$/.test(text));
  if (failed !== undefined) throw new Error(firstLine(failed));
}

/** The family follows from the prefix. */
function line(verb: "add" | "del", prefix: Prefix): string {
  return `route ${verb} unreachable ${formatPrefix(prefix)} table main ${MARKS}`;
}

type Output = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

/** Rejects if it cannot be run, or does not end. */
async function ip(argv: readonly string[], input = ""): Promise<Output> {
  return await new Promise((resolve, reject) => {
    const child = spawn("ip", argv, { stdio: ["pipe", "pipe", "pipe"], timeout: PATIENCE_MS, killSignal: "SIGKILL", env: { ...process.env, LC_ALL: "C" } });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => undefined); // it ended before it had read everything; its status says why
    child.on("error", (error) => {
      reject(new Error(`the program ip cannot be run: ${error.message}`));
    });
    child.on("close", (status, signal) => {
      if (signal === null) resolve({ status, stdout, stderr });
      else reject(new Error("the program ip did not end"));
    });
    child.stdin.end(input);
  });
}

function firstLine(text: string): string {
  return text.split("\n")[0]?.replace(/^(RTNETLINK answers|Error): |\.$/g, "") ?? "";
}
