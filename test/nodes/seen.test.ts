import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, KINDS } from "../../src/cluster/index.ts";
import { ownNodeProblem, seeNodes } from "../../src/nodes/index.ts";
import { node } from "../cluster/objects.ts";

test("nodes that are not Ready are listed, and only what is wrong with its own node excludes a host", () => {
  const cluster = new Cluster();
  cluster.apply({ type: "node", node: node("w1") });
  cluster.apply({ type: "node", node: node("w2", { ready: false }) });
  cluster.apply({ type: "node", node: node("w3", { labels: { "node.kubernetes.io/exclude-from-external-load-balancers": "" } }) });
  assert.deepEqual(seeNodes(cluster, "w1"), { notReady: new Set(["w2"]), excluded: undefined });
  assert.match(seeNodes(cluster, "w3").excluded ?? "", /^node w3 has the label node\.kubernetes\.io\/exclude-from-external-load-balancers$/);
  assert.equal(seeNodes(cluster, "w2").excluded, undefined, "a node that is not Ready is doubtful, not excluded");
  assert.equal(seeNodes(cluster, undefined).excluded, undefined);
});

test("a node that Kubernetes does not know is a problem once everything has been read, and a host without one always", () => {
  const cluster = new Cluster();
  assert.equal(ownNodeProblem(cluster, "w1"), undefined);
  for (const kind of KINDS) cluster.apply({ type: "synced", kind });
  assert.match(ownNodeProblem(cluster, "w1") ?? "", /no node w1/);
  cluster.apply({ type: "node", node: node("w1") });
  assert.equal(ownNodeProblem(cluster, "w1"), undefined);
  assert.match(ownNodeProblem(cluster, undefined) ?? "", /gateway/);
});
