/** Tables whose effect is not built yet: checked like the others, and then refused rather than ignored. Pure. */
import { parseNetwork } from "./address-text.ts";
import { key, optional, table } from "./table.ts";
import { type ValueType, boolean, duration, integer, list, mismatch, oneOf, parsedText } from "./value.ts";

const FORWARDING_TO_COME = (): string => "forwarding by bmlb is to come; remove the key";

const markMask: ValueType<number> = {
  allowed: 'contiguous bits of 32, as text "0x00ff0000" or as an integer',
  read(node, report) {
    const written = node.type === "integer" ? node.value : node.type === "string" && /^0x[0-9a-f]{1,8}$/i.test(node.value) ? BigInt(node.value) : -1n;
    if (written < 1n || written > 0xffff_ffffn || !isContiguous(written)) return mismatch(markMask.allowed, node, report);
    return Number(written);
  },
};

function isContiguous(bits: bigint): boolean {
  return /^1+0*$/.test(bits.toString(2));
}

export const FORWARDING = table({
  path: "forwarding",
  kind: "one",
  doc: "How a gateway sends the traffic for VIPs to the nodes.",
  keys: {
    mode: optional({
      type: oneOf("none", "route", "nat"),
      without: '"none" on a worker host, "route" on a gateway',
      example: "route",
      doc: "Who forwards: nothing here, this host by routes, or this host by address translation.",
      notYet: (mode) => (mode === "none" ? undefined : 'forwarding by bmlb is to come; allowed for now is "none"'),
    }),
    pin_idle: key({ type: duration({ least: "1s", most: "168h" }), default: "1h", example: "1h", doc: "How long an idle flow keeps its worker.", notYet: FORWARDING_TO_COME }),
    mark_mask: key({ type: markMask, default: "0x00ff0000", example: "0x00ff0000", doc: "Bits of the packet mark that bmlb may use.", notYet: FORWARDING_TO_COME }),
    table_base: key({ type: integer(1, 4_294_967_295), default: 7400, example: 7400, doc: "First of the routing tables that bmlb may use.", notYet: FORWARDING_TO_COME }),
    rule_priority: key({ type: integer(1, 32_765), default: 7400, example: 7400, doc: "First of the priorities of routing rules that bmlb may use.", notYet: FORWARDING_TO_COME }),
    node_networks: key({ type: list(parsedText('a prefix such as "192.0.2.0/24"', parseNetwork)), default: [], example: ["192.0.2.0/24"], doc: "Which of a node's addresses traffic is sent to; empty: the one on-link.", notYet: FORWARDING_TO_COME }),
    manage_sysctls: key({ type: boolean, default: false, example: false, doc: "Whether the sysctls that forwarding needs are set on the interfaces concerned.", notYet: FORWARDING_TO_COME }),
  },
});

export const DAMPING = table({
  path: "damping",
  kind: "one",
  doc: "Nodes that flap between Ready and NotReady get no new traffic for a while.",
  keys: {
    enabled: key({
      type: boolean,
      default: true,
      example: true,
      doc: "Whether the readiness of nodes is damped.",
      notYet: (enabled) => (enabled ? "damping is to come; allowed for now is false" : undefined),
    }),
  },
});
