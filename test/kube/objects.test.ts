import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keyOf, nameOf, readNamespace, readNode, readService, readSlice } from "../../src/kube/objects.ts";
import { readLease, writeLease } from "../../src/kube/lease.ts";

const METADATA = { name: "web", namespace: "shop", uid: "u-1", resourceVersion: "42", creationTimestamp: "2026-11-21T10:00:00Z" };
const SERVICE = {
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    ...METADATA,
    labels: { app: "web" },
    annotations: { "bmlb.io/ips": "192.0.2.1", "metallb.io/address-pool": "lan", "metallb.universe.tf/allow-shared-ip": "k", "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    managedFields: [{ manager: "kubectl" }],
  },
  spec: {
    type: "LoadBalancer",
    loadBalancerClass: "bmlb.io/bmlb",
    loadBalancerIP: "192.0.2.7",
    externalTrafficPolicy: "Local",
    ipFamilies: ["IPv6", "IPv4"],
    ipFamilyPolicy: "RequireDualStack",
    ports: [{ name: "http", port: 80, targetPort: 8080 }, { protocol: "UDP", port: 53 }],
    selector: { app: "web" },
  },
  status: { loadBalancer: { ingress: [{ ip: "192.0.2.7", ipMode: "Proxy" }, { ip: "2001:DB8:0:0::1" }, { hostname: "a.example" }] } },
};

test("a Service is read with everything that matters, its addresses in canonical form, and nothing that does not", () => {
  assert.deepEqual(readService("main", SERVICE), {
    type: "value",
    key: "main/shop/web",
    value: {
      key: "main/shop/web",
      namespace: "shop",
      name: "web",
      uid: "u-1",
      resourceVersion: "42",
      createdAt: 1795255200,
      deleting: false,
      type: "LoadBalancer",
      loadBalancerClass: "bmlb.io/bmlb",
      loadBalancerIP: "192.0.2.7",
      externalTrafficPolicy: "Local",
      ipFamilies: ["IPv6", "IPv4"],
      ipFamilyPolicy: "RequireDualStack",
      ports: [{ protocol: "TCP", port: 80 }, { protocol: "UDP", port: 53 }],
      selector: { app: "web" },
      labels: { app: "web" },
      annotations: { "bmlb.io/ips": "192.0.2.1", "metallb.io/address-pool": "lan", "metallb.universe.tf/allow-shared-ip": "k" },
      ingress: [{ ip: "192.0.2.7", ipMode: "Proxy" }, { ip: "2001:db8::1" }],
      hasHostname: true,
    },
  });
});

for (const [what, change, type] of [
  ["of another type", { spec: { ...SERVICE.spec, type: "NodePort" } }, "irrelevant"],
  ["without a type, which is ClusterIP", { spec: {} }, "irrelevant"],
  ["of a type that does not exist", { spec: { type: "Router" } }, "malformed"],
  ["whose type is a number", { spec: { type: 7 } }, "malformed"],
  ["without a spec", { spec: null }, "malformed"],
  ["without metadata", { metadata: null }, "malformed"],
  ["without a name", { metadata: { ...METADATA, name: 7 } }, "malformed"],
  ["without a namespace", { metadata: { ...METADATA, namespace: null } }, "malformed"],
  ["without a uid", { metadata: { ...METADATA, uid: "" } }, "malformed"],
  ["without a version", { metadata: { ...METADATA, resourceVersion: 7 } }, "malformed"],
] as const) {
  test(`a Service ${what} is ${type}`, () => {
    assert.equal(readService("main", { ...SERVICE, ...change }).type, type);
  });
}

test("fields of a Service that make no sense are left out, and the rest of it stands", () => {
  const reading = readService("main", {
    metadata: { ...METADATA, creationTimestamp: "yesterday", labels: [1], annotations: { "bmlb.io/ips": 7, "bmlb.io/share-key": "k" }, deletionTimestamp: "2026-11-21T10:00:00Z" },
    spec: {
      type: "LoadBalancer",
      ports: [null, { port: 0 }, { port: 65536 }, { port: "80" }, { port: 80, protocol: "ICMP" }, { port: 443, protocol: "SCTP" }],
      ipFamilies: ["IPv5", "IPv4", null],
      ipFamilyPolicy: "Triple",
      selector: "app=web",
      externalTrafficPolicy: 7,
      loadBalancerClass: "",
    },
    status: { loadBalancer: { ingress: [null, { ip: "192.0.2.256" }, { ip: "::ffff:192.0.2.1%eth0" }, { ip: 7 }, { ip: "192.0.2.1", ipMode: "Bridge" }] } },
  });
  assert.ok(reading.type === "value");
  const { value } = reading;
  assert.deepEqual(value.ports, [{ protocol: "SCTP", port: 443 }]);
  assert.deepEqual(value.ipFamilies, ["IPv4"]);
  assert.deepEqual(value.ingress, [{ ip: "192.0.2.1" }]);
  assert.deepEqual(value.annotations, { "bmlb.io/share-key": "k" });
  assert.deepEqual([value.labels, value.selector, value.ipFamilyPolicy, value.externalTrafficPolicy, value.loadBalancerClass, value.deleting], [{}, {}, "SingleStack", "Cluster", undefined, true]);
  assert.equal(value.createdAt, Number.MAX_SAFE_INTEGER, "who has no age does not win a dispute over an address");
});

