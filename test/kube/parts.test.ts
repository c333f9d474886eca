import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Service, ServiceKey } from "../../src/cluster/index.ts";
import { type Answer, type Api, type Call, Contact, Events, FleetKey, HostLease, LeaseClient, StatusWriter, Trouble } from "../../src/kube/index.ts";
import { type Failure, failureOf, retryAfterMs, statusFailure } from "../../src/kube/failure.ts";
import { leaseNameOf } from "../../src/kube/hostlease.ts";
import { microTime } from "../../src/kube/lease.ts";
import { silentLog } from "../../src/log/index.ts";
import { address } from "../../src/net/index.ts";
import { type Clock, VirtualClock, VirtualWorld, systemClock, systemRandom } from "../../src/time/index.ts";
import { MemoryLog, fastClock, until } from "./tiny-server.ts";

const PARTY = { server: "https://192.0.2.1:6443", credential: "the token in /etc/bmlb/kubeconfig" };
const TIMEOUT: Failure = { kind: "timeout", sentence: "the API server does not answer" };
const SERVICE: Service = {
  key: "main/shop/web" as ServiceKey,
  namespace: "shop",
  name: "web",
  uid: "u-1",
  resourceVersion: "7",
  createdAt: 0,
  deleting: false,
  type: "LoadBalancer",
  loadBalancerClass: undefined,
  loadBalancerIP: undefined,
  externalTrafficPolicy: "Cluster",
  ipFamilies: ["IPv4"],
  ipFamilyPolicy: "SingleStack",
  ports: [],
  selector: {},
  labels: {},
  annotations: {},
  ingress: [],
};

/** An API that answers as a test tells it to. */
class ScriptedApi implements Api {
  readonly party = PARTY;
  readonly calls: Call[] = [];
  answer: (call: Call) => Answer | Promise<Answer>;

  constructor(answer: (call: Call) => Answer | Promise<Answer>) {
    this.answer = answer;
  }
  async request(call: Call): Promise<Answer> {
    if (call.guard?.() === false) return { ok: false, failure: { kind: "withheld", sentence: "withheld" } };
    this.calls.push(call);
    return this.answer(call);
  }
  open(): Promise<{ readonly ok: false; readonly failure: Failure }> {
    return Promise.resolve({ ok: false, failure: TIMEOUT });
  }
  failureOf(error: unknown): Failure {
    return failureOf(error, PARTY, 0);
  }
}

function refused(status: number, body: object = {}): Answer {
  return { ok: false, failure: statusFailure("do it", PARTY, status, { kind: "Status", code: status, ...body }, undefined) };
}

for (const [what, answer, expected] of [
  ["a 409", refused(409), "conflict"],
  ["a 404", refused(404), "gone"],
  ["a 422 because of the uid", refused(422, { details: { causes: [{ field: "metadata.uid" }] } }), "gone"],
  ["another 422", refused(422, { details: { causes: [{ field: "status.loadBalancer.ingress[0].ip" }] } }), "refused"],
  ["a 403", refused(403), "refused"],
  ["a 400", refused(400), "refused"],
  ["a 401", refused(401), "unavailable"],
  ["a 429", refused(429), "unavailable"],
  ["a 500", refused(500), "unavailable"],
  ["a 504", refused(504), "unavailable"],
  ["no answer", { ok: false, failure: TIMEOUT }, "unavailable"],
  ["an answer that is no Service", { ok: true, status: 200, body: [1] }, "conflict"],
] satisfies readonly (readonly [string, Answer, string])[]) {
  test(`${what} to a status write is "${expected}"`, async () => {
    const writer = new StatusWriter(new ScriptedApi(() => answer), "main", new Contact(systemClock), () => true);
    assert.equal((await writer.write(SERVICE, [{ ip: address("192.0.2.1") }], "lan")).type, expected);
  });
}

