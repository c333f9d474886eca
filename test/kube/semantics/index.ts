/**
 * What a kube-apiserver does, as far as bmlb depends on it: tables of requests and their answers, in the order in which they are
 * sent, and cases of several steps. The simulator and the real server are both held to them.
 */
import { ACCESS } from "./access.ts";
import type { Case } from "./behaviour.ts";
import { CORE_EVENT_WRITES, EVENT_WRITES, LEASE_WRITES } from "./coordination.ts";
import { FAULTS } from "./faults.ts";
import { LISTS } from "./lists.ts";
import { CREATION, DELETION, PATCHING, PATHS } from "./metadata.ts";
import { NODE_WRITES, SLICE_WRITES } from "./network.ts";
import { NEW_SERVICES, SERVICE_CHANGES, SERVICE_PORTS, SERVICE_STATUS } from "./services.ts";
import type { Table } from "./table.ts";
import { FORGETTING, WATCHING } from "./watches.ts";

export const TABLES: readonly Table[] = [
  LISTS,
  CREATION,
  PATHS,
  PATCHING,
  DELETION,
  NEW_SERVICES,
  SERVICE_PORTS,
  SERVICE_STATUS,
  SERVICE_CHANGES,
  LEASE_WRITES,
  EVENT_WRITES,
  CORE_EVENT_WRITES,
  SLICE_WRITES,
  NODE_WRITES,
];

/** These can be played at the same time. */
export const CASES: readonly Case[] = [...ACCESS, ...WATCHING];

/** These change what every client of the server sees: one after the other. */
export const DISTURBANCES: readonly Case[] = [...FAULTS, ...FORGETTING];

export { type Case, play } from "./behaviour.ts";
export { describe, essence, type Outcome, type Row, send, type Table } from "./table.ts";
