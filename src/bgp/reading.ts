/** What a received message is to the machine: its event, and what the owner should hear besides. Pure but for the owner's judgement. */
import {
  BgpError,
  type BgpMessage,
  type Notification,
  OPEN_ERROR,
  OPEN_SUBCODE,
  type Open,
  type Update,
  decodeNotification,
  decodeOpen,
  decodeRouteRefresh,
  decodeUpdate,
} from "../wire/index.ts";
import type { Event } from "./event.ts";
import type { Negotiated } from "./negotiated.ts";
import type { State } from "./transition.ts";

export type Reading = {
  readonly event: Event;
  /** What is wrong with the message, to be completed by who sent it; "" if nothing is. */
  readonly problem: string;
  /** An UPDATE of which something was malformed and survived (RFC 7606). */
  readonly spoilt: Update | undefined;
  /** The peer's last words. */
  readonly farewell: Notification | undefined;
};

/** Where the session stands, and who judges OPENs. */
export type ReadingContext = {
  readonly state: State;
  readonly agreed: Negotiated | undefined;
  /** What an OPEN agrees to, or "collision" if this connection must yield. Throws BgpError. */
  readonly judge: (open: Open) => Negotiated | "collision";
};

/** Total: a message that is malformed or out of place is an event like any other. */
export function readMessage(message: BgpMessage, context: ReadingContext): Reading {
  try {
    return read(message, context);
  } catch (error) {
    return { ...NOTHING, event: { type: ERROR_EVENT[message.type], answer: bgpError(error).notification }, problem: bgpError(error).problem };
  }
}

/** For a stream whose next header is wrong. Throws whatever is no BgpError. */
export function readHeaderError(error: unknown): Reading {
  const { notification, problem } = bgpError(error);
  return { ...NOTHING, event: { type: "BGPHeaderErr", answer: notification }, problem };
}

const NOTHING = { problem: "", spoilt: undefined, farewell: undefined } as const;

/** What a message of that type is when it cannot be decoded; a KEEPALIVE and a NOTIFICATION always can. */
const ERROR_EVENT = {
  OPEN: "BGPOpenMsgErr",
  UPDATE: "UpdateMsgErr",
  "ROUTE-REFRESH": "RouteRefreshMsgErr",
  KEEPALIVE: "BGPHeaderErr",
  NOTIFICATION: "BGPHeaderErr",
} as const;

function read({ type, body }: BgpMessage, { state, agreed, judge }: ReadingContext): Reading {
  switch (type) {
    case "KEEPALIVE":
      return { ...NOTHING, event: { type: "KeepAliveMsg" }, problem: state === "OpenSent" ? outOfPlace(type, state) : "" };
    case "NOTIFICATION": {
      const farewell = decodeNotification(body);
      const isVersion = farewell.code === OPEN_ERROR && farewell.subcode === OPEN_SUBCODE.UNSUPPORTED_VERSION;
      return { ...NOTHING, event: { type: isVersion ? "NotifMsgVerErr" : "NotifMsg" }, farewell };
    }
    case "OPEN": {
      if (state === "OpenConfirm") decodeOpen(body); // one too many; but 8.2.2 has its fields checked first
      if (state !== "OpenSent") break;
      const verdict = judge(decodeOpen(body));
      return { ...NOTHING, event: verdict === "collision" ? { type: "OpenCollisionDump" } : { type: "BGPOpen", agreed: verdict } };
    }
    case "UPDATE": {
      if (state !== "Established" || agreed === undefined) break;
      const update = decodeUpdate(body, agreed);
      return { ...NOTHING, event: { type: "UpdateMsg", update }, spoilt: update.problems.length > 0 ? update : undefined };
    }
    case "ROUTE-REFRESH":
      if (state !== "Established" || agreed === undefined) break;
      return { ...NOTHING, event: { type: "RouteRefreshMsg", refresh: decodeRouteRefresh(body, agreed) } };
  }
  return { ...NOTHING, event: { type: "UnexpectedMsg", message: type }, problem: outOfPlace(type, state) };
}

function outOfPlace(type: BgpMessage["type"], state: State): string {
  return `it sent ${type} in state ${state}`;
}

function bgpError(error: unknown): BgpError {
  if (error instanceof BgpError) return error;
  throw error;
}
