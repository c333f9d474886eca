/** What the kernel says of a process: its memory and the CPU time that it used. */
import { readdirSync, readFileSync } from "node:fs";

/** Resident memory in MB. */
export function residentMb(pid: number): number {
  return statusMb(pid, "VmRSS");
}

/** The most that a process and its descendants ever had resident, each by itself, in MB. */
export function peakResidentMb(pid: number): number {
  return sum(familyOf(pid), (one) => statusMb(one, "VmHWM"));
}

/** What a process and its descendants have resident, pages that several share counted in parts, in MB. */
export function proportionalMb(pid: number): number {
  return sum(familyOf(pid), (one) => Number(/^Pss:\s+(?<kb>[0-9]+) kB$/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, "utf8"))?.groups?.["kb"]) / 1000);
}

/** CPU time of all its living threads since they began, in ms. */
export function cpuMs(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return nanoseconds / 1e6;
}

/** The same for it and all its descendants. */
export function familyCpuMs(pid: number): number {
  return sum(familyOf(pid), cpuMs);
}

function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number));
  return [pid, ...children.flatMap(familyOf)];
}

function statusMb(pid: number, key: string): number {
  const kilobytes = new RegExp(`^${key}:\\s+([0-9]+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory`);
  return Number(kilobytes) / 1000;
}

function sum(pids: readonly number[], value: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + value(pid), 0);
}
