import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Cluster, type ClusterChange, type Service, type ServiceKey } from "../../src/cluster/index.ts";
import { Cache, Client, ClusterSource, Contact, Credentials, Trouble } from "../../src/kube/index.ts";
import { address } from "../../src/net/index.ts";
import { systemClock, systemRandom } from "../../src/time/index.ts";
import { MemoryLog, TinyServer, fastClock, json, until } from "./tiny-server.ts";

let server: TinyServer;
let folder: string;
const objects: Record<string, Map<string, object>> = {};
const watches = new Map<string, ServerResponse>();
let version = 100;
const running: { readonly source: ClusterSource; readonly client: Client }[] = [];

before(async () => {
  server = await TinyServer.start();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bmlb-cache-"));
  for (const kind of ["services", "endpointslices", "nodes", "namespaces"]) objects[kind] = new Map();
  server.respond = (request, r) => {
    const url = new URL(request.url ?? "", "https://a");
    const kind = url.pathname.split("/").at(-1) ?? "";
    if (url.searchParams.has("watch")) {
      watches.set(kind, r);
      r.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    } else json(r, 200, { metadata: { resourceVersion: String(version) }, items: [...(objects[kind]?.values() ?? [])] });
  };
});
afterEach(async () => {
  for (const { source, client } of running.splice(0)) {
    await source.stop();
    client.stop();
  }
  await rm(folder, { recursive: true, force: true });
});
after(() => server.stop());

const service = (name: string, type = "LoadBalancer", ip = "192.0.2.1", more: object = {}): object => ({
  metadata: { name, namespace: "shop", uid: `uid-${name}`, resourceVersion: String(version), creationTimestamp: "2026-11-21T10:00:00Z", ...more },
  spec: { type, ports: [{ port: 80 }] },
  status: { loadBalancer: type === "LoadBalancer" ? { ingress: [{ ip }] } : {} },
});
const slice = (name: string, owner: string, nodes: readonly string[]): object => ({
  metadata: { name, namespace: "shop", resourceVersion: String(version), labels: { "kubernetes.io/service-name": owner } },
  endpoints: nodes.map((nodeName) => ({ nodeName, conditions: { ready: true } })),
});
const node = (name: string): object => ({ metadata: { name, resourceVersion: "1", labels: { a: "b" } }, status: { conditions: [{ type: "Ready", status: "True" }], addresses: [{ type: "InternalIP", address: "192.0.2.9" }] } });
const key = (name: string): ServiceKey => `main/shop/${name}` as ServiceKey;

function say(kind: string, type: string, object: object): void {
  version++;
  watches.get(kind)?.write(`${JSON.stringify({ type, object })}\n`);
}

type Running = { readonly source: ClusterSource; readonly cluster: Cluster; readonly changes: ClusterChange[]; readonly log: MemoryLog; readonly cache: Cache };

async function make(cacheFolder = folder, identity = "cluster-1"): Promise<Running> {
  const clock = fastClock(20);
  const log = new MemoryLog();
  const client = new Client(new Credentials(await server.kubeconfig(), undefined, clock, log), clock);
  const cluster = new Cluster();
  const changes: ClusterChange[] = [];
  const cache = new Cache(cacheFolder, identity, clock, log);
  const source = new ClusterSource({
    api: client,
    cluster: "main",
    clock,
    random: systemRandom,
    log,
    trouble: new Trouble(log, clock),
    contact: new Contact(clock),
    cache,
    onChanges: (batch) => {
      assert.ok(batch.length <= 500);
      for (const change of batch) {
        changes.push(change);
        cluster.apply(change);
      }
    },
  });
  running.push({ source, client });
  return { source, cluster, changes, log, cache };
}

async function watching(source: ClusterSource): Promise<void> {
  await until("all four watch", () => source.status().watches.every((watch) => watch.state === "watching"));
}

