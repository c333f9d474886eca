import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { MetricsServer, type Sample } from "../../src/admin/index.ts";
import { Journal } from "../../src/log/index.ts";

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

type Bench = { readonly url: string; readonly port: number; readonly start: () => Promise<string | undefined>; readonly server: MetricsServer; readonly log: () => string };

async function bench(t: TestContext, read: () => readonly Sample[], unhealthy: () => string | undefined = () => undefined, port?: number): Promise<Bench> {
  let log = "";
  const at = port ?? (await freePort());
  const server = new MetricsServer({ log: new Journal({ writableLength: 0, write: (text) => (log += text) }, "debug"), read, unhealthy });
  t.after(() => server.stop());
  return { url: `http://127.0.0.1:${at}`, port: at, start: () => server.start({ address: "127.0.0.1", port: at }), server, log: () => log };
}

const gauge = (value: number, labels?: Record<string, string>): Sample => ({ name: "bmlb_vips", help: "VIPs.", type: "gauge", value, ...(labels && { labels }) });

test("each scrape shows the values of that moment, in Prometheus' text format, and those of the process", async (t) => {
  let vips = 3;
  const { url, start } = await bench(t, () => [gauge(vips), { name: "bmlb_lost_total", help: "Lost.", type: "counter", value: 7, labels: { interface: 'et"h0' } }]);
  assert.equal(await start(), undefined);
  const first = await (await fetch(`${url}/metrics`)).text();
  assert.match(first, /^# HELP bmlb_vips VIPs\.\n# TYPE bmlb_vips gauge\nbmlb_vips 3$/m);
  assert.match(first, /^# TYPE bmlb_lost_total counter\nbmlb_lost_total\{interface="et\\"h0"\} 7$/m);
  assert.match(first, /^bmlb_process_resident_memory_bytes \d+/m);
  vips = 4;
  const response = await fetch(`${url}/metrics?x=1`);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const second = await response.text();
  assert.match(second, /^bmlb_vips 4$/m);
  assert.match(second, /^bmlb_lost_total\{.*\} 7$/m);
});

test("samples of one name with different labels are one metric", async (t) => {
  const { url, start } = await bench(t, () => [gauge(1, { pool: "a" }), gauge(2, { pool: "b" })]);
  await start();
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.equal(text.split("# TYPE bmlb_vips").length - 1, 1);
  assert.match(text, /^bmlb_vips\{pool="a"\} 1\nbmlb_vips\{pool="b"\} 2$/m);
});

test("the health check says what is wrong", async (t) => {
  let wrong: string | undefined = "starting";
  const { url, start } = await bench(t, () => [], () => wrong);
  await start();
  const response = await fetch(`${url}/healthz`);
  assert.deepEqual([response.status, await response.text()], [503, "starting\n"]);
  wrong = undefined;
  assert.deepEqual(await (await fetch(`${url}/healthz`)).text(), "ok\n");
});

test("other paths and methods are refused, and a scrape that fails is logged", async (t) => {
  const { url, start, log } = await bench(t, () => {
    throw new Error("a defect");
  });
  await start();
  assert.equal((await fetch(`${url}/`)).status, 404);
  assert.equal((await fetch(`${url}/metrics`, { method: "POST" })).status, 405);
  assert.equal((await fetch(`${url}/metrics`)).status, 500);
  assert.match(log(), /<3>the metrics could not be collected error="Error: a defect"/);
});

test("a port that is taken is a sentence that names it, and can be had later", async (t) => {
  const first = await bench(t, () => []);
  await first.start();
  const second = await bench(t, () => [], undefined, first.port);
  assert.match((await second.start()) ?? "", new RegExp(`^cannot serve metrics on 127\\.0\\.0\\.1 port ${first.port}: .*EADDRINUSE`));
  await first.server.stop();
  assert.equal(await second.start(), undefined);
  assert.equal(await (await fetch(`${second.url}/healthz`)).text(), "ok\n");
});

test("it can listen elsewhere, and nobody is left where it was", async (t) => {
  const { url, port, server, start } = await bench(t, () => [gauge(1)]);
  await start();
  await server.stop();
  const other = await freePort();
  assert.equal(await server.start({ address: "127.0.0.1", port: other }), undefined);
  assert.match(await (await fetch(`http://127.0.0.1:${other}/metrics`)).text(), /^bmlb_vips 1$/m);
  await assert.rejects(fetch(url));
  assert.notEqual(other, port);
});
