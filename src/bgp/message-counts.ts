/** How many messages of each type went over a connection, or over all of a peer's. */
import type { MessageType } from "../wire/index.ts";

export type MessageCounts = Record<MessageType, number>;

/** Both directions. */
export type Traffic = { readonly sent: MessageCounts; readonly received: MessageCounts };

export function noTraffic(): Traffic {
  return { sent: noMessages(), received: noMessages() };
}

export function addTraffic(sum: Traffic, more: Traffic): void {
  for (const type of Object.keys(sum.sent) as MessageType[]) {
    sum.sent[type] += more.sent[type];
    sum.received[type] += more.received[type];
  }
}

function noMessages(): MessageCounts {
  return { OPEN: 0, UPDATE: 0, NOTIFICATION: 0, KEEPALIVE: 0, "ROUTE-REFRESH": 0 };
}
