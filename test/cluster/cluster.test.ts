import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Cluster, type ClusterChange, KINDS } from "../../src/cluster/index.ts";
import { address } from "../../src/net/index.ts";
import { node, service, slice } from "./objects.ts";

test("a change of address touches the old and the new one", () => {
  const cluster = new Cluster();
  cluster.apply({ type: "service", service: service("web", { ips: ["192.0.2.1"] }) });
  const touched = cluster.apply({ type: "service", service: service("web", { ips: ["192.0.2.2"] }) });
  assert.deepEqual(touched.addresses, new Set(["192.0.2.1", "192.0.2.2"]));
  assert.deepEqual(cluster.servicesAt(address("192.0.2.1")), []);
  assert.equal(cluster.servicesAt(address("192.0.2.2"))[0]?.name, "web");
});

test("of two Services on one address the older comes first, whatever the order in which they were seen", () => {
  const older = service("older", { ips: ["192.0.2.1"], createdAt: 1 });
  const younger = service("younger", { ips: ["192.0.2.1"], createdAt: 2 });
  for (const order of [
    [older, younger],
    [younger, older],
  ]) {
    const cluster = new Cluster();
    for (const one of order) cluster.apply({ type: "service", service: one });
    assert.deepEqual(
      cluster.servicesAt(address("192.0.2.1")).map((holder) => holder.name),
      ["older", "younger"],
    );
  }
});

test("endpoints of all slices of a Service count, and touch its addresses", () => {
  const web = service("web", { ips: ["192.0.2.1"] });
  const cluster = new Cluster();
  cluster.apply({ type: "service", service: web });
  const touched = cluster.apply({ type: "slice", slice: slice(web, [{ node: "w1" }]) });
  assert.deepEqual(touched.addresses, new Set(["192.0.2.1"]));
  cluster.apply({ type: "slice", slice: { ...slice(web, [{ node: "w2" }]), key: "another" } });
  assert.deepEqual(
    cluster.endpoints(web.key).map((endpoint) => endpoint.node),
    ["w1", "w2"],
  );
  cluster.apply({ type: "slice-gone", key: "another" });
  assert.equal(cluster.endpoints(web.key).length, 1);
});

test("a node's heartbeat touches nothing, its readiness everything", () => {
  const cluster = new Cluster();
  cluster.apply({ type: "node", node: node("w1") });
  assert.equal(cluster.apply({ type: "node", node: node("w1") }).everything, false);
  assert.equal(cluster.apply({ type: "node", node: node("w1", { ready: false }) }).everything, true);
});

test("the view is complete when every kind has been listed, and says so once", () => {
  const cluster = new Cluster();
  const touched = KINDS.map((kind) => {
    assert.equal(cluster.complete, false);
    return cluster.apply({ type: "synced", kind }).everything;
  });
  assert.equal(cluster.complete, true);
  assert.deepEqual(touched, [false, false, false, true]);
  assert.equal(cluster.apply({ type: "synced", kind: "nodes" }).everything, false);
});

test("the index of addresses is what the Services say, after any sequence of changes", () => {
  const names = fc.constantFrom("a", "b", "c");
  const ips = fc.uniqueArray(fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1"), { maxLength: 3 });
  const change: fc.Arbitrary<ClusterChange> = fc.oneof(
    fc.tuple(names, ips, fc.nat(3)).map(([name, list, createdAt]): ClusterChange => ({ type: "service", service: service(name, { ips: list, createdAt }) })),
    names.map((name): ClusterChange => ({ type: "service-gone", key: service(name).key })),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30, size: "max" }), (changes) => {
      const cluster = new Cluster();
      for (const one of changes) cluster.apply(one);
      for (const ip of ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(address)) {
        const holders = Array.from(cluster.services()).filter((s) => s.ingress.some((entry) => entry.ip === ip));
        assert.deepEqual(new Set(cluster.servicesAt(ip)), new Set(holders));
      }
      assert.equal(
        Array.from(cluster.addresses()).every((a) => cluster.servicesAt(a).length > 0),
        true,
      );
    }),
  );
});

test("endpoints can be asked for by family; those of which nobody noted it are of both", () => {
  const cluster = new Cluster();
  const web = service("web", { ips: [address("192.0.2.1")] });
  cluster.apply({ type: "service", service: web });
  for (const [family, node] of [["ipv4", "w4"], ["ipv6", "w6"], [undefined, "w"]] as const) cluster.apply({ type: "slice", slice: slice(web, [{ node }], family) });
  const nodes = (family?: "ipv4" | "ipv6") => cluster.endpoints(web.key, family).map(({ node }) => node);
  assert.deepEqual([nodes("ipv4"), nodes("ipv6"), nodes()], [["w4", "w"], ["w6", "w"], ["w4", "w6", "w"]]);
});

test("a slice that goes over to another Service touches the addresses of both", () => {
  const cluster = new Cluster();
  const [web, api] = [service("web", { ips: ["192.0.2.1"] }), service("api", { ips: ["192.0.2.2"] })];
  for (const one of [web, api]) cluster.apply({ type: "service", service: one });
  const first = slice(web, [{ node: "w1" }]);
  cluster.apply({ type: "slice", slice: first });
  const touched = cluster.apply({ type: "slice", slice: { ...first, service: api.key } });
  assert.deepEqual(new Set(touched.addresses), new Set(["192.0.2.1", "192.0.2.2"]));
  assert.deepEqual([cluster.endpoints(web.key).length, cluster.endpoints(api.key).length], [0, 1]);
});

test("a namespace touches the Services in it, as long as they are there", () => {
  const cluster = new Cluster();
  const web = service("web", { namespace: "shop", ips: ["192.0.2.1"] });
  cluster.apply({ type: "service", service: web });
  cluster.apply({ type: "service", service: service("other", { namespace: "elsewhere", ips: ["192.0.2.2"] }) });
  const put = (): ReadonlySet<string> => cluster.apply({ type: "namespace", namespace: { name: "shop", labels: { team: "web" } } }).addresses;
  assert.deepEqual(put(), new Set(["192.0.2.1"]));
  cluster.apply({ type: "service-gone", key: web.key });
  assert.deepEqual(put(), new Set());
});

test("what the status of a Service of another type still names is nobody's address", () => {
  const cluster = new Cluster();
  cluster.apply({ type: "service", service: service("web", { ips: ["192.0.2.1"], createdAt: 1 }) });
  const touched = cluster.apply({ type: "service", service: service("web", { ips: ["192.0.2.1"], createdAt: 1, type: "ClusterIP" }) });
  assert.deepEqual(touched.addresses, new Set(["192.0.2.1"]));
  assert.deepEqual([cluster.servicesAt(address("192.0.2.1")), Array.from(cluster.addresses())], [[], []]);
});
