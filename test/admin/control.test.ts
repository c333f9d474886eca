import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { umask } from "node:process";
import { test, type TestContext } from "node:test";
import { ControlSocket, type DrainReport, type ReloadReport } from "../../src/admin/index.ts";
import { silentLog } from "../../src/log/index.ts";

const DONE: ReloadReport = { applied: true, changes: ["[host] weight"], problems: [], warnings: [] };

type Bench = { readonly path: string; readonly socket: ControlSocket; readonly orders: () => number; readonly send: (method: string, path: string) => Promise<string> };

function bench(t: TestContext, path?: string): Bench {
  const folder = mkdtempSync(join(tmpdir(), "bmlb-control-"));
  const at = path ?? join(folder, "control.sock");
  let orders = 0;
  const reload = (): Promise<ReloadReport> => {
    orders++;
    return Promise.resolve(DONE);
  };
  const drain = (): Promise<DrainReport> => Promise.resolve({ drained: true, changed: true, note: "" });
  const socket = new ControlSocket({ path: at, log: silentLog, carryOut: { "/v1/reload": reload, "/v1/drain": drain, "/v1/undrain": drain } });
  t.after(async () => {
    await socket.stop();
    rmSync(folder, { recursive: true });
  });
  const send = (method: string, target: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = request({ socketPath: at, path: target, method }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.on("end", () => { resolve(`${response.statusCode ?? 0} ${body}`); });
      });
      call.on("error", reject);
      call.end();
    });
  return { path: at, socket, orders: () => orders, send };
}

test("an order is carried out, and what came of it is the answer", async (t) => {
  const { socket, send, orders } = bench(t);
  assert.equal(await socket.start(), undefined);
  assert.equal(await send("POST", "/v1/reload"), `200 ${JSON.stringify(DONE)}\n`);
  assert.equal(orders(), 1);
});

test("nothing but a POST of a known order does anything", async (t) => {
  const { socket, send, orders } = bench(t);
  await socket.start();
  for (const [method, path, status] of [["GET", "/v1/reload", 405], ["DELETE", "/v1/reload", 405], ["POST", "/", 404], ["POST", "/v1/reload/x", 404], ["POST", "/toString", 404], ["POST", "/__proto__", 404]] as const) {
    assert.match(await send(method, path), new RegExp(`^${status} \\{"error":`), `${method} ${path}`);
  }
  assert.equal(orders(), 0);
});

test("only its owner may connect, whatever the umask is, and the umask stays what it was", async (t) => {
  const { path, socket } = bench(t);
  writeFileSync(path, "");
  const before = umask(0);
  t.after(() => umask(before));
  assert.equal(await socket.start(), undefined);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(umask(0), 0);
});

test("a socket that cannot be made is a sentence", async (t) => {
  const { socket } = bench(t, "/nonexistent/control.sock");
  assert.match((await socket.start()) ?? "", /^cannot listen on \/nonexistent\/control\.sock, so that `bmlb reload` and `bmlb drain` do not work: /);
});