test("the cluster is known once each kind was listed, and follows its watches", async () => {
  objects["services"]?.set("web", service("web")).set("internal", service("internal", "ClusterIP"));
  objects["endpointslices"]?.set("web-1", slice("web-1", "web", ["n1"]));
  objects["nodes"]?.set("n1", node("n1"));
  objects["namespaces"]?.set("shop", { metadata: { name: "shop", labels: { team: "web" } } });
  const { source, cluster } = await make();
  source.start();
  await watching(source);
  assert.ok(cluster.complete);
  assert.deepEqual(Array.from(cluster.services(), (s) => s.name), ["web"], "a Service that is no LoadBalancer costs no memory");
  assert.deepEqual(cluster.endpoints(key("web")), [{ node: "n1", ready: true, serving: true, terminating: false }]);
  assert.deepEqual(cluster.node("n1")?.addresses, ["192.0.2.9"]);
  assert.deepEqual(cluster.namespace("shop")?.labels, { team: "web" });
  say("services", "ADDED", service("api", "LoadBalancer", "192.0.2.2"));
  say("endpointslices", "DELETED", slice("web-1", "web", []));
  await until("the events arrived", () => cluster.service(key("api")) !== undefined && cluster.endpoints(key("web")).length === 0);
  assert.deepEqual(cluster.servicesAt(address("192.0.2.2")).map((s) => s.name), ["api"]);
  assert.ok((source.status().lastContact ?? 0) > Date.now() - 60_000);
});

test("a Service that changes its type is said with the new one, so that its address can be taken back", async () => {
  objects["services"]?.set("web", service("web"));
  const { source, cluster } = await make();
  source.start();
  await watching(source);
  say("services", "MODIFIED", service("web", "ClusterIP"));
  await until("it is known", () => cluster.service(key("web"))?.type === "ClusterIP");
  assert.deepEqual(cluster.servicesAt(address("192.0.2.1")), []);
  say("services", "MODIFIED", service("web", "LoadBalancer", "192.0.2.3"));
  await until("it is back", () => cluster.servicesAt(address("192.0.2.3")).length === 1);
});

test("nothing is said twice: not by a heartbeat, not by a relist", async () => {
  objects["nodes"]?.set("n1", node("n1"));
  objects["services"]?.set("web", service("web"));
  const { source, changes } = await make();
  source.start();
  await watching(source);
  const before = changes.length;
  say("nodes", "MODIFIED", { ...node("n1"), metadata: { name: "n1", labels: { a: "b" }, resourceVersion: "150" } });
  source.relist("services");
  await until("it was listed again", () => source.status().watches[0]?.lists === 2 && source.status().watches[2]?.events === 1);
  assert.deepEqual(changes.slice(before), [{ type: "synced", kind: "services" }]);
});

test("an object that cannot be read is passed over with one warning, and what was known of it stays", async () => {
  objects["services"]?.set("web", service("web"));
  const { source, cluster, log } = await make();
  source.start();
  await watching(source);
  for (let i = 0; i < 3; i++) say("services", "MODIFIED", { metadata: { name: "web", namespace: "shop", resourceVersion: String(200 + i) }, spec: 7 });
  say("services", "ADDED", { metadata: { resourceVersion: "300" } });
  objects["services"]?.set("web", { metadata: { name: "web", namespace: "shop" }, spec: null });
  await until("all were counted", () => source.status().malformed === 4);
  source.relist("services");
  await until("it was listed again", () => source.status().watches[0]?.lists === 2);
  assert.ok(cluster.service(key("web")));
  assert.equal(log.lines.length, 2, log.lines.join("\n"));
});

/** A source that watches, and the one Service that it knows. */
async function watchingWeb(): Promise<Running & { readonly known: Service }> {
  objects["services"]?.set("web", service("web"));
  const made = await make();
  made.source.start();
  await watching(made.source);
  const known = made.cluster.service(key("web"));
  assert.ok(known);
  return { ...made, known };
}

test("what our own write answered is taken over, unless the watch was faster", async () => {
  const { source, cluster, known } = await watchingWeb();
  source.wrote({ ...known, resourceVersion: "500", ingress: [{ ip: address("192.0.2.8") }] });
  assert.deepEqual(cluster.service(key("web"))?.ingress, [{ ip: "192.0.2.8" }]);
  source.wrote({ ...known, resourceVersion: "400", ingress: [] });
  source.wrote({ ...known, uid: "another", resourceVersion: "600", ingress: [] });
  assert.deepEqual(cluster.service(key("web"))?.ingress, [{ ip: "192.0.2.8" }]);
});

async function fill(): Promise<void> {
  objects["services"]?.set("web", service("web")).set("old", service("old", "LoadBalancer", "2001:db8::7"));
  objects["endpointslices"]?.set("web-1", slice("web-1", "web", ["n1", "n2"]));
  objects["nodes"]?.set("n1", node("n1"));
  objects["namespaces"]?.set("shop", { metadata: { name: "shop" } });
  const { source, client } = await (async () => {
    const made = await make();
    const last = running.pop();
    assert.ok(last);
    return { source: made.source, client: last.client };
  })();
  source.start();
  await watching(source);
  await source.stop();
  client.stop();
}

