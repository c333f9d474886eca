/** What a router with the whole Internet's routes costs the daemon: nothing that stays. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Socket, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import type { BgpStatus } from "../../src/bgp/index.ts";
import type { Ipv4 } from "../../src/net/index.ts";
import { encodeMessage, encodeOpen } from "../../src/wire/index.ts";
import { eventually } from "../lab/index.ts";

const THEM = "127.0.0.2";
const ROUTES = 500_000;
const ROUTES_IN_UPDATE = 5; // about what routers of the Internet send
/** Buffers on their way come to 35 MiB; a table that is kept, even once, would be 60 MiB more. */
const MOST_GROWTH_KIB = 64 * 1024;

/** The speaker as a process of its own, so that its memory is its own. */
async function speaker(t: TestContext, port: number) {
  const child = spawn(process.execPath, ["--max-semi-space-size=2", join(import.meta.dirname, "speaker-process.ts"), "10.7.0.1"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => { child.kill("SIGKILL"); });
  const lines = createInterface({ input: child.stdout });
  const tell = (command: object): void => { child.stdin.write(`${JSON.stringify(command)}\n`); };
  tell({ do: "apply", peers: [{ address: THEM, port, families: ["ipv4"], connectTimeMs: 1000 }], routes: {}, complete: true });
  const status = async (): Promise<BgpStatus["peers"][number] | undefined> => {
    const answer = new Promise<string>((resolve) => {
      const take = (line: string): void => {
        if (!line.startsWith("STATUS ")) return;
        lines.off("line", take);
        resolve(line.slice("STATUS ".length));
      };
      lines.on("line", take);
    });
    tell({ do: "status" });
    return (JSON.parse(await answer) as BgpStatus).peers[0];
  };
  await eventually("it is established", 10_000, async () => (await status())?.state === "Established");
  return { status, pid: child.pid ?? 0 };
}

/** A router that brings the session up; resolves to its connection when there is one. */
async function router(t: TestContext): Promise<{ readonly port: number; readonly connected: Promise<Socket> }> {
  let arrived: (socket: Socket) => void = () => undefined;
  const connected = new Promise<Socket>((resolve) => { arrived = resolve; });
  const server = createServer((socket) => {
    socket.on("error", () => undefined).resume();
    socket.write(encodeMessage("OPEN", encodeOpen({ asn: 64501, holdSeconds: 90, identifier: "10.7.0.254" as Ipv4, capabilities: [{ name: "four-octet-as", asn: 64501 }] })));
    socket.write(encodeMessage("KEEPALIVE"));
    t.after(() => { socket.destroy(); });
    arrived(socket);
  });
  t.after(() => { server.close(); });
  await new Promise<void>((resolve) => server.listen(0, THEM, resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  return { port: bound.port, connected };
}

/** Distinct prefixes and an AS_PATH of its own in each UPDATE. */
function* fullTable(): Generator<Uint8Array> {
  for (let n = 0; n < ROUTES; n += ROUTES_IN_UPDATE) {
    const attributes = Buffer.concat([Buffer.from("400101004002160205" + "0000fbf5", "hex"), u32(n + 1), u32(n + 2), u32(n + 3), u32(n + 4), Buffer.from("4003040a0700fec00804fde9", "hex"), Buffer.from([n >> 8, n].map((octet) => octet & 255))]);
    const nlri = Array.from({ length: ROUTES_IN_UPDATE }, (_, i) => prefix(n + i)).flat();
    yield encodeMessage("UPDATE", Buffer.concat([Buffer.from([0, 0, 0, attributes.length]), attributes, Buffer.from(nlri)]));
  }
}

function* withdrawals(): Generator<Uint8Array> {
  for (let n = 0; n < ROUTES; n += ROUTES_IN_UPDATE) {
    const nlri = Array.from({ length: ROUTES_IN_UPDATE }, (_, i) => prefix(n + i)).flat();
    yield encodeMessage("UPDATE", Buffer.from([0, nlri.length, ...nlri, 0, 0]));
  }
}

function prefix(n: number): number[] {
  return [24, 1 + (n >> 16), (n >> 8) & 255, n & 255];
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

async function send(socket: Socket, messages: Iterable<Uint8Array>): Promise<void> {
  let batch: Uint8Array[] = [];
  const flush = async (): Promise<void> => {
    const octets = Buffer.concat(batch);
    batch = [];
    if (!socket.write(octets)) await new Promise((resolve) => socket.once("drain", resolve));
  };
  for (const message of messages) if (batch.push(message) === 500) await flush();
  await flush();
}

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

test("half a million routes are counted and checked, and do not stay in memory, nor do they the third time", async (t) => {
  const { port, connected } = await router(t);
  const { status, pid } = await speaker(t, port);
  const socket = await connected;
  const before = residentKib(pid);
  const counted = async (announcements: number, withdrawn: number): Promise<void> => {
    await eventually("all are counted", 20_000, async () => {
      const received = (await status())?.received;
      return received?.announcements === announcements && received.withdrawals === withdrawn;
    });
  };
  await send(socket, fullTable());
  await counted(ROUTES, 0);
  const once = residentKib(pid) - before;
  for (let round = 1; round <= 2; round++) {
    await send(socket, withdrawals());
    await send(socket, fullTable());
    await counted((round + 1) * ROUTES, round * ROUTES);
  }
  const thrice = residentKib(pid) - before;
  t.diagnostic(`resident: ${before} KiB, ${once} KiB more after one table, ${thrice} KiB more after three`);
  const peer = await status();
  assert.deepEqual([peer?.state, peer?.establishments, peer?.received.malformed], ["Established", 1, 0]);
  assert.ok(once < MOST_GROWTH_KIB, `${once} KiB more after one table`);
  assert.ok(thrice < MOST_GROWTH_KIB, `${thrice} KiB more after three`);
});
