/**
 * Leases and Events: what bmlb writes beside the status of Services.
 */
import { CORE_EVENTS, EVENTS, LEASES, MERGE, type Table } from "./table.ts";

const lease = (name: string, spec: object = {}, metadata: object = {}): object => ({ metadata: { name, ...metadata }, spec });
const at = (name: string): string => `${LEASES}/${name}`;

export const LEASE_WRITES: Table = {
  about: "writing Leases",
  rows: [
    [201, "POST", LEASES, lease("a", { holderIdentity: "", renewTime: "2026-01-01T00:00:00.000000Z" })],
    [400, "POST", LEASES, lease("b", { renewTime: "2026-01-01T00:00:00.000Z" })],
    [400, "POST", LEASES, lease("b", { renewTime: "2026-01-01T00:00:00Z" })],
    [400, "POST", LEASES, lease("b", { renewTime: "2026-01-01T00:00:00.0000000Z" })],
    [201, "POST", LEASES, lease("b", { renewTime: "2026-01-01T01:00:00.000000+01:00" })],
    [422, "POST", LEASES, lease("B")],
    [422, "POST", LEASES, lease("a_b")],
    [422, "POST", LEASES, lease("c", { leaseDurationSeconds: 0 })],
    [400, "POST", LEASES, lease("c", { leaseDurationSeconds: 1.5 })],
    [400, "POST", LEASES, lease("c", { leaseDurationSeconds: "15" })],
    [422, "POST", LEASES, lease("c", { leaseTransitions: -1 })],
    [201, "POST", LEASES, { metadata: { name: "d" } }],
    [422, "PUT", at("a"), lease("a")],
    [409, "PUT", at("a"), lease("a", {}, { resourceVersion: "1" })],
    [201, "PUT", at("e"), lease("e", { holderIdentity: "x" })],
    [201, "PUT", at("f"), lease("f", { holderIdentity: "x" }, { resourceVersion: "7" })],
    [409, "PUT", at("g"), lease("g", { holderIdentity: "x" }, { uid: "7" })],
    [200, "PATCH", at("a"), { spec: { holderIdentity: "y" } }, MERGE],
    [409, "PATCH", at("a"), { metadata: { resourceVersion: "1" }, spec: { holderIdentity: "z" } }, MERGE],
    [422, "PATCH", at("a"), { metadata: { uid: "1" }, spec: { holderIdentity: "z" } }, MERGE],
    [422, "PATCH", at("a"), { metadata: { resourceVersion: null }, spec: { holderIdentity: "z" } }, MERGE],
    [404, "PATCH", at("none"), { spec: {} }, MERGE],
    [200, "DELETE", at("a")],
    [404, "GET", at("a")],
  ],
};

const event = (name: string, more: object = {}): object => ({
  metadata: { name },
  eventTime: "2026-01-01T00:00:00.000000Z",
  reportingController: "bmlb.io/bmlb",
  reportingInstance: "edge-1",
  action: "Assign",
  reason: "Assigned",
  type: "Normal",
  note: "assigned",
  regarding: { kind: "Service", namespace: "default", name: "web", apiVersion: "v1" },
  ...more,
});
const SERIES = { count: 2, lastObservedTime: "2026-01-01T00:00:00.000000Z" };

export const EVENT_WRITES: Table = {
  about: "writing Events of events.k8s.io/v1",
  rows: [
    [201, "POST", EVENTS, event("e1")],
    [400, "POST", EVENTS, event("e2", { eventTime: "2026-01-01T00:00:00.000Z" })],
    [422, "POST", EVENTS, event("e2", { eventTime: undefined })],
    [422, "POST", EVENTS, event("e2", { type: "Error" })],
    [422, "POST", EVENTS, event("e2", { note: "x".repeat(1025) })],
    [201, "POST", EVENTS, event("e2", { note: "x".repeat(1024) })],
    [422, "POST", EVENTS, event("e3", { reason: undefined })],
    [422, "POST", EVENTS, event("e3", { action: "" })],
    [422, "POST", EVENTS, event("e3", { reportingController: "" })],
    [422, "POST", EVENTS, event("e3", { reportingController: "a b" })],
    [422, "POST", EVENTS, event("e3", { reportingInstance: "x".repeat(129) })],
    [201, "POST", EVENTS, event("e3", { regarding: { namespace: "other" } })],
    [201, "POST", EVENTS, event("e4", { regarding: {} })],
    [422, "POST", EVENTS, event("e5", { deprecatedCount: 5 })],
    [422, "POST", EVENTS, event("e6", { series: { ...SERIES, count: 1 } })],
    [201, "POST", EVENTS, event("e7", { series: SERIES })],
    [201, "POST", EVENTS, event("x", { metadata: { generateName: "made-" } })],
    [422, "POST", EVENTS, event("e1.Capital")],
    [422, "PATCH", `${EVENTS}/e1`, { note: "other" }, MERGE],
    [200, "PATCH", `${EVENTS}/e1`, { series: SERIES }, MERGE],
    [200, "GET", `${CORE_EVENTS}/e1`],
  ],
};

export const CORE_EVENT_WRITES: Table = {
  about: "writing Events of core/v1",
  rows: [
    [201, "POST", CORE_EVENTS, { metadata: { name: "c1" }, involvedObject: { namespace: "default" } }],
    [201, "POST", CORE_EVENTS, { metadata: { name: "c2" }, involvedObject: {} }],
    [422, "POST", CORE_EVENTS, { metadata: { name: "c3" }, involvedObject: { namespace: "other" } }],
    [201, "POST", CORE_EVENTS, { metadata: { name: "c4" }, involvedObject: { namespace: "default" }, type: "Wild", message: "x".repeat(5_000), firstTimestamp: "2026-01-01T00:00:00Z", count: 3 }],
    [201, "POST", CORE_EVENTS, { metadata: { name: "C5_x" }, involvedObject: { namespace: "default" } }],
    [201, "PUT", `${CORE_EVENTS}/c6`, { metadata: { name: "c6" }, involvedObject: { namespace: "default" } }],
  ],
};
