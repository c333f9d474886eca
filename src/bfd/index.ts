export type * from "./desired.ts";
export type * from "./status.ts";