test("a status write is one merge patch with uid, version, pool and mode, and a limit for the server", async () => {
  const api = new ScriptedApi(() => refused(409));
  const writer = new StatusWriter(api, "main", new Contact(systemClock), () => true);
  await writer.write(SERVICE, [{ ip: address("192.0.2.1") }, { ip: address("2001:db8::1"), ipMode: "Proxy" }], "lan");
  await writer.write(SERVICE, [], undefined);
  assert.deepEqual(api.calls.map(({ method, path, contentType, timeoutMs }) => [method, path, contentType, timeoutMs]), [
    ["PATCH", "/api/v1/namespaces/shop/services/web/status?fieldManager=bmlb&timeout=3s", "application/merge-patch+json", 4_000],
    ["PATCH", "/api/v1/namespaces/shop/services/web/status?fieldManager=bmlb&timeout=3s", "application/merge-patch+json", 4_000],
  ]);
  assert.deepEqual(api.calls.map((call) => call.body), [
    {
      metadata: { uid: "u-1", resourceVersion: "7", annotations: { "bmlb.io/pool": "lan" } },
      status: { loadBalancer: { ingress: [{ ip: "192.0.2.1", ipMode: "VIP" }, { ip: "2001:db8::1", ipMode: "Proxy" }] } },
    },
    { metadata: { uid: "u-1", resourceVersion: "7", annotations: { "bmlb.io/pool": null } }, status: { loadBalancer: { ingress: null } } },
  ]);
});

test("at most eight status writes run at once, and who may not write any more when its turn comes does not", async () => {
  let running = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const api = new ScriptedApi(async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => waiting.push(resolve));
    running--;
    return refused(409);
  });
  let may = true;
  const writer = new StatusWriter(api, "main", new Contact(systemClock), () => may);
  const results = Promise.all(Array.from({ length: 20 }, () => writer.write(SERVICE, [], undefined)));
  await until("eight run", () => waiting.length === 8);
  may = false;
  for (const go of waiting) go();
  const types = (await results).map((result) => result.type);
  assert.equal(most, 8);
  assert.deepEqual([types.filter((type) => type === "conflict").length, types.filter((type) => type === "withheld").length], [8, 12]);
  assert.equal(writer.status().waiting, 0);
});

test("an Event that the API does not take is dropped, a flood is bounded, and nobody waits", async () => {
  let go: (() => void) | undefined;
  const api = new ScriptedApi(() => new Promise((resolve) => (go = (): void => { resolve({ ok: false, failure: TIMEOUT }); })));
  const events = new Events(api, "edge-1", systemClock, systemRandom, silentLog);
  for (let i = 0; i < 3_000; i++) events.say({ service: SERVICE, type: "Normal", reason: "R", action: "A", note: String(i) });
  assert.ok(events.status().waiting <= 1_000);
  await until("the first was sent", () => go !== undefined);
  const stopped = events.stop();
  go?.();
  await stopped;
  assert.deepEqual(events.status(), { written: 0, dropped: 3_000, waiting: 0 });
  assert.equal(api.calls.length, 1);
});

