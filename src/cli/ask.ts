/** Asks the running daemon over its socket. */
import { request } from "node:http";
import type { ErrorReport, Reports } from "../admin/index.ts";

/** The daemon does not run, does not answer, or said what is wrong with the question. The message is for people. */
export class AskError extends Error {}

const ANSWER_WITHIN_MS = 5000;

/** Throws AskError. */
export function ask<Path extends keyof Reports>(socket: string, path: Path, query: Readonly<Record<string, string>>): Promise<Reports[Path]> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socket, path: `${path}?${new URLSearchParams(query).toString()}`, method: "GET", timeout: ANSWER_WITHIN_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => (body += text));
      response.on("error", () => {
        reject(new AskError(`the daemon broke off its answer on ${socket}; has it stopped? see journalctl -u bmlb`));
      });
      response.on("end", () => {
        try {
          const report: unknown = JSON.parse(body);
          if (response.statusCode === 200) resolve(report as Reports[Path]);
          else reject(new AskError((report as Partial<ErrorReport>).error ?? `the daemon gave the status ${response.statusCode ?? 0} on ${socket}`));
        } catch {
          reject(new AskError(`the daemon gave an answer that is not JSON on ${socket}`));
        }
      });
    });
    call.on("timeout", () => call.destroy(new AskError(`the daemon did not answer on ${socket} within ${ANSWER_WITHIN_MS / 1000} s; see journalctl -u bmlb`)));
    call.on("error", (error: NodeJS.ErrnoException) => {
      reject(error instanceof AskError ? error : new AskError(explainFailure(socket, error)));
    });
    call.end();
  });
}

function explainFailure(socket: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return `bmlb is not running here (nothing listens on ${socket}); start it with: systemctl start bmlb`;
    case "ENOTDIR":
      return `there is no such socket: ${socket}; --socket names another`;
    case "EACCES":
      return `no permission to ask bmlb on ${socket}; be root or in the group bmlb`;
    default:
      return `cannot ask bmlb on ${socket}: ${error.message}`;
  }
}
