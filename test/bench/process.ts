/** What the kernel says of a process: its memory and the CPU time that it used. */
import { readdirSync, readFileSync } from "node:fs";

/** Resident memory in MB. */
export function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(?<kb>[0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.groups?.["kb"];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory`);
  return Number(kilobytes) / 1000;
}

/** CPU time of all its living threads since they began, in ms. */
export function cpuMs(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return nanoseconds / 1e6;
}
