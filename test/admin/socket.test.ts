import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { AdminSocket, type Answer, isListenedOn } from "../../src/admin/index.ts";
import { Journal } from "../../src/log/index.ts";
import { systemClock } from "../../src/time/index.ts";

type Answered = { readonly status: number | undefined; readonly body: string };

class Bench {
  readonly path: string;
  readonly socket: AdminSocket;
  log = "";
  turns = 0;

  constructor(t: TestContext, answer: Answer, path?: string) {
    const folder = mkdtempSync(join(tmpdir(), "bmlb-admin-"));
    this.path = path ?? join(folder, "bmlb.sock");
    const soon = (fn: () => void): void => {
      this.turns++;
      setImmediate(fn);
    };
    this.socket = new AdminSocket({ path: this.path, answer, clock: systemClock, soon, log: new Journal({ writableLength: 0, write: (text) => (this.log += text) }, "debug") });
    t.after(async () => {
      await this.socket.stop();
      rmSync(folder, { recursive: true });
    });
  }

  ask(path: string, method = "GET"): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: this.path, path, method }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.on("end", () => { resolve({ status: response.statusCode, body }); });
        response.on("error", reject);
      });
      call.on("error", reject);
      call.end();
    });
  }
}

const pools: Answer = (path, query) => {
  if (path === "/v1/pools") return { report: [] };
  if (path === "/v1/explain") return { error: `nothing is known of ${query.get("target") ?? "nothing"}` };
  if (path === "/broken") throw new Error("a defect");
  return undefined;
};

test("a question gets its report, as JSON; what is not understood gets a sentence and its status", async (t) => {
  const bench = new Bench(t, pools);
  assert.equal(await bench.socket.start(), undefined);
  assert.deepEqual(await bench.ask("/v1/pools"), { status: 200, body: "[]\n" });
  assert.deepEqual(await bench.ask("/v1/explain?target=a%20b"), { status: 404, body: '{"error":"nothing is known of a b"}\n' });
  assert.equal((await bench.ask("/v1/nonsense")).status, 404);
  assert.equal((await bench.ask("/v1/pools", "POST")).status, 405);
  assert.equal(bench.log, "");
});

for (const target of ["//", "///", "//[", "/%", "/v1/explain?target=%zz", "*", "http://[/"]) {
  test(`a question for ${target} is answered, and the daemon lives on`, async (t) => {
    const bench = new Bench(t, pools);
    await bench.socket.start();
    const { status } = await bench.ask(target);
    assert.ok(status === 400 || status === 404, String(status));
    assert.equal((await bench.ask("/v1/pools")).status, 200);
  });
}

test("an answer that fails is the daemon's fault: it is logged and said, and nothing ends", async (t) => {
  const bench = new Bench(t, pools);
  await bench.socket.start();
  assert.equal((await bench.ask("/broken")).status, 500);
  assert.match(bench.log, /^<3>a question could not be answered path=\/broken error="Error: a defect"\n$/);
  assert.equal((await bench.ask("/v1/pools")).status, 200);
});

test("a long list comes whole, in slices between which the daemon does other things", async (t) => {
  const rows = function* (): Iterable<object> {
    for (let n = 0; n < 300; n++) {
      for (const until = performance.now() + 0.1; performance.now() < until; );
      yield { n };
    }
  };
  const bench = new Bench(t, () => ({ rows: rows() }));
  await bench.socket.start();
  const { status, body } = await bench.ask("/v1/vips");
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body), Array.from({ length: 300 }, (_, n) => ({ n })));
  assert.ok(bench.turns >= 5, `${bench.turns} turns`);
});

test("an empty list is one", async (t) => {
  const bench = new Bench(t, () => ({ rows: [] }));
  await bench.socket.start();
  assert.deepEqual(JSON.parse((await bench.ask("/v1/vips")).body), []);
});

test("a list that fails midway breaks off, instead of looking complete", async (t) => {
  const bench = new Bench(t, () => ({
    rows: (function* () {
      yield {};
      throw new Error("a defect");
    })(),
  }));
  await bench.socket.start();
  await assert.rejects(bench.ask("/v1/vips"));
  assert.match(bench.log, /a defect/);
});

test("who asks for a long list and goes away costs nothing more", async (t) => {
  let made = 0;
  const rows = function* (): Iterable<object> {
    for (; made < 1_000_000; made++) yield { text: "x".repeat(10_000) };
  };
  const bench = new Bench(t, (path) => (path === "/v1/vips" ? { rows: rows() } : { report: [] }));
  await bench.socket.start();
  const client = connect(bench.path);
  client.write("GET /v1/vips HTTP/1.1\r\nHost: bmlb\r\n\r\n");
  await new Promise<void>((resolve) => client.once("data", () => { resolve(); }));
  client.destroy();
  assert.equal((await bench.ask("/v1/pools")).status, 200);
  const before = made;
  assert.equal((await bench.ask("/v1/pools")).status, 200);
  assert.ok(made - before < 10_000 && made < 100_000, `${made} rows were made for nobody`);
});

test("who reads slowly is waited for, however often, without a trace", async (t) => {
  const rows = function* (): Iterable<object> {
    for (let n = 0; n < 400; n++) {
      for (const until = performance.now() + 0.2; performance.now() < until; );
      yield { text: "x".repeat(100_000) };
    }
  };
  const bench = new Bench(t, () => ({ rows: rows() }));
  await bench.socket.start();
  const warnings: Error[] = [];
  const heard = (warning: Error): void => { warnings.push(warning); };
  process.on("warning", heard);
  t.after(() => process.off("warning", heard));
  assert.equal((JSON.parse((await bench.ask("/v1/vips")).body) as unknown[]).length, 400);
  await new Promise<void>((resolve) => setImmediate(resolve)); // a warning comes in a turn of its own
  assert.deepEqual(warnings, []);
});

test("the socket of a dead daemon is replaced, is for owner and group only, and goes with the daemon", async (t) => {
  const bench = new Bench(t, pools);
  writeFileSync(bench.path, "");
  assert.equal(await isListenedOn(bench.path), false);
  assert.equal(await bench.socket.start(), undefined);
  assert.equal(statSync(bench.path).mode & 0o777, 0o660);
  assert.equal(await isListenedOn(bench.path), true);
  await bench.socket.stop();
  assert.equal(await isListenedOn(bench.path), false);
});

test("a socket that cannot be made is a sentence, and stopping is no trouble", async (t) => {
  const bench = new Bench(t, pools, "/nonexistent/folder/bmlb.sock");
  assert.match((await bench.socket.start()) ?? "", /^cannot listen on \/nonexistent\/folder\/bmlb\.sock, .*: .*ENOENT|EACCES/);
});
