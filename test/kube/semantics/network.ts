/**
 * EndpointSlices and Nodes: what bmlb reads beside Services.
 */
import { MERGE, SLICES, STRATEGIC, type Table } from "./table.ts";

const slice = (name: string, more: object = {}): object => ({ metadata: { name }, addressType: "IPv4", ...more });
const NODES = "/api/v1/nodes";

export const SLICE_WRITES: Table = {
  about: "writing EndpointSlices",
  rows: [
    [201, "POST", SLICES, slice("s1")],
    [201, "POST", SLICES, slice("s2", { endpoints: [], ports: [] })],
    [201, "POST", SLICES, slice("s3", { endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ port: 80 }] })],
    [422, "POST", SLICES, slice("s4", { addressType: undefined })],
    [422, "POST", SLICES, slice("s4", { addressType: "IPv5" })],
    [422, "POST", SLICES, slice("s4", { endpoints: [{ addresses: ["2001:db8::1"] }] })],
    [422, "POST", SLICES, slice("s4", { endpoints: [{ addresses: ["127.0.0.1"] }] })],
    [422, "POST", SLICES, slice("s4", { endpoints: [{ addresses: ["169.254.1.1"] }] })],
    [422, "POST", SLICES, slice("s4", { endpoints: [{ addresses: ["224.0.0.1"] }] })],
    [422, "POST", SLICES, slice("s4", { endpoints: [{ addresses: ["10.0.0.01"] }] })],
    [422, "POST", SLICES, slice("s4", { endpoints: [{ addresses: [] }] })],
    [422, "POST", SLICES, slice("s4", { endpoints: [{ addresses: ["10.0.0.1"], nodeName: "A B" }] })],
    [422, "POST", SLICES, slice("s4", { ports: [{ port: 1 }, { port: 2 }] })],
    [201, "POST", SLICES, slice("s5", { addressType: "IPv6", endpoints: [{ addresses: ["fd00::1"], nodeName: "n1", conditions: { ready: false } }] })],
    [201, "POST", SLICES, slice("s6", { addressType: "FQDN", endpoints: [{ addresses: ["a.b"] }] })],
    [422, "PATCH", `${SLICES}/s5`, { addressType: "IPv4" }, MERGE],
    [200, "PATCH", `${SLICES}/s3`, { endpoints: null }, MERGE],
    [404, "PUT", `${SLICES}/s7`, slice("s7")],
    [200, "GET", `${SLICES}?fieldSelector=metadata.name%3Ds5`],
    [200, "DELETE", `${SLICES}/s3`],
  ],
};

const READY = { type: "Ready", status: "True" };

export const NODE_WRITES: Table = {
  about: "writing Nodes",
  rows: [
    [201, "POST", NODES, { metadata: { name: "n1" }, status: { addresses: [{ type: "InternalIP", address: "10.0.0.1" }], conditions: [READY] } }],
    [200, "PATCH", `${NODES}/n1/status`, { status: { conditions: [{ ...READY, status: "False" }, { type: "NetworkUnavailable", status: "True" }] } }, STRATEGIC],
    [200, "PATCH", `${NODES}/n1`, { metadata: { labels: { x: "y" } }, status: { conditions: [] } }, MERGE],
    [200, "PATCH", `${NODES}/n1`, { spec: { unschedulable: true } }, MERGE],
    [200, "DELETE", `${NODES}/n1`],
  ],
};
