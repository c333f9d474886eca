/** Lists in pages, watches that go on from a version, bookmarks, and versions that are too old. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../../../src/cluster/index.ts";
import { familyOf, address } from "../../../src/net/index.ts";
import { listOf, recordOf, textOf } from "../../../src/kube/raw.ts";
import { type Bench, type Part, asService, fresh, keyOf, partOf, serviceOf, sourceOf, until, untilComplete, versionOf } from "./bench.ts";

type Event = { readonly type: string; readonly object: { readonly metadata?: { readonly name?: string; readonly resourceVersion?: string }; readonly code?: number; readonly reason?: string } };

/** Everything that a watch says until the server ends it. `begun` is called once it has said anything. */
async function watchUntilItEnds({ client }: Part, query: string, begun = (): void => undefined): Promise<readonly Event[]> {
  const opened = await client.open({ method: "GET", path: `/api/v1/services?watch=1&${query}`, what: "watch services", timeoutMs: 10_000 });
  assert.ok(opened.ok, opened.ok ? "" : opened.failure.sentence);
  let text = "";
  for await (const chunk of opened.response as AsyncIterable<Buffer>) {
    if (text === "") begun();
    text += chunk.toString();
  }
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Event);
}

export function readingCases(bench: Bench): void {
  const { api, workloads, forget } = bench;

  test("a list comes in pages that belong to one version, and together they are everything", async (t) => {
    const { client } = await partOf(t, api());
    const names = await Promise.all(Array.from({ length: 5 }, async () => (await serviceOf(t, bench)).name));
    const seen: string[] = [];
    const versions = new Set<string>();
    let rest = "";
    do {
      const path = `/api/v1/services?limit=2${rest === "" ? "" : `&continue=${encodeURIComponent(rest)}`}`;
      const answer = await client.request({ method: "GET", path, what: "list services", timeoutMs: 10_000 });
      assert.ok(answer.ok);
      const items = listOf(recordOf(answer.body)?.["items"]);
      assert.ok(items.length <= 2);
      for (const item of items) seen.push(textOf(recordOf(recordOf(item)?.["metadata"])?.["name"]) ?? "");
      versions.add(versionOf(answer.body));
      // What is created between two pages belongs to a later version.
      if (rest === "") await serviceOf(t, bench, "aaa-between-pages");
      rest = textOf(recordOf(recordOf(answer.body)?.["metadata"])?.["continue"]) ?? "";
    } while (rest !== "");
    assert.equal(versions.size, 1);
    assert.equal(new Set(seen).size, seen.length);
    assert.deepEqual(seen.filter((name) => names.includes(name)).sort(), [...names].sort());
    assert.ok(!seen.includes("aaa-between-pages"));
  });

  test("a cluster with more Services than a page holds is read completely", async (t) => {
    const names = Array.from({ length: 520 }, (_, i) => `many-${i}`);
    for (let i = 0; i < names.length; i += 20) await Promise.all(names.slice(i, i + 20).map((name) => serviceOf(t, bench, name)));
    const { source, cluster } = sourceOf(t, await partOf(t, api()));
    await untilComplete(cluster);
    assert.deepEqual(names.filter((name) => cluster.service(keyOf(name)) === undefined), []);
    assert.equal(source.status().malformed, 0);
  });

  test("what is created, changed and deleted arrives by the watch", async (t) => {
    const { cluster, source } = sourceOf(t, await partOf(t, api()));
    await untilComplete(cluster);
    await until("all watch", () => source.status().watches.every((watch) => watch.state === "watching"));
    const name = fresh("web");
    const made = asService(await workloads().createService({ name, allocateLoadBalancerNodePorts: false, annotations: { "bmlb.io/ips": "192.0.2.1", other: "x" }, ports: [80, { name: "dns", port: 53, protocol: "UDP" }] }));
    await until("it is known", () => cluster.service(keyOf(name)) !== undefined);
    assert.deepEqual(cluster.service(keyOf(name)), made);
    assert.deepEqual(made.annotations, { "bmlb.io/ips": "192.0.2.1" });
    assert.deepEqual(made.ports.map((port) => `${port.protocol} ${port.port}`), ["TCP 80", "UDP 53"]);
    await workloads().patchService({ name }, { spec: { externalTrafficPolicy: "Local" } });
    await until("its policy is known", () => cluster.service(keyOf(name))?.externalTrafficPolicy === "Local");
    await api().request("DELETE", `/api/v1/namespaces/default/services/${name}`);
    await until("it is gone", () => cluster.service(keyOf(name)) === undefined);
    assert.equal(source.status().watches[0]?.lists, 1);
  });

  test("an EndpointSlice without endpoints, which a real server writes as null, is empty", async (t) => {
    const { name } = await serviceOf(t, bench);
    const { cluster } = sourceOf(t, await partOf(t, api()));
    await untilComplete(cluster);
    const slice = { metadata: { name: `${name}-x`, labels: { "kubernetes.io/service-name": name } }, addressType: "IPv4" };
    const path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    t.after(() => api().request("DELETE", `${path}/${name}-x`));
    const created = await api().request("POST", path, { ...slice, endpoints: [{ addresses: ["10.0.0.1"], nodeName: "n1" }], ports: [] });
    assert.equal(created.status, 201);
    await until("it is known", () => cluster.endpoints(keyOf(name)).length === 1);
    assert.deepEqual(cluster.endpoints(keyOf(name)), [{ node: "n1", ready: true, serving: true, terminating: false }]);
    const emptied = await api().request("PUT", `${path}/${name}-x`, { ...slice, endpoints: null, ports: null });
    assert.equal(emptied.status, 200);
    await until("it is empty", () => cluster.endpoints(keyOf(name)).length === 0);
  });

  test("a Service that is no longer of type LoadBalancer loses its addresses, and says what it is now", async (t) => {
    const { name } = await serviceOf(t, bench);
    const path = `/api/v1/namespaces/default/services/${name}`;
    await api().request("PATCH", `${path}/status`, { status: { loadBalancer: { ingress: [{ ip: "192.0.2.77" }] } } }, "application/merge-patch+json");
    const { cluster } = sourceOf(t, await partOf(t, api()));
    await untilComplete(cluster);
    assert.deepEqual(cluster.service(keyOf(name))?.ingress, [{ ip: "192.0.2.77", ipMode: "VIP" }]);
    await api().request("PATCH", path, { spec: { type: "ClusterIP", allocateLoadBalancerNodePorts: null } }, "application/merge-patch+json");
    await until("it is known", () => cluster.service(keyOf(name))?.type === "ClusterIP" && cluster.servicesAt(address("192.0.2.77")).length === 0);
  });

  test("Nodes and Namespaces come with their labels and addresses", async (t) => {
    const name = fresh("node");
    await workloads().createNode(name, { ip: ["192.0.2.50", "2001:db8::50"], labels: { rack: "r1" } });
    t.after(() => api().request("DELETE", `/api/v1/nodes/${name}`));
    const { cluster } = sourceOf(t, await partOf(t, api()));
    await untilComplete(cluster);
    const node = cluster.node(name);
    assert.deepEqual([node?.ready, node?.labels["rack"], node?.addresses.map(familyOf)], [true, "r1", ["ipv4", "ipv6"]]);
    assert.equal(cluster.namespace("default")?.labels["kubernetes.io/metadata.name"], "default");
  });

  test("a watch goes on after any version, ends after timeoutSeconds, and brings a bookmark before it ends", async (t) => {
    const part = await partOf(t, api());
    // A busy server may end a watch without the bookmark: that costs a relist and is no breach, but it must be rare.
    for (let attempt = 1; ; attempt++) {
      const first = await serviceOf(t, bench);
      const second = await serviceOf(t, bench);
      // A server says no bookmark to a watch that brought nothing new since it began.
      let third: Promise<Service> | undefined;
      const events = await watchUntilItEnds(part, `resourceVersion=${first.resourceVersion}&allowWatchBookmarks=true&timeoutSeconds=6`, () => {
        third = serviceOf(t, bench);
      });
      const { name, resourceVersion } = (await third) ?? first;
      const names = events.map((event) => `${event.type} ${event.object.metadata?.name ?? ""}`);
      assert.deepEqual(names.slice(0, 2), [`ADDED ${second.name}`, `ADDED ${name}`]);
      if (names.length === 2 && attempt < 3) continue;
      // Often one, sometimes a second one a moment later: the server's bookmark timer has a granularity of its own.
      const bookmarks = events.slice(2);
      assert.ok(bookmarks.length === 1 || bookmarks.length === 2, `${bookmarks.length} bookmarks`);
      for (const bookmark of bookmarks) assert.deepEqual([bookmark.type, bookmark.object.metadata?.resourceVersion], ["BOOKMARK", resourceVersion]);
      return;
    }
  });

  test("a version that is no longer kept is 410, as an ERROR event in an answer of 200", async (t) => {
    const part = await partOf(t, api());
    const { resourceVersion } = await serviceOf(t, bench);
    await serviceOf(t, bench);
    await forget();
    const events = await watchUntilItEnds(part, `resourceVersion=${resourceVersion}&timeoutSeconds=5`);
    assert.deepEqual(events.map((event) => [event.type, event.object.code, event.object.reason]), [["ERROR", 410, "Expired"]]);
  });

  test("a source whose watch was cut while the server forgot its history lists again, and misses nothing", async (t) => {
    const stays = await serviceOf(t, bench);
    const goes = await serviceOf(t, bench);
    const { source, cluster } = sourceOf(t, await partOf(t, api()));
    await untilComplete(cluster);
    await until("all watch", () => source.status().watches.every((watch) => watch.state === "watching"));
    t.after(() => api().fault("none"));
    await api().fault("refuse");
    await until("it was noticed", () => source.status().watches.every((watch) => watch.failures > 0));
    await api().request("DELETE", `/api/v1/namespaces/default/services/${goes.name}`);
    const comes = await serviceOf(t, bench);
    await forget();
    await api().fault("none");
    await until("the new one is known, and the old one is not", () => cluster.service(comes.key) !== undefined && cluster.service(goes.key) === undefined, 30_000);
    assert.ok(cluster.service(stays.key) !== undefined);
  });
}
