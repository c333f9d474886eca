export * from "./fact.ts";
export * from "./fleet.ts";
export type * from "./input.ts";
export { readStatements } from "./lease.ts";
export { ALGORITHM, rendezvousScore } from "./order.ts";
export type * from "./statement.ts";
export type { Explanation, HostView } from "./view.ts";
