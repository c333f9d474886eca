/** Events on Services, and the Secret with the fleet's key. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Events, FleetKey } from "../../../src/kube/index.ts";
import { listOf, recordOf } from "../../../src/kube/raw.ts";
import { microTime } from "../../../src/kube/lease.ts";
import { fastClock } from "../tiny-server.ts";
import { BMLB_NAMESPACE, type Bench, fresh, partOf, serviceOf, until } from "./bench.ts";

const PATH = "/apis/events.k8s.io/v1/namespaces/default/events";

export function eventCases(bench: Bench): void {
  const { api } = bench;
  const notesOf = async (name: string): Promise<readonly unknown[]> => {
    const { body } = await api().request("GET", PATH);
    return listOf(recordOf(body)?.["items"]).filter((event) => recordOf(recordOf(event)?.["regarding"])?.["name"] === name);
  };

  test("an Event is written once however often it is said, and as long as Kubernetes takes it", async (t) => {
    const { client, clock, random, log } = await partOf(t, api());
    const events = new Events(client, "edge-1", clock, random, log);
    const service = await serviceOf(t, bench);
    for (let i = 0; i < 3; i++) events.say({ service, type: "Warning", reason: "PoolExhausted", action: "Allocate", note: "pool lan has no free address" });
    events.say({ service, type: "Normal", reason: "Allocated", action: "Allocate", note: "é".repeat(2000) });
    await until("both were written", () => events.status().written === 2);
    assert.deepEqual(events.status(), { written: 2, dropped: 0, waiting: 0 });
    const found = (await notesOf(service.name)).map((event) => recordOf(event));
    assert.deepEqual(found.map((event) => event?.["reason"]).sort(), ["Allocated", "PoolExhausted"]);
    const exhausted = found.find((event) => event?.["reason"] === "PoolExhausted");
    assert.deepEqual([exhausted?.["type"], exhausted?.["action"], exhausted?.["note"], exhausted?.["reportingController"], exhausted?.["reportingInstance"]], ["Warning", "Allocate", "pool lan has no free address", "bmlb.io/bmlb", "edge-1"]);
    assert.equal(recordOf(exhausted?.["regarding"])?.["uid"], service.uid);
    await events.stop();
  });

  test("an Event that lacks one of the six fields, or says too much, is refused", async () => {
    const good = {
      metadata: { namespace: "default" },
      eventTime: microTime(Date.now()),
      reportingController: "bmlb.io/bmlb",
      reportingInstance: "edge-1",
      action: "Allocate",
      reason: "Test",
      type: "Normal",
      regarding: { apiVersion: "v1", kind: "Service", namespace: "default", name: "a" },
    };
    const send = async (change: object): Promise<number> => (await api().request("POST", PATH, { ...good, metadata: { ...good.metadata, name: fresh("event") }, ...change })).status;
    assert.equal(await send({}), 201);
    assert.equal(await send({ note: "x".repeat(1024) }), 201);
    for (const change of [{ eventTime: null }, { reportingController: "" }, { reportingInstance: "" }, { action: "" }, { reason: "" }, { type: "Error" }, { note: "x".repeat(1025) }]) {
      assert.equal(await send(change), 422, JSON.stringify(change).slice(0, 60));
    }
    assert.equal(await send({ eventTime: new Date().toISOString() }), 400);
  });

  test("the fleet's key is found when it comes, kept on disk for its owner only, and stays when the Secret goes", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "bmlb-key-"));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const secrets = `/api/v1/namespaces/${BMLB_NAMESPACE}/secrets`;
    const keys: string[] = [];
    let none = 0;
    const part = await partOf(t, api());
    const key = new FleetKey({ ...part, clock: fastClock(40), api: part.client, namespace: BMLB_NAMESPACE, directory, onKey: (found) => keys.push(found.toString()), onNone: () => none++ });
    await key.loadCache();
    key.start();
    await until("it was said that there is none", () => none > 0);
    t.after(() => key.stop());
    t.after(() => api().request("DELETE", `${secrets}/bmlb-fleet`));
    await api().request("POST", secrets, { metadata: { name: "bmlb-fleet" }, data: { key: Buffer.from("one").toString("base64") } });
    await until("the key was found", () => keys.length === 1);
    await api().request("PUT", `${secrets}/bmlb-fleet`, { metadata: { name: "bmlb-fleet" }, data: { key: Buffer.from("two").toString("base64") } });
    await until("the new key was found", () => keys.length === 2);
    assert.deepEqual(keys, ["one", "two"]);
    const path = join(directory, "fleet.key");
    await until("it was kept", async () => (await readFile(path, "utf8")) === "two");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await api().request("DELETE", `${secrets}/bmlb-fleet`);
    await until("it was missed", () => part.log.lines.some((line) => line.includes("is gone; its key stays in force")));
    const again: string[] = [];
    await new FleetKey({ ...part, api: part.client, namespace: BMLB_NAMESPACE, directory, onKey: (found) => again.push(found.toString()), onNone: () => undefined }).loadCache();
    assert.deepEqual(again, ["two"]);
    assert.ok(!part.log.lines.some((line) => line.includes("one") && line.includes("two")), "the key is never printed");
  });
}