test("a start without the API knows the cluster from disk, and the first list removes what is gone meanwhile", async () => {
  await fill();
  const { mode } = await stat(join(folder, "cluster.cache"));
  assert.equal(mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["cluster.cache"]);
  const { source, cluster, changes } = await make();
  assert.equal(await source.loadCache(), true);
  assert.ok(cluster.complete);
  assert.deepEqual(Array.from(cluster.services(), (s) => s.name).sort(), ["old", "web"]);
  assert.deepEqual(cluster.servicesAt(address("2001:db8::7")).map((s) => s.name), ["old"]);
  assert.equal(cluster.endpoints(key("web")).length, 2);
  assert.equal(source.status().watches[0]?.listed, false, "what comes from disk is not what the API lists");
  const before = changes.length;
  objects["services"]?.delete("old");
  source.start();
  await watching(source);
  assert.deepEqual(changes.slice(before).filter((change) => change.type !== "synced"), [{ type: "service-gone", key: key("old") }]);
});

test("the cache is written within seconds of a change, and not more often", async () => {
  objects["services"]?.set("web", service("web"));
  const { source, cache } = await make();
  source.start();
  await watching(source);
  await until("it was written", () => cache.status().writtenAt !== undefined);
  const first = cache.status().writtenAt;
  say("services", "ADDED", service("api"));
  await until("it was written again", () => cache.status().writtenAt !== first);
  assert.match(await readFile(join(folder, "cluster.cache"), "utf8"), /"name":"api"/);
});

test("a view that was never complete is not written", async () => {
  server.respond = ((respond) => (request, r, body) => {
    if (request.url?.startsWith("/api/v1/nodes") === true) json(r, 403, {});
    else respond(request, r, body);
  })(server.respond);
  const { source } = await make();
  source.start();
  await until("three watch", () => source.status().watches.filter((watch) => watch.state === "watching").length === 3);
  await source.stop();
  assert.deepEqual(await readdir(folder), []);
});

for (const [what, damage] of [
  ["empty", (path) => truncate(path, 0)],
  ["cut off", async (path) => truncate(path, (await stat(path)).size - 30)],
  ["cut to its first line", async (path) => truncate(path, (await readFile(path, "utf8")).indexOf("\n") + 1)],
  ["changed in one letter", async (path) => writeFile(path, (await readFile(path, "utf8")).replace("192.0.2.1", "192.0.2.2"))],
  ["of another version", async (path) => writeFile(path, (await readFile(path, "utf8")).replace('"version":1', '"version":2'))],
  ["of another cluster", async (path) => writeFile(path, (await readFile(path, "utf8")).replace("cluster-1", "cluster-2"))],
  ["something else", (path) => writeFile(path, "#!/bin/sh\nexit 0\n")],
  ["binary", (path) => writeFile(path, Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)))],
  ["a directory", async (path) => { await rm(path); await import("node:fs/promises").then((fs) => fs.mkdir(path)); }],
] satisfies readonly (readonly [string, (path: string) => Promise<unknown>])[]) {
  test(`a cache that is ${what} is passed over with one warning`, async () => {
    await fill();
    await damage(join(folder, "cluster.cache"));
    const { source, changes, log } = await make();
    assert.equal(await source.loadCache(), false);
    assert.deepEqual(changes, []);
    assert.equal(log.lines.length, 1, log.lines.join("\n"));
    assert.match(log.lines[0] ?? "", /^warning: .*cached cluster.*starting without it/);
  });
}

test("lines with a right checksum that are no part of a cluster are passed over as a whole", async () => {
  const { createHash } = await import("node:crypto");
  for (const line of ["7", "null", '{"type":"service"}', '{"type":"service","service":{"key":7}}', '{"type":"synced","kind":"nodes"}', '{"type":"slice","slice":{"key":"a"}}', '{"type":"toString","toString":{}}']) {
    const text = `{"bmlb":"cluster","version":1,"identity":"cluster-1"}\n${line}\n`;
    await writeFile(join(folder, "cluster.cache"), `${text}sha256 ${createHash("sha256").update(text).digest("hex")}`);
    const { source, changes } = await make();
    assert.equal(await source.loadCache(), false, line);
    assert.deepEqual(changes, []);
  }
});

test("no cache is no warning", async () => {
  const { source, log } = await make();
  assert.equal(await source.loadCache(), false);
  assert.deepEqual(log.lines, []);
});

