/** What is mounted below a folder of the lab, and how it is taken away. */
import { readFileSync } from "node:fs";
import { run, runToEnd } from "./run.ts";

/** A root for a booted system: the tree `base`, unchanged, under a layer of its own in memory that holds all that the system writes. */
export async function mountSystem(base: string, disk: string, root: string, sizeBytes: number): Promise<void> {
  await run(["mount", "-t", "tmpfs", "-o", `size=${sizeBytes},mode=0700`, "tmpfs", disk]);
  await run(["mkdir", "-m", "0755", `${disk}/upper`, `${disk}/work`]);
  await run(["mount", "-t", "overlay", "overlay", "-o", `lowerdir=${base},upperdir=${disk}/upper,workdir=${disk}/work`, root]);
}

/** Unmounts everything below a folder, the last mounted first. Harmless when there is nothing. */
export async function unmountBelow(folder: string): Promise<void> {
  // proc_pid_mountinfo(5), field 5; blanks are escaped, and the lab has none in its paths.
  const points = readFileSync("/proc/self/mountinfo", "utf8").split("\n").flatMap((line) => line.split(" ")[4] ?? []);
  for (const point of points.filter((one) => one.startsWith(`${folder}/`)).reverse()) await runToEnd(["umount", "--lazy", point]);
}
