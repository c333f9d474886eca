/** A file that a kubeconfig points to, read anew for each request: whole, of bounded size, and without ever waiting for a pipe. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** No certificate, key or token is as long; octets. */
export const MOST_OCTETS = 1 << 20;

/** Rejects with an Error whose message names the path and says why. */
export async function readSmallFile(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
    if (stat.size > MOST_OCTETS) throw new Error(`${path} is larger than ${MOST_OCTETS} octets`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
