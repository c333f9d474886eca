export type * from "./desired.ts";
export { type Keeper, RouteKeepers } from "./keepers.ts";
export type { AddressesBeside } from "./next-hop.ts";
export { BgpSpeaker } from "./speaker.ts";
export type * from "./status.ts";
