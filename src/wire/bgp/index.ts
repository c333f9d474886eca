/** The face of the BGP codec. */
export { AS_TRANS, ownPath } from "./as-path.ts";
export type { PathAttributes } from "./attribute.ts";
export { type WrittenAttributes, attributesInWords } from "./attributes-in-words.ts";
export { type Capability, describeCapability, encodeCapability } from "./capability.ts";
export { NO_LLGR, linkBandwidth, routeTarget } from "./community.ts";
export { BgpError } from "./error.ts";
export { afiSafiOf, familyOfAfiSafi } from "./family.ts";
export { Framer, type BgpMessage, type MessageType, encodeMessage, typeCode } from "./message.ts";
export { prefixesOf } from "./nlri.ts";
export {
  CEASE,
  CEASE_SUBCODE,
  FSM_ERROR,
  HOLD_TIMER_EXPIRED,
  type Notification,
  OPEN_SUBCODE,
  OPEN_ERROR,
  SEND_HOLD_TIMER_EXPIRED,
  asHardReset,
  cease,
  communicationOf,
  decodeNotification,
  describeNotification,
  encodeNotification,
  insideHardReset,
  notification,
} from "./notification.ts";
export { prefixLimitOf, wantedCapabilitiesOf } from "./notification-data.ts";
export { type Open, decodeOpen, encodeOpen } from "./open.ts";
export { type RouteRefresh, decodeRouteRefresh, encodeRouteRefresh } from "./route-refresh.ts";
export { type Announcement, type NextHop, announcement, encodeAnnouncement, encodeEndOfRib, encodeWithdrawal } from "./update-encode.ts";
export { type Update, type UpdateContext, decodeUpdate } from "./update.ts";
