/** The status of a Service: what is taken, what is refused, and who wins. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ingress, Service } from "../../../src/cluster/index.ts";
import { StatusWriter } from "../../../src/kube/index.ts";
import { recordOf } from "../../../src/kube/raw.ts";
import { type Address, address } from "../../../src/net/index.ts";
import { type Bench, CLUSTER, type Part, asService, partOf, serviceOf, sourceOf, until, untilComplete, versionOf } from "./bench.ts";

function writerOf({ client, contact }: Part, mayWrite = (): boolean => true): StatusWriter {
  return new StatusWriter(client, CLUSTER, contact, mayWrite);
}

async function written(writer: StatusWriter, service: Service, ingress: readonly Ingress[], pool: string | undefined): Promise<Service> {
  const result = await writer.write(service, ingress, pool);
  assert.ok(result.type === "ok", JSON.stringify(result));
  return result.service;
}

export function writingCases(bench: Bench): void {
  const { api, workloads } = bench;
  const vip = address("192.0.2.10");

  test("one request writes the addresses and the pool, and one takes both away", async (t) => {
    const part = await partOf(t, api());
    const writer = writerOf(part);
    const { source, cluster } = sourceOf(t, part);
    await untilComplete(cluster);
    const service = await serviceOf(t, bench);
    const after = await written(writer, service, [{ ip: vip }, { ip: address("2001:db8::10"), ipMode: "Proxy" }], "lan");
    assert.deepEqual(after.ingress, [{ ip: "192.0.2.10", ipMode: "VIP" }, { ip: "2001:db8::10", ipMode: "Proxy" }]);
    assert.deepEqual(after.annotations, { "bmlb.io/pool": "lan" });
    assert.notEqual(after.resourceVersion, service.resourceVersion);
    assert.deepEqual(asService(await workloads().getService(service)), after);
    await until("the watch says the same", () => cluster.service(service.key)?.resourceVersion === after.resourceVersion);
    assert.deepEqual(cluster.service(service.key), after);
    const cleared = await written(writer, after, [], undefined);
    assert.deepEqual([cleared.ingress, cleared.annotations], [[], {}]);
    assert.deepEqual(writer.status(), { written: 2, conflicts: 0, refused: 0, unavailable: 0, waiting: 0 });
    assert.equal(source.status().malformed, 0);
  });

  test("the same again changes nothing, not even the version", async (t) => {
    const writer = writerOf(await partOf(t, api()));
    const once = await written(writer, await serviceOf(t, bench), [{ ip: vip }], "lan");
    assert.equal((await written(writer, once, [{ ip: vip }], "lan")).resourceVersion, once.resourceVersion);
  });

  test("a write decided on an older version is a conflict and changes nothing", async (t) => {
    const writer = writerOf(await partOf(t, api()));
    const service = await serviceOf(t, bench);
    const now = await written(writer, service, [{ ip: vip }], "lan");
    assert.deepEqual(await writer.write(service, [{ ip: address("192.0.2.11") }], "lan"), { type: "conflict" });
    assert.deepEqual(asService(await workloads().getService(service)), now);
  });

  test("of many that write at once on one version exactly one wins", async (t) => {
    const writer = writerOf(await partOf(t, api()));
    const service = await serviceOf(t, bench);
    const results = await Promise.all(Array.from({ length: 12 }, (_, i) => writer.write(service, [{ ip: address(`192.0.2.${i + 1}`) }], "lan")));
    assert.deepEqual(results.map((result) => result.type).sort(), [...Array.from({ length: 11 }, () => "conflict"), "ok"]);
  });

  test("a Service that is gone, or is another one of the same name, is gone", async (t) => {
    const writer = writerOf(await partOf(t, api()));
    const service = await serviceOf(t, bench);
    await api().request("DELETE", `/api/v1/namespaces/default/services/${service.name}`);
    assert.deepEqual(await writer.write(service, [{ ip: vip }], "lan"), { type: "gone" });
    const again = await serviceOf(t, bench, service.name);
    const result = await writer.write(service, [{ ip: vip }], "lan");
    assert.ok(result.type === "conflict" || result.type === "gone", result.type);
    assert.deepEqual(await writer.write({ ...again, uid: service.uid }, [{ ip: vip }], "lan"), { type: "gone" });
    assert.deepEqual(asService(await workloads().getService(service)).ingress, []);
  });

  test("who may not write is refused, with the server's reason", async (t) => {
    const service = await serviceOf(t, bench);
    const result = await writerOf(await partOf(t, api(), "nobody")).write(service, [{ ip: vip }], "lan");
    assert.ok(result.type === "refused" && result.status === 403);
    assert.match(result.sentence, /cannot patch resource "services\/status"/);
  });

  test("who is no longer entitled to write sends nothing", async (t) => {
    const service = await serviceOf(t, bench);
    assert.deepEqual(await writerOf(await partOf(t, api()), () => false).write(service, [{ ip: vip }], "lan"), { type: "withheld" });
    assert.deepEqual(asService(await workloads().getService(service)).ingress, []);
  });

  test("an address that Kubernetes does not take is refused", async (t) => {
    const writer = writerOf(await partOf(t, api()));
    const service = await serviceOf(t, bench);
    for (const ip of ["192.0.2.010", "::ffff:192.0.2.1", "fe80::1%eth0", "nonsense"]) {
      const result = await writer.write(service, [{ ip: ip as Address }], "lan");
      assert.ok(result.type === "refused" && result.status === 422, `${ip}: ${result.type}`);
    }
  });

  test("a late write to a Service that is of another type by now is refused", async (t) => {
    const writer = writerOf(await partOf(t, api()));
    const service = await serviceOf(t, bench);
    const changed = await workloads().patchService(service, { spec: { type: "ClusterIP", allocateLoadBalancerNodePorts: null } });
    const result = await writer.write({ ...service, resourceVersion: versionOf(changed) }, [{ ip: vip }], "lan");
    assert.ok(result.type === "refused" && result.status === 422, result.type);
  });

  test("a patch of the status changes status and metadata and leaves the spec; a patch of the Service leaves the status", async (t) => {
    const { name } = await serviceOf(t, bench);
    const path = `/api/v1/namespaces/default/services/${name}`;
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.20" }] } };
    const both = { metadata: { labels: { a: "b" } }, spec: { externalTrafficPolicy: "Local" }, status };
    const one = await api().request("PATCH", `${path}/status`, both, "application/merge-patch+json");
    const read = asService(one.body);
    assert.deepEqual([one.status, read.labels["a"], read.externalTrafficPolicy, read.ingress[0]?.ip], [200, "b", "Cluster", "192.0.2.20"]);
    const two = await api().request("PATCH", path, { spec: { externalTrafficPolicy: "Local" }, status: { loadBalancer: { ingress: null } } }, "application/merge-patch+json");
    const after = asService(two.body);
    assert.deepEqual([after.externalTrafficPolicy, after.ingress[0]?.ip], ["Local", "192.0.2.20"]);
  });

  test("a JSON patch is carried out if its test holds, and not otherwise", async (t) => {
    const service = await serviceOf(t, bench);
    const path = `/api/v1/namespaces/default/services/${service.name}/status`;
    const patch = (version: string): unknown => [
      { op: "test", path: "/metadata/resourceVersion", value: version },
      { op: "add", path: "/status/loadBalancer", value: { ingress: [{ ip: "192.0.2.21" }] } },
    ];
    const refused = await api().request("PATCH", path, patch("1"), "application/json-patch+json");
    assert.equal(refused.status, 422);
    const done = await api().request("PATCH", path, patch(service.resourceVersion), "application/json-patch+json");
    assert.equal(done.status, 200);
    assert.equal(asService(done.body).ingress[0]?.ip, "192.0.2.21");
  });

  test("an IPv6 address is stored as it was written, and read in its canonical form", async (t) => {
    const { name } = await serviceOf(t, bench);
    const path = `/api/v1/namespaces/default/services/${name}/status`;
    const done = await api().request("PATCH", path, { status: { loadBalancer: { ingress: [{ ip: "2001:DB8:0::0:5" }] } } }, "application/merge-patch+json");
    assert.deepEqual(recordOf(recordOf(done.body)?.["status"])?.["loadBalancer"], { ingress: [{ ip: "2001:DB8:0::0:5", ipMode: "VIP" }] });
    assert.equal(asService(done.body).ingress[0]?.ip, "2001:db8::5");
  });
}