const SLICE = { metadata: { name: "web-x1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } }, addressType: "IPv4" };

for (const [what, conditions, expected] of [
  ["ready", { ready: true, serving: true, terminating: false }, { ready: true, serving: true, terminating: false }],
  ["not ready", { ready: false }, { ready: false, serving: false, terminating: false }],
  ["of unknown readiness, which is ready", { ready: null, serving: null, terminating: null }, { ready: true, serving: true, terminating: false }],
  ["without conditions, which is ready", undefined, { ready: true, serving: true, terminating: false }],
  ["terminating and still serving", { ready: false, serving: true, terminating: true }, { ready: false, serving: true, terminating: true }],
] as const) {
  test(`an endpoint that is ${what} is read so`, () => {
    const reading = readSlice("main", { ...SLICE, endpoints: [{ addresses: ["10.0.0.1"], nodeName: "n1", conditions }] });
    assert.ok(reading.type === "value");
    assert.deepEqual(reading.value, { key: "main/shop/web-x1", service: "main/shop/web", family: "ipv4", endpoints: [{ node: "n1", ...expected }] });
  });
}

test("an empty EndpointSlice as a real server sends it has no endpoints", () => {
  const reading = readSlice("main", { ...SLICE, endpoints: null, ports: null });
  assert.ok(reading.type === "value");
  assert.deepEqual(reading.value.endpoints, []);
});

test("an EndpointSlice says of which family its addresses are, if they are addresses", () => {
  for (const [addressType, family] of [["IPv4", "ipv4"], ["IPv6", "ipv6"], ["FQDN", undefined], [undefined, undefined], [6, undefined]] as const) {
    const reading = readSlice("main", { ...SLICE, addressType });
    assert.ok(reading.type === "value");
    assert.equal(reading.value.family, family);
  }
});

test("an EndpointSlice of nobody is irrelevant", () => {
  assert.equal(readSlice("main", { metadata: { name: "a", namespace: "b" }, endpoints: [] }).type, "irrelevant");
});

test("equal endpoints are one value, so that many cost little", () => {
  const many = readSlice("main", { ...SLICE, endpoints: Array.from({ length: 100 }, (_, i) => ({ nodeName: `n${i % 2}` })) });
  assert.ok(many.type === "value");
  assert.equal(new Set(many.value.endpoints).size, 2);
});

test("a Node is read with its conditions and its addresses, the internal ones first", () => {
  const reading = readNode({
    metadata: { name: "n1", labels: { "kubernetes.io/hostname": "n1" } },
    status: {
      conditions: [null, { type: "Ready", status: "Unknown" }, { type: "NetworkUnavailable", status: "True" }],
      addresses: [{ type: "ExternalIP", address: "198.51.100.1" }, { type: "InternalIP", address: "192.0.2.11" }, { type: "Hostname", address: "n1" }, { type: "InternalIP", address: "nonsense" }, { type: "InternalIP", address: "2001:DB8::11" }],
    },
  });
  assert.deepEqual(reading, {
    type: "value",
    key: "n1",
    value: { name: "n1", labels: { "kubernetes.io/hostname": "n1" }, ready: false, networkUnavailable: true, deleting: false, addresses: ["192.0.2.11", "2001:db8::11", "198.51.100.1"] },
  });
});

test("a label called __proto__ is a label", () => {
  const reading = readNamespace(JSON.parse('{"metadata": {"name": "a", "labels": {"__proto__": "x", "constructor": "y"}}}'));
  assert.ok(reading.type === "value");
  assert.deepEqual(Object.entries(reading.value.labels).sort(), [["__proto__", "x"], ["constructor", "y"]]);
});

test("whatever JSON comes, nothing throws, and nothing that is read lacks its key", () => {
  const keys = fc.constantFrom("metadata", "spec", "status", "name", "namespace", "uid", "labels", "type", "endpoints", "conditions", "loadBalancer", "ingress", "ip", "ports", "addresses", "holderIdentity");
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof({ maxDepth: 6 }, fc.constantFrom("LoadBalancer", "web", "1", "192.0.2.1", ""), fc.double(), fc.boolean(), fc.constant(null), fc.array(tie("json"), { maxLength: 3 }), fc.dictionary(keys, tie("json"), { maxKeys: 8 })),
  }));
  fc.assert(
    fc.property(json, (object) => {
      for (const reading of [readService("c", object), readSlice("c", object), readNode(object), readNamespace(object)]) {
        if (reading.type !== "malformed") assert.equal(typeof reading.key, "string");
      }
      assert.deepEqual([keyOf("c", object), keyOf("c", object), nameOf(object), nameOf(object)], [readService("c", object), readSlice("c", object), readNode(object), readNamespace(object)].map(({ key }) => key), "what is deleted is found by its key alone");
      readLease(object);
    }),
    { numRuns: 500 },
  );
});

test("a Lease that is written is read back as it was", () => {
  const record = { holder: "a", duration: 15, acquireTime: "2026-11-21T10:00:00.000000Z", renewTime: "2026-11-21T10:00:05.123000Z", transitions: 3 };
  assert.deepEqual(readLease(writeLease("ns", "n", record, { a: "b" }, "7")), { name: "n", resourceVersion: "7", record, annotations: { a: "b" } });
});

test("a Lease that claims to last for years lasts five minutes", () => {
  assert.equal(readLease({ metadata: { name: "a", resourceVersion: "1" }, spec: { leaseDurationSeconds: 1e9 } })?.record.duration, 300);
  assert.equal(readLease({ metadata: { name: "a", resourceVersion: "1" }, spec: { leaseDurationSeconds: -5 } })?.record.duration, 0);
});
