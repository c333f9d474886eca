export { Bfd, type BfdOptions } from "./bfd.ts";
export type * from "./desired.ts";
export type * from "./status.ts";
