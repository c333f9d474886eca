/** What Kubernetes thinks of the nodes, and of the one on this host first. Pure. */
import type { ClusterView } from "../cluster/index.ts";
import { judgeNode, sayUnfit } from "./fitness.ts";

export type NodesSeen = {
  /** The nodes that are not Ready, and nothing worse. */
  readonly notReady: ReadonlySet<string>;
  /** Why this host must serve nothing; undefined: it may. */
  readonly excluded: string | undefined;
};

/** @param own the node on this host; undefined on a gateway */
export function seeNodes(cluster: ClusterView, own: string | undefined): NodesSeen {
  const notReady = new Set<string>();
  let excluded: string | undefined;
  for (const node of cluster.nodes()) {
    const verdict = judgeNode(node);
    if (verdict.fit) continue;
    if (verdict.reason === "not-ready") notReady.add(node.name);
    else if (node.name === own) excluded = sayUnfit(node.name, verdict.reason);
  }
  return { notReady, excluded };
}

/** What the operator should know of the node on this host; undefined if all is as it should be. */
export function ownNodeProblem(cluster: ClusterView, own: string | undefined): string | undefined {
  if (own === undefined) return "this host has no [host] node, and this version of bmlb does not carry traffic from a gateway to the cluster: set node if Kubernetes runs here, else see to the way to the workers yourself";
  return cluster.complete && cluster.node(own) === undefined ? sayUnfit(own, "unknown-node") : undefined;
}
