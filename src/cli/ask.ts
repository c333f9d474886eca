/** Asks the running daemon over its sockets. */
import { request } from "node:http";
import type { ErrorReport, Orders, Reports } from "../admin/index.ts";

/** The daemon does not run, does not answer, or said what is wrong with the question. The message is for people. */
export class AskError extends Error {}

const ANSWER_WITHIN_MS = 5000;
/** An order waits for those before it, and for a daemon that is starting. */
const CARRIED_OUT_WITHIN_MS = 25_000;

/** Asks on the socket for reports. Throws AskError. */
export function ask<Path extends keyof Reports>(socket: string, path: Path, query: Readonly<Record<string, string>>): Promise<Reports[Path]> {
  const call: Call = { method: "GET", path: `${path}?${new URLSearchParams(query).toString()}`, withinMs: ANSWER_WITHIN_MS, who: "be root or in the group bmlb" };
  return exchange(socket, call) as Promise<Reports[Path]>;
}

/** Gives an order on the control socket, and waits for what comes of it. Throws AskError. */
export function order<Path extends keyof Orders>(socket: string, path: Path): Promise<Orders[Path]> {
  return exchange(socket, { method: "POST", path, withinMs: CARRIED_OUT_WITHIN_MS, who: "be root" }) as Promise<Orders[Path]>;
}

/** `who`: who may. */
type Call = { readonly method: "GET" | "POST"; readonly path: string; readonly withinMs: number; readonly who: string };

function exchange(socket: string, { method, path, withinMs, who }: Call): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socket, path, method, timeout: withinMs }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => (body += text));
      response.on("error", () => {
        reject(new AskError(`the daemon broke off its answer on ${socket}; has it stopped? see journalctl -u bmlb`));
      });
      response.on("end", () => {
        try {
          const report: unknown = JSON.parse(body);
          if (response.statusCode === 200) resolve(report);
          else reject(new AskError((report as Partial<ErrorReport>).error ?? `the daemon gave the status ${response.statusCode ?? 0} on ${socket}`));
        } catch {
          reject(new AskError(`the daemon gave an answer that is not JSON on ${socket}`));
        }
      });
    });
    call.on("timeout", () => call.destroy(new AskError(`the daemon did not answer on ${socket} within ${withinMs / 1000} s; see journalctl -u bmlb`)));
    call.on("error", (error: NodeJS.ErrnoException) => {
      reject(error instanceof AskError ? error : new AskError(explainFailure(socket, who, error)));
    });
    call.end();
  });
}

function explainFailure(socket: string, who: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return `bmlb is not running here (nothing listens on ${socket}); start it with: systemctl start bmlb`;
    case "ENOTDIR":
      return `there is no such socket: ${socket}; --socket names another`;
    case "EACCES":
      return `no permission to ask bmlb on ${socket}; ${who}`;
    default:
      return `cannot ask bmlb on ${socket}: ${error.message}`;
  }
}
