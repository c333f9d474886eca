/** What the room needs of the kernel; `systemSockets`, or a double in tests. */
import { closeSocket, duplicate, filterBfdListener, interfaceIndex, interfaceWith, localAddressToward, neighbourMac, openBfdListener, openBfdTransmitter, openEchoSocket, systemErrorCode } from "../linux/index.ts";

export const systemSockets = {
  openListener: openBfdListener,
  filterListener: filterBfdListener,
  openTransmitter: openBfdTransmitter,
  localAddressToward,
  interfaceIndex,
  interfaceWith,
  neighbourMac,
  openEcho: openEchoSocket,
  duplicate,
  close: closeSocket,
  errorCode: systemErrorCode,
};

export type BfdSockets = typeof systemSockets;
