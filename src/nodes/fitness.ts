/**
 * Which Nodes may carry traffic. Pure.
 *
 * A cordoned node is not unfit: what runs there still serves. Readiness is told apart from exclusion, because a node that is not
 * Ready may only have lost its kubelet, whereas an excluded one was excluded by somebody.
 */
import type { Node } from "../cluster/index.ts";

export type NodeVerdict = { readonly fit: true } | { readonly fit: false; readonly reason: UnfitReason };

/** `excluded`, `deleting` and `network-unavailable` hold at once; `not-ready` only counts after it has stood for a while. */
export type UnfitReason = "unknown-node" | "excluded" | "deleting" | "network-unavailable" | "not-ready";

/** The label with which an administrator keeps a node out of load balancing (well-known label of Kubernetes). */
const EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers";

/** The verdict on a Node; undefined: Kubernetes does not know it. */
export function judgeNode(node: Node | undefined): NodeVerdict {
  if (node === undefined) return { fit: false, reason: "unknown-node" };
  if (Object.hasOwn(node.labels, EXCLUDE_LABEL)) return { fit: false, reason: "excluded" };
  if (node.deleting) return { fit: false, reason: "deleting" };
  if (node.networkUnavailable) return { fit: false, reason: "network-unavailable" };
  if (!node.ready) return { fit: false, reason: "not-ready" };
  return { fit: true };
}

/** The sentence for the operator, without a full stop. */
export function sayUnfit(node: string, reason: UnfitReason): string {
  switch (reason) {
    case "unknown-node":
      return `Kubernetes knows no node ${node}: [host] node must be the name that \`kubectl get nodes\` shows`;
    case "excluded":
      return `node ${node} has the label ${EXCLUDE_LABEL}`;
    case "deleting":
      return `node ${node} is being deleted`;
    case "network-unavailable":
      return `node ${node} has the condition NetworkUnavailable`;
    case "not-ready":
      return `node ${node} is not Ready`;
  }
}
