export type * from "./desired.ts";
export type { State as BgpState } from "./fsm.ts";
export type { AddressesBeside } from "./next-hop.ts";
export { BgpSpeaker, type BgpSpeakerParts } from "./speaker.ts";
export type * from "./status.ts";
