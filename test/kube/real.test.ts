/**
 * The real control plane: it starts, breaks and ends as it should, the simulator answers as it does, and kube-proxy carries traffic.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ApiUnderTest } from "./api-under-test.ts";
import { endOwned, inNamespace, startOwned } from "./leftovers.ts";
import { available, buildControlPlane, type KubeProxy, PROGRAMS, type RealControlPlane, startControlPlane, startKubeProxy } from "./real/index.ts";
import { failure } from "./semantics/behaviour.ts";
import { CASES, describe as describeRow, DISTURBANCES, essence, play, send, TABLES } from "./semantics/index.ts";
import { SimulatorProcess, type Simulator, startSimulator } from "./simulator/index.ts";
import { WireClient } from "./wire-client.ts";
import { servicePath, Workloads } from "./workloads.ts";

const here = available();
const skip = here.ok ? false : here.reason;

// Building is not part of any test's time.
if (here.ok) await buildControlPlane(PROGRAMS);

describe("kube-apiserver and the simulator answer alike", { skip }, () => {
  let real: RealControlPlane;
  let simulator: Simulator;
  before(async () => { [real, simulator] = await Promise.all([startControlPlane(), startSimulator()]); });
  after(() => Promise.all([real.stop(), simulator.stop()]));

  for (const table of TABLES) {
    test(table.about, async () => {
      const [theirs, ours] = [await send(real, table), await send(simulator, table)];
      theirs.forEach(({ row, body }, index) => { assert.deepEqual(essence(ours[index]?.body), essence(body), describeRow(row)); });
    });
  }
  describe("watches, lists and access", { concurrency: true }, () => {
    for (const each of CASES) test(each.that, () => play(real, each));
  });
  for (const each of DISTURBANCES) test(each.that, () => play(real, each));

  test("kube-apiserver comes back after it was killed, with everything in it", async () => {
    await real.workloads.createService({ name: "kept" });
    const { apiServer } = real.pids;
    await real.restartApiServer();
    assert.notEqual(real.pids.apiServer, apiServer);
    assert.equal((await real.request("GET", servicePath({ name: "kept" }))).status, 200);
  });

  test("an exec credential is a command that prints a token", async () => {
    const config = JSON.parse(execFileSync("cat", [await real.kubeconfig("bmlb", "exec")], { encoding: "utf8" })) as { users: { user: { exec: { command: string } } }[] };
    const printed = JSON.parse(execFileSync(config.users[0]?.user.exec.command ?? "", { encoding: "utf8" })) as { status: { token: string } };
    const client = new WireClient(real, { token: printed.status.token });
    assert.equal((await client.ask("GET", "/api/v1/services")).status, 200);
    client.close();
  });
});

test("where TLS ends at kube-apiserver itself, certificates are its own business and faults of HTTP are refused", { skip }, async () => {
  const real = await startControlPlane({ tls: "passthrough" });
  const folder = dirname(await real.kubeconfig("admin", "token"));
  const processes = Object.values(real.pids);
  try {
    const client = await WireClient.as(real, "bmlb", "certificate");
    assert.equal((await client.ask("GET", "/api/v1/services")).status, 200);
    await assert.rejects(real.fault(429), /tls: "terminate"/);
    await real.fault("reset");
    assert.equal(await failure(client.ask("GET", "/api/v1/services")), "ECONNRESET");
    client.close();
  } finally {
    await real.stop();
  }
  assert.ok(!existsSync(folder), "the folder is gone");
  for (const pid of processes) assert.ok(!existsSync(`/proc/${pid}`), "the processes are gone");
});

/** A node and a client on one link. On the node a server listens where a pod would. */
class Link {
  readonly node = `bmlb-node-${process.pid}`;
  readonly client = `bmlb-client-${process.pid}`;
  #server: ChildProcess | undefined;

  start(): void {
    for (const namespace of [this.node, this.client]) {
      ip("netns", "add", namespace);
      ip("-n", namespace, "link", "set", "lo", "up");
    }
    ip("-n", this.node, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", this.client);
    for (const [namespace, address] of [[this.node, "192.0.2.1/24"], [this.client, "192.0.2.2/24"]] as const) {
      ip("-n", namespace, "address", "add", address, "dev", "eth0");
      ip("-n", namespace, "link", "set", "eth0", "up");
    }
    ip("-n", this.node, "address", "add", "10.244.0.1/32", "dev", "lo");
    ip("-n", this.client, "route", "add", "198.51.100.0/24", "via", "192.0.2.1");
    this.#server = startOwned(inNamespace(this.node, [process.execPath, "-e", 'require("node:net").createServer((s) => s.end("served")).listen(8080, "10.244.0.1")']), { stdio: "inherit" });
  }

  /** What a TCP client reads from port 80 of an address; the error's code if it cannot. */
  fetch(address: string): string {
    const program = `const s = require("node:net").connect(80, process.argv[1]).setEncoding("utf8").setTimeout(500, () => { console.log("ETIMEDOUT"); process.exit(); });
      s.on("data", (text) => { console.log(text); process.exit(); }).on("error", (error) => { console.log(error.code); process.exit(); });`;
    const [command = "", ...rest] = inNamespace(this.client, [process.execPath, "-e", program, address]);
    return execFileSync(command, rest, { encoding: "utf8" }).trim();
  }

  async stop(): Promise<void> {
    if (this.#server !== undefined) await endOwned(this.#server);
    for (const namespace of [this.node, this.client]) ip("netns", "delete", namespace);
  }
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", words);
}

const START = {
  "kube-apiserver": (namespace: string) => startControlPlane({ namespace }),
  "the simulator": (namespace: string) => SimulatorProcess.start({ namespace }),
} as const;

for (const [what, start] of Object.entries(START)) {
  describe(`kube-proxy on ${what}`, { skip: skip === false && process.getuid?.() !== 0 ? "needs root" : skip }, () => {
    const link = new Link();
    let api: ApiUnderTest | undefined;
    let proxy: KubeProxy | undefined;
    before(() => { link.start(); });
    after(async () => {
      await proxy?.stop();
      await api?.stop();
      await link.stop();
    });

    test("carries TCP to an endpoint once the address is in the status of the Service, and refuses it again when it is taken back", async () => {
      api = await start(link.node);
      const workloads = new Workloads(api);
      await workloads.createNode("n1", { ip: "192.0.2.1" });
      proxy = await startKubeProxy({ netns: link.node, kubeconfig: await api.kubeconfig("admin", "token"), nodeName: "n1", mode: "nftables" });
      await workloads.createService({ name: "web", ports: [{ port: 80, targetPort: 8080 }] });
      await workloads.setEndpoints({ name: "web" }, [{ ip: "10.244.0.1", node: "n1" }]);
      assert.notEqual(link.fetch("198.51.100.7"), "served");

      const setAddresses = (ingress: readonly object[]): Promise<unknown> | undefined =>
        api?.request("PATCH", `${servicePath({ name: "web" })}/status`, { status: { loadBalancer: { ingress } } }, "application/merge-patch+json");
      await setAddresses([{ ip: "198.51.100.7" }]);
      await until("the address answers", () => link.fetch("198.51.100.7") === "served");
      await setAddresses([]);
      await until("the address is taken back", () => link.fetch("198.51.100.7") !== "served");
    });
  });
}

const PATIENCE_MS = 15_000;

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(performance.now() < deadline, what);
    await delay(100);
  }
}