test("a disk that cannot be written costs one warning, and one notice when it can again", async () => {
  objects["services"]?.set("web", service("web"));
  const missing = join(folder, "not-there");
  const { source, log, cache } = await make(missing);
  source.start();
  await watching(source);
  for (let i = 0; i < 3; i++) {
    say("services", "ADDED", service(`s${i}`));
    await until("it was known", () => source.status().watches[0]?.objects === 2 + i);
  }
  await until("it failed", () => cache.status().problem !== undefined);
  await import("node:fs/promises").then((fs) => fs.mkdir(missing));
  say("services", "ADDED", service("last"));
  await until("it was written", () => cache.status().writtenAt !== undefined);
  assert.deepEqual(log.lines.map((line) => line.split(" ").slice(0, 5).join(" ")), ["warning: cannot write the cluster", "notice: the cluster can be"], log.lines.join("\n"));
  await chmod(missing, 0o700);
});

test("ten thousand Services come from the API and from disk without holding the main loop", async () => {
  for (let i = 0; i < 10_000; i++) {
    const name = `service-${i}`;
    objects["services"]?.set(name, { ...service(name, "LoadBalancer", `10.0.${i >> 8}.${i & 255}`), metadata: { name, namespace: "shop", uid: `uid-${i}`, resourceVersion: "1", creationTimestamp: "2026-11-21T10:00:00Z", managedFields: [{ manager: "x".repeat(800) }] } });
  }
  // Pages of 500, made beforehand: what is measured is the reader, which shares this process with the server.
  const items = [...(objects["services"]?.values() ?? [])];
  const pages = Array.from({ length: 20 }, (_, i) => Buffer.from(JSON.stringify({ metadata: { resourceVersion: "100", continue: i < 19 ? String(i + 1) : "" }, items: items.slice(i * 500, i * 500 + 500) })));
  server.respond = ((respond) => (request, r, body) => {
    const url = new URL(request.url ?? "", "https://a");
    if (url.pathname === "/api/v1/services" && !url.searchParams.has("watch")) r.writeHead(200, { "content-type": "application/json" }).end(pages[Number(url.searchParams.get("continue") ?? 0)]);
    else respond(request, r, body);
  })(server.respond);
  const { source, cluster } = await make();
  const listing = await stall(async () => {
    source.start();
    await watching(source);
  });
  assert.equal(cluster.serviceCount, 10_000);
  const writing = await stall(() => source.stop());
  const second = await make();
  const began = performance.now();
  const loading = await stall(() => second.source.loadCache());
  const took = performance.now() - began;
  assert.equal(second.cluster.serviceCount, 10_000);
  assert.ok(took < 3_000, `${took} ms`);
  // The goal is 20 ms on an idle machine; this one is shared.
  for (const [what, ms] of Object.entries({ listing, writing, loading })) assert.ok(ms < 150, `${what} held the main loop for ${ms} ms`);
  if (process.env["BMLB_FIGURES"] !== undefined) process.stderr.write(`# longest stall: list ${listing.toFixed(1)}, write ${writing.toFixed(1)}, load ${loading.toFixed(1)} ms; load took ${took.toFixed(0)} ms\n`);
});

/** The longest time for which the main loop did not turn. */
async function stall(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = systemClock.now();
  let over = false;
  const turn = (): void => {
    const now = systemClock.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setImmediate(turn);
  };
  turn();
  await work();
  over = true;
  return longest;
}

test("a list that was asked for before a write of ours does not undo it", async () => {
  const { source, cluster, known } = await watchingWeb();
  const respond = server.respond;
  const held: (() => void)[] = [];
  server.respond = (...asked) => {
    if (asked[0].url === "/api/v1/services?limit=500") held.push(() => { respond(...asked); });
    else respond(...asked);
  };
  source.relist("services");
  await until("a list is under way", () => held.length === 1);
  source.wrote({ ...known, resourceVersion: String(version + 5), ingress: [{ ip: address("192.0.2.8") }] });
  const { lists } = source.status().watches[0] ?? { lists: 0 };
  held.pop()?.();
  await until("the list is complete", () => source.status().watches[0]?.lists === lists + 1);
  assert.deepEqual(cluster.service(key("web"))?.ingress, [{ ip: "192.0.2.8" }]);
  // A server that was restored from a backup has older versions, and is believed.
  source.relist("services");
  await until("another list is under way", () => held.length === 1);
  held.pop()?.();
  await until("what it says counts", () => cluster.service(key("web"))?.ingress[0]?.ip === "192.0.2.1");
});
