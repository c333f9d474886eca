/**
 * The API server simulator: what it has in common with the real one, and what it has beyond that.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CASES, DISTURBANCES, play, send, TABLES } from "./semantics/index.ts";
import { nameOf, pending, versionOf } from "./semantics/behaviour.ts";
import { asList, asText, at } from "./simulator/json.ts";
import { type Simulator, SimulatorProcess, startSimulator } from "./simulator/index.ts";
import { WireClient } from "./wire-client.ts";

const SERVICES = "/api/v1/namespaces/default/services";
const POPULATION = { namespace: "default", services: 10_000, endpointsPerService: 2, nodes: ["n1", "n2", "n3"] };

async function withSimulator(options: Parameters<typeof startSimulator>[0], use: (simulator: Simulator, client: WireClient) => Promise<void>): Promise<void> {
  const simulator = await startSimulator(options);
  const client = await WireClient.as(simulator, "admin");
  try {
    await use(simulator, client);
  } finally {
    client.close();
    await simulator.stop();
  }
}

describe("the simulator answers as kube-apiserver does", () => {
  let simulator: Simulator;
  before(async () => { simulator = await startSimulator(); });
  after(() => simulator.stop());
  for (const table of TABLES) test(table.about, async () => { await send(simulator, table); });
  describe("watches, lists and access", { concurrency: true }, () => {
    for (const each of CASES) test(each.that, () => play(simulator, each));
  });
  for (const each of DISTURBANCES) test(each.that, () => play(simulator, each));
});

test("bookmarks come as often as it is told", () =>
  withSimulator({ bookmarkIntervalMs: 50 }, async (simulator, client) => {
    const watch = await client.watch(`${SERVICES}?resourceVersion=1&allowWatchBookmarks=true`);
    await watch.next(["BOOKMARK"]);
    const version = versionOf(await simulator.workloads.createService({ name: "web" }));
    assert.equal(nameOf((await watch.next(["ADDED"])).object), "web");
    const { object } = await watch.next(["BOOKMARK"]);
    assert.deepEqual([versionOf(object), at(object, "spec")], [version, {}]);
  }));

test("a watch that is further behind than the window gets 410", () =>
  withSimulator({ watchWindow: 10 }, async (simulator, client) => {
    const from = versionOf((await client.ask("GET", SERVICES)).body);
    await simulator.populate({ ...POPULATION, services: 20 });
    const watch = await client.watch(`${SERVICES}?resourceVersion=${from}`);
    assert.deepEqual((await watch.next()).object["code"], 410);
  }));

test("the restore of a backup puts the resourceVersion back, and a watch from the future is silent until it is passed", () =>
  withSimulator({}, async (simulator, client) => {
    await simulator.workloads.createService({ name: "kept" });
    const backup = await simulator.backup();
    const before = versionOf((await client.ask("GET", SERVICES)).body);
    await simulator.workloads.createService({ name: "lost" });
    await simulator.workloads.createService({ name: "lost-too" });
    const running = await client.watch(SERVICES);
    const future = versionOf((await client.ask("GET", SERVICES)).body);

    await simulator.restore(backup);
    assert.equal(await running.over(), "broken");
    const list = (await client.ask("GET", SERVICES)).body;
    assert.deepEqual([versionOf(list), asList(at(list, "items")).map(nameOf)], [before, ["kept", "kubernetes"]]);
    const watch = await client.watch(`${SERVICES}?resourceVersion=${future}`);
    await simulator.workloads.createService({ name: "missed" });
    await simulator.workloads.createService({ name: "missed-too" });
    await simulator.workloads.createService({ name: "seen" });
    assert.deepEqual([nameOf((await watch.next()).object), (await client.ask("GET", `${SERVICES}/lost`)).status], ["seen", 404]);
    // What the lost Services held is free again.
    assert.equal((await simulator.request("POST", SERVICES, { metadata: { name: "again" }, spec: { clusterIP: "10.96.200.1", ports: [{ port: 80 }] } })).status, 201);
  }));

test("a rotated token is in the file, and the old one is refused even on an open connection", () =>
  withSimulator({}, async (simulator) => {
    const old = await WireClient.as(simulator, "bmlb", "token-file");
    assert.equal((await old.ask("GET", SERVICES)).status, 200);
    await simulator.rotateToken("bmlb");
    assert.equal((await old.ask("GET", SERVICES)).status, 401);
    const renewed = await WireClient.as(simulator, "bmlb", "token-file");
    assert.equal((await renewed.ask("GET", SERVICES)).status, 200);
    old.close();
    renewed.close();
  }));

test("with its storage frozen it answers from its cache only, and writes that wait are carried out afterwards", () =>
  withSimulator({}, async (simulator, client) => {
    const writer = await WireClient.as(simulator, "admin");
    const reader = await WireClient.as(simulator, "admin");
    await simulator.setStorage("frozen");
    const [read, write] = [reader.ask("GET", SERVICES), writer.ask("POST", SERVICES, { metadata: { name: "late" }, spec: { ports: [{ port: 80 }] } })];
    await Promise.all([pending(read, "a consistent list"), pending(write, "a write")]);
    assert.equal((await client.ask("GET", `${SERVICES}?resourceVersion=0`)).status, 200);
    assert.equal((await client.ask("GET", "/livez")).status, 200);
    await simulator.setStorage("running");
    assert.deepEqual([(await read).status, (await write).status], [200, 201]);
    writer.close();
    reader.close();
  }));

test("a server that has just started may not know the roles yet", () =>
  withSimulator({ forbiddenAtStartMs: 2_000 }, async (simulator) => {
    const client = await WireClient.as(simulator, "bmlb");
    const asked = performance.now();
    assert.equal((await client.ask("GET", SERVICES)).status, 403);
    while ((await client.ask("GET", SERVICES)).status === 403) assert.ok(performance.now() - asked < 10_000, "the roles come to be known");
    client.close();
  }));

test("watches can be ended as their timeout would end them", () =>
  withSimulator({}, async (simulator, client) => {
    const watch = await client.watch(SERVICES);
    await simulator.endWatches();
    assert.equal(await watch.over(), "ended");
  }));

test("it tells which requests came, from whom and on which connection", () =>
  withSimulator({}, async (simulator, client) => {
    await client.ask("GET", `${SERVICES}?limit=500`);
    await client.ask("GET", `${SERVICES}/none`);
    const requests = (await simulator.requests()).map(({ connection, user, method, path, status }) => [connection, user, method, path, status]);
    assert.deepEqual(requests, [
      [1, "admin", "GET", `${SERVICES}?limit=500`, 200],
      [1, "admin", "GET", `${SERVICES}/none`, 404],
    ]);
  }));

test("a population may have its addresses already, and goes one by one, as watches hear", () =>
  withSimulator({}, async (simulator, client) => {
    const namespace = "kube-public";
    await simulator.populate({ ...POPULATION, namespace, services: 120, addresses: ["192.0.2.1", "192.0.2.2"] });
    const names = [0, 1, 2].map((n) => ({ namespace, name: `web-0000${n}` }));
    assert.deepEqual(await Promise.all(names.map((name) => simulator.workloads.addresses(name))), [["192.0.2.1"], ["192.0.2.2"], []]);
    const watch = await client.watch("/api/v1/services");
    await simulator.depopulate(namespace);
    for (let n = 0; n < 120; n++) assert.equal(nameOf((await watch.next(["DELETED"])).object), `web-${String(n).padStart(5, "0")}`);
    assert.deepEqual(asList(at((await client.ask("GET", "/api/v1/services")).body, "items")).map(nameOf), ["kubernetes"], "other namespaces keep theirs");
  }));

test("10 000 Services with their slices are there in seconds, and pages of 500 at once", () =>
  withSimulator({}, async (simulator, client) => {
    const begun = performance.now();
    await simulator.populate(POPULATION);
    assert.ok(performance.now() - begun < 10_000, "populating is quick");
    const names = new Set<string>();
    let slowest = 0;
    let going = "";
    do {
      const asked = performance.now();
      const { body } = await client.ask("GET", `/api/v1/services?limit=500&continue=${encodeURIComponent(going)}`);
      slowest = Math.max(slowest, performance.now() - asked);
      for (const item of asList(at(body, "items"))) names.add(nameOf(item));
      going = asText(at(body, "metadata", "continue"));
    } while (going !== "");
    assert.equal(names.size, POPULATION.services + 1);
    assert.ok(slowest < 3_000, `a page took ${slowest.toFixed(0)} ms`);
    const slices = (await client.ask("GET", "/apis/discovery.k8s.io/v1/endpointslices?resourceVersion=0")).body;
    assert.equal(asList(at(slices, "items")).length, POPULATION.services + 1);
  }));

test("an address that is not there is an error at the start", async () => {
  await assert.rejects(startSimulator({ host: "203.0.113.1" }), /EADDRNOTAVAIL/);
});

test("nothing is left in the file system", async () => {
  const simulator = await startSimulator();
  const folder = dirname(await simulator.kubeconfig("bmlb", "exec"));
  assert.ok(existsSync(folder));
  await simulator.stop();
  await simulator.stop();
  assert.ok(!existsSync(folder));
});

describe("as a process in a network namespace", () => {
  const namespace = `bmlb-sim-${process.pid}`;
  let simulator: SimulatorProcess;
  before(async () => {
    execFileSync("ip", ["netns", "add", namespace]);
    execFileSync("ip", ["-n", namespace, "link", "set", "lo", "up"]);
    simulator = await SimulatorProcess.start({ namespace });
  });
  after(async () => {
    await simulator.stop();
    execFileSync("ip", ["netns", "delete", namespace]);
  });

  test("it is commanded from outside and reached from inside only", async () => {
    await simulator.workloads.createService({ name: "web", ports: [80], annotations: { a: "b" } });
    await simulator.workloads.createNode("n1", { ip: "192.0.2.1" });
    await simulator.workloads.setNodeReady("n1", false);
    await simulator.workloads.setEndpoints({ name: "web" }, [{ ip: "10.0.0.1", node: "n1" }, { ip: "fd00::1", ready: false }]);
    const slices = (await simulator.request("GET", "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dweb")).body;
    assert.deepEqual(asList(at(slices as never, "items")).map(nameOf), ["web-ipv4", "web-ipv6"]);
    const client = await WireClient.as(simulator, "admin");
    await assert.rejects(client.ask("GET", SERVICES), /ECONNREFUSED/);
    client.close();
    const inside = execFileSync("ip", ["netns", "exec", namespace, process.execPath, "-e", `
      const https = require("node:https");
      https.get(process.argv[1] + "/version", { rejectUnauthorized: false }, (answer) => { console.log(answer.statusCode); process.exit(); });
    `, simulator.url], { encoding: "utf8" });
    assert.equal(inside.trim(), "401");
  });

  test("it can be stopped and continued by signals", async () => {
    process.kill(simulator.pid, "SIGSTOP");
    const answer = simulator.request("GET", "/readyz");
    await pending(answer, "a command to a stopped process");
    process.kill(simulator.pid, "SIGCONT");
    assert.equal((await answer).status, 200);
  });

  test("it ends with the process that started it, however that ends, and leaves nothing", async () => {
    const url = new URL("./simulator/index.ts", import.meta.url).href;
    const program = `import { SimulatorProcess } from ${JSON.stringify(url)};
      const simulator = await SimulatorProcess.start({ namespace: process.argv[1] });
      console.log(JSON.stringify([simulator.pid, await simulator.kubeconfig("bmlb", "token")]));
      setInterval(() => undefined, 1_000);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program, namespace], { stdio: ["ignore", "pipe", "inherit"] });
    const [pid, kubeconfig] = JSON.parse(String((await once(parent.stdout, "data"))[0])) as [number, string];
    assert.ok(existsSync(`/proc/${pid}`) && existsSync(kubeconfig));
    parent.kill("SIGKILL");
    const deadline = performance.now() + 5_000;
    while (existsSync(`/proc/${pid}`) || existsSync(dirname(kubeconfig))) {
      assert.ok(performance.now() < deadline, "something is left");
      await delay(20);
    }
  });

  test("a command that fails says why, and one after its end too", async () => {
    await assert.rejects(simulator.restore(7), /there is no backup 7/);
    const another = await SimulatorProcess.start({ namespace });
    process.kill(another.pid, "SIGKILL");
    await assert.rejects(another.request("GET", "/readyz"), /has ended \(SIGKILL\)/);
    await another.stop();
  });
});
