/** Leases: created once, renewed over the version one knows, given back; and the two that bmlb keeps. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { AllocatorElection, HostLease, type HostLeaseSeen, HostLeases, LeaseClient } from "../../../src/kube/index.ts";
import { type LeaseRecord, leasesPath, microTime, readLease } from "../../../src/kube/lease.ts";
import { fastClock } from "../tiny-server.ts";
import { BMLB_NAMESPACE, type Bench, MemoryLog, type Part, fresh, leasesOf, partOf, until } from "./bench.ts";

function record(holder: string): LeaseRecord {
  return { holder, duration: 15, acquireTime: microTime(Date.now()), renewTime: microTime(Date.now()), transitions: 0 };
}

export function leaseCases({ api }: Bench): void {
  test("a Lease is created once, and renewed by who knows its version", async (t) => {
    const leases = leasesOf(await partOf(t, api()));
    const name = fresh("lease");
    assert.deepEqual(await leases.get(name), { type: "absent" });
    const made = await leases.create(name, record("a"), { note: "é \"x\"" });
    assert.ok(made.type === "lease");
    assert.deepEqual(made.lease.record.holder, "a");
    assert.deepEqual(await leases.create(name, record("b"), {}), { type: "conflict" });
    const renewed = await leases.update(made.lease, { ...record("a"), transitions: 1 }, { note: "2" });
    assert.ok(renewed.type === "lease");
    assert.deepEqual(await leases.update(made.lease, record("b"), {}), { type: "conflict" });
    assert.deepEqual(await leases.get(name), renewed);
    assert.deepEqual(renewed.lease.annotations, { note: "2" });
  });

  test("a renewal of a Lease that was deleted makes it again", async (t) => {
    const leases = leasesOf(await partOf(t, api()));
    const name = fresh("lease");
    const made = await leases.create(name, record("a"), {});
    assert.ok(made.type === "lease");
    await api().request("DELETE", leasesPath(BMLB_NAMESPACE, name));
    const { type } = await leases.update(made.lease, record("a"), {});
    assert.equal(type, "lease");
  });

  test("times with other than six digits are refused, and a Lease cannot last no time", async () => {
    for (const [spec, status] of [
      [{ renewTime: new Date().toISOString() }, 400],
      [{ renewTime: "yesterday" }, 400],
      [{ leaseDurationSeconds: 0 }, 422],
      [{ leaseTransitions: -1 }, 422],
      [{ renewTime: microTime(Date.now()) }, 201],
    ] as const) {
      const answer = await api().request("POST", leasesPath(BMLB_NAMESPACE), { metadata: { name: fresh("lease") }, spec });
      assert.equal(answer.status, status, JSON.stringify(spec));
    }
  });

  test("capitals and underscores are refused in a name", async () => {
    for (const name of ["bmlb-host-Edge", "bmlb-host-a_b"]) {
      const answer = await api().request("POST", leasesPath(BMLB_NAMESPACE), { metadata: { name }, spec: {} });
      assert.equal(answer.status, 422, name);
    }
  });

  test("a namespace that is not there is explained in words", async (t) => {
    const { client } = await partOf(t, api(), "admin");
    const answer = await new LeaseClient(client, "nowhere").create("a", record("a"), {});
    assert.ok(answer.type === "failed");
    assert.match(answer.failure.sentence, /there is no namespace nowhere; create it with `kubectl create namespace nowhere`/);
  });

  test("a host's Lease carries its statement to the others, who see it renewed, given back and deleted", async (t) => {
    const [mine, theirs] = [await partOf(t, api(), "bmlb", "token", fastClock(4)), await partOf(t, api())];
    const host = fresh("edge");
    const lease = hostLease(mine, host, "instance-1");
    const seen = new Map<string, HostLeaseSeen>();
    const others = othersOf(t, theirs, fresh("edge"), seen);
    others.start();
    lease.publish('{"name": "é"}');
    lease.start();
    await until("it was seen", () => seen.has(host));
    assert.deepEqual([seen.get(host)?.holder, seen.get(host)?.statement, seen.get(host)?.duration], ["instance-1", '{"name": "é"}', 20]);
    const first = seen.get(host)?.renewed ?? 0;
    lease.publish("2");
    await until("the renewal was seen", () => (seen.get(host)?.renewed ?? 0) > first && seen.get(host)?.statement === "2", 15_000);
    await lease.stop();
    await until("it was given back", () => seen.get(host)?.holder === "" && seen.get(host)?.duration === 1);
    await api().request("DELETE", leasesPath(BMLB_NAMESPACE, `bmlb-host-${host}`));
    await until("it was gone", () => !seen.has(host));
  });

  test("a host that starts again takes its Lease from the life before, and two of one name are told so", async (t) => {
    const part = await partOf(t, api(), "bmlb", "token", fastClock(4));
    const rivalLog = new MemoryLog();
    const host = fresh("edge");
    const [before, now] = [hostLease(part, host, "life-1", rivalLog), hostLease(part, host, "life-2")];
    before.start();
    await until("the first was written", () => before.status().renewals === 1);
    now.start();
    await until("the second was written", () => now.status().renewals === 1);
    const held = await leasesOf(part).get(`bmlb-host-${host}`);
    assert.ok(held.type === "lease" && held.lease.record.holder === "life-2");
    await until("the first renewed as well", () => before.status().renewals === 2, 15_000);
    assert.equal(rivalLog.lines.filter((line) => line.includes("two hosts of this fleet have the name")).length, 1);
    await Promise.all([before.stop(), now.stop()]);
  });

  test("of two allocators one is elected, and when it stops the other one is", async (t) => {
    const story: string[] = [];
    const election = async (identity: string): Promise<AllocatorElection> => {
      const part = await partOf(t, api());
      return new AllocatorElection({
        ...part,
        leases: leasesOf(part),
        identity,
        onLeading: () => story.push(`${identity} leads`),
        onStopped: () => story.push(`${identity} stopped`),
      });
    };
    const [a, b] = [await election("a"), await election("b")];
    a.start();
    await until("a leads", () => a.leadingSafely());
    b.start();
    await until("b knows", () => b.status().holder === "a");
    assert.equal(b.leadingSafely(), false);
    await a.stop();
    await until("b leads", () => b.leadingSafely());
    await b.stop();
    assert.deepEqual(story, ["a leads", "a stopped", "b leads", "b stopped"]);
    const { body } = await api().request("GET", leasesPath(BMLB_NAMESPACE, "bmlb-allocator"));
    assert.deepEqual([readLease(body)?.record.holder, readLease(body)?.record.duration], ["", 1]);
  });
}

function hostLease(part: Part, host: string, instance: string, log = part.log): HostLease {
  return new HostLease({ ...part, log, leases: leasesOf(part), host, instance });
}

function othersOf(t: TestContext, part: Part, host: string, seen: Map<string, HostLeaseSeen>): HostLeases {
  const others = new HostLeases({
    ...part,
    api: part.client,
    namespace: BMLB_NAMESPACE,
    host,
    onChange: (change) => {
      if (change.type === "lease") seen.set(change.lease.name, change.lease);
      else seen.delete(change.name);
    },
  });
  t.after(() => others.stop());
  return others;
}
