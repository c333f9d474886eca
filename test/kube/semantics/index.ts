/**
 * Every table, in the order in which they are sent.
 */
import { CORE_EVENT_WRITES, EVENT_WRITES, LEASE_WRITES } from "./coordination.ts";
import { LISTS } from "./lists.ts";
import { CREATION, DELETION, PATCHING, PATHS } from "./metadata.ts";
import { NODE_WRITES, SLICE_WRITES } from "./network.ts";
import { NEW_SERVICES, SERVICE_CHANGES, SERVICE_PORTS, SERVICE_STATUS } from "./services.ts";
import type { Table } from "./table.ts";

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

export { describe, essence, type Outcome, type Row, send, type Table } from "./table.ts";