test("the same note is said once an hour, another reason or another Service at once", async () => {
  const world = new VirtualWorld();
  const clock = new VirtualClock(world);
  const api = new ScriptedApi(() => ({ ok: true, status: 201, body: {} }));
  const events = new Events(api, "edge-1", clock, systemRandom, silentLog);
  const note = { service: SERVICE, type: "Warning", reason: "PoolExhausted", action: "Allocate", note: "full" } as const;
  for (let minute = 0; minute < 90; minute++) {
    events.say(note);
    world.advance(60_000);
  }
  events.say({ ...note, reason: "Conflict" });
  events.say({ ...note, service: { ...SERVICE, uid: "u-2" } });
  await until("all were written", () => events.status().written === 4);
  const names = api.calls.map((call) => (call.body as { metadata: { name: string } }).metadata.name);
  assert.equal(new Set(names).size, 4);
  assert.match((api.calls[0]?.body as { eventTime: string }).eventTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test("microseconds have six digits", () => {
  assert.equal(microTime(Date.UTC(2026, 10, 21, 10, 0, 0, 7)), "2026-11-21T10:00:00.007000Z");
});

test("a host's name becomes the name of an object", () => {
  for (const [host, name] of [["edge-1", "bmlb-host-edge-1"], ["Edge_1", "bmlb-host-edge-1"], ["a.example", "bmlb-host-a.example"], ["x-", "bmlb-host-x"], ["é".repeat(300), "bmlb-host"]] as const) {
    assert.equal(leaseNameOf(host), name);
  }
});

test("a host's Lease says once why it cannot be written, goes on trying, and says when it can", async () => {
  let good = false;
  const api = new ScriptedApi((call) => {
    if (call.method === "GET") return refused(404);
    if (!good) return refused(404, { message: 'namespaces "bmlb-system" not found' });
    return { ok: true, status: 201, body: { metadata: { name: "bmlb-host-a", resourceVersion: "1" }, spec: { holderIdentity: "i" } } };
  });
  const clock: Clock = fastClock(100);
  const log = new MemoryLog();
  const lease = new HostLease({ leases: new LeaseClient(api, "bmlb-system"), host: "a", instance: "i", clock, random: systemRandom, log, trouble: new Trouble(log, clock), contact: new Contact(clock) });
  lease.start();
  await until("five attempts failed", () => lease.status().failures >= 5);
  good = true;
  await until("it was written", () => lease.status().renewals === 1);
  await lease.stop();
  assert.equal(log.lines.length, 2, log.lines.join("\n"));
  assert.match(log.lines[0] ?? "", /^warning: cannot create the Lease bmlb-host-a: there is no namespace bmlb-system; create it with/);
  assert.match(log.lines[1] ?? "", /^notice: the Kubernetes API answers again/);
  for (const call of api.calls) assert.deepEqual([call.connection, call.timeoutMs], ["leases", 3_000]);
});

test("a Secret without a usable key is said once, and the key on disk stays in force", async () => {
  const directory = await mkdtemp(join(tmpdir(), "bmlb-key-"));
  await writeFile(join(directory, "fleet.key"), "from disk");
  const clock = fastClock(1_000);
  const log = new MemoryLog();
  const keys: string[] = [];
  const bodies: unknown[] = [{}, { data: null }, { data: { key: "" } }, { data: { key: 7 } }, [], { data: { key: Buffer.alloc(5_000).toString("base64") } }];
  const api = new ScriptedApi(() => ({ ok: true, status: 200, body: bodies.shift() ?? {} }));
  const key = new FleetKey({ api, namespace: "bmlb-system", directory, clock, log, trouble: new Trouble(log, clock), onKey: (found) => keys.push(found.toString()), onNone: () => keys.push("none") });
  await key.loadCache();
  key.start();
  await until("all were looked at", () => bodies.length === 0);
  await key.stop();
  await rm(directory, { recursive: true });
  assert.deepEqual(keys, ["from disk"]);
  assert.equal(key.status().source, "disk");
  assert.equal(log.lines.length, 1, log.lines.join("\n"));
  assert.match(log.lines[0] ?? "", /has no usable `key`: `kubectl create secret generic bmlb-fleet -n bmlb-system/);
});

test("trouble is said once for all who share it, not at the first failure, and its end is said when the last is over it", () => {
  const world = new VirtualWorld();
  const log = new MemoryLog();
  const trouble = new Trouble(log, new VirtualClock(world));
  for (let i = 0; i < 3; i++) for (const what of ["list services", "list nodes", "renew the Lease"]) trouble.failed(what, TIMEOUT);
  trouble.failed("list nodes", statusFailure("list nodes", PARTY, 403, {}, undefined));
  trouble.failed("list nodes", statusFailure("list nodes", PARTY, 403, {}, undefined));
  world.advance(12_000);
  trouble.worked("list services");
  trouble.worked("renew the Lease");
  assert.equal(log.lines.length, 2, log.lines.join("\n"));
  trouble.worked("list nodes");
  assert.equal(log.lines.length, 3, log.lines.join("\n"));
  assert.match(log.lines[2] ?? "", /answers again \{"seconds":12\}/);
  trouble.failed("list services", TIMEOUT);
  trouble.worked("list services");
  assert.equal(log.lines.length, 3, "one failure that the next attempt heals is nobody's business");
});

test("Retry-After is seconds or a date, and never longer than five minutes", () => {
  const now = Date.UTC(2026, 10, 21, 10, 0, 0);
  for (const [header, ms] of [["0", 0], ["1", 1_000], ["Sat, 21 Nov 2026 10:00:30 GMT", 30_000], ["Sat, 21 Nov 2026 09:00:00 GMT", 0], ["99999999999999999999", 300_000], ["soon", undefined], ["", undefined], [undefined, undefined]] as const) {
    assert.equal(retryAfterMs(header, now), ms, String(header));
  }
});

test("errors of every kind have a sentence of one line that names the server", () => {
  for (const error of [undefined, null, 7, "text", new Error(""), new Error("a\nb"), new AggregateError([new Error("x"), 7]), Object.assign(new Error("e"), { code: 7 }), { code: "ECONNREFUSED" }]) {
    const { sentence } = failureOf(error, PARTY, 0);
    assert.ok(sentence.includes("https://192.0.2.1:6443") && !sentence.includes("\n"), sentence);
  }
});
