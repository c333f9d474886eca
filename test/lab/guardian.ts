/**
 * Removes a lab when the process that made it dies, however it dies: a small shell waits on a pipe whose other end only that process holds,
 * and starts this file as a program when the pipe closes.
 */
import { spawn } from "node:child_process";
import { removeLab } from "./namespace.ts";

/** Watches over one lab. Call the result when the lab has been removed in good order. */
export function guard(id: string): () => void {
  // In a session of its own: what kills a test's whole process group must not kill its guardian.
  const shell = spawn("sh", ["-c", 'read -r done || exec "$@"', "guardian", process.execPath, import.meta.filename, id], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.on("error", () => undefined);
  shell.stdin.on("error", () => undefined);
  shell.unref();
  return () => {
    shell.stdin.end("done\n");
  };
}

if (import.meta.main) {
  const [id] = process.argv.slice(2);
  if (id !== undefined) await removeLab(id);
}
