/** The lab's end of NOTIFY_SOCKET hears what sd_notify sends. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { check, libc } from "../../src/linux/libc.ts";
import { eventually } from "./eventually.ts";
import { NotifySocket } from "./notify.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;

test("each assignment of each datagram is kept, in order, and what came before the end is read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bmlb-notify-"));
  try {
    const socket = new NotifySocket(join(folder, "notify"));
    send(socket.path, "READY=1\nSTATUS=serving 3 VIPs = all");
    await eventually("READY is heard", 2000, () => socket.last("READY") === "1");
    assert.equal(socket.last("STATUS"), "serving 3 VIPs = all");
    send(socket.path, "STOPPING=1\nSTATUS=stopping");
    socket.close();
    assert.deepEqual(socket.received.map(({ key, value }) => `${key}=${value}`), ["READY=1", "STATUS=serving 3 VIPs = all", "STOPPING=1", "STATUS=stopping"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a path that is too long for a socket is refused", () => {
  assert.throws(() => new NotifySocket(`/tmp/${"x".repeat(120)}`), /too long/);
});

function send(path: string, text: string): void {
  const fd = check("socket", libc().socket(AF_UNIX, SOCK_DGRAM, 0));
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  const data = Buffer.from(text);
  check("sendto", libc().sendto(fd, data, data.length, 0, address, address.length));
  libc().close(fd);
}
