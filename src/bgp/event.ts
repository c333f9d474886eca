/**
 * The events of the BGP machine: RFC 4271 8.1, to be read beside it, with its numbers. What each does in which state: fsm.ts.
 *
 * The optional session attributes (8.1.1) decide which of the optional events there are:
 *
 *   AllowAutomaticStart                 TRUE, by event 13 alone: no events 3 and 5–7
 *   AllowAutomaticStop                  TRUE: BFD found that the path is down
 *   DampPeerOscillations                TRUE: idle-hold.ts
 *   PassiveTcpEstablishment             as configured; TRUE for a connection that the peer opens
 *   DelayOpen                           FALSE: no events 12 and 20, no DelayOpenTimer
 *   TrackTcpState                       FALSE: no events 14 and 15, the kernel does not tell
 *   CollisionDetectEstablishedState     FALSE: connections.ts never signals event 23 to a session that is up
 *   SendNOTIFICATIONwithoutOPEN         FALSE: there is nothing to answer before our OPEN has left
 *   AcceptConnectionsUnconfiguredPeers  FALSE: they are told Cease 6/5 and get no machine
 *
 * Pure.
 */
import type { MessageType, Notification, RouteRefresh, Update } from "../wire/index.ts";
import type { Negotiated } from "./negotiated.ts";

export type Event =
  // 8.1.2: administrative
  | { readonly type: "ManualStart" } // 1; 4 if the machine is passive
  /** 2. Without a farewell: the peer is to keep our routes (RFC 4724 4.1), or has restarted and forgotten the connection (4.2). */
  | { readonly type: "ManualStop"; readonly farewell: Notification | undefined }
  | { readonly type: "AutomaticStop"; readonly farewell: Notification } // 8
  // 8.1.3: timers
  | { readonly type: "ConnectRetryTimer_Expires" } // 9
  | { readonly type: "HoldTimer_Expires" } // 10
  | { readonly type: "KeepaliveTimer_Expires" } // 11
  | { readonly type: "IdleHoldTimer_Expires" } // 13
  | { readonly type: "SendHoldTimer_Expires" } // 29, RFC 9687
  // 8.1.4: TCP
  | { readonly type: "Tcp_CR_Acked" } // 16
  | { readonly type: "TcpConnectionConfirmed" } // 17
  | { readonly type: "TcpConnectionFails" } // 18
  // 8.1.5: messages
  | { readonly type: "BGPOpen"; readonly agreed: Negotiated } // 19
  | { readonly type: "BGPHeaderErr"; readonly answer: Notification } // 21
  | { readonly type: "BGPOpenMsgErr"; readonly answer: Notification } // 22
  | { readonly type: "OpenCollisionDump" } // 23
  | { readonly type: "NotifMsgVerErr" } // 24
  | { readonly type: "NotifMsg" } // 25
  | { readonly type: "KeepAliveMsg" } // 26
  | { readonly type: "UpdateMsg"; readonly update: Update } // 27
  | { readonly type: "UpdateMsgErr"; readonly answer: Notification } // 28: what RFC 7606 leaves to a session reset
  // Without a number
  | { readonly type: "RouteRefreshMsg"; readonly refresh: RouteRefresh } // RFC 2918, 7313
  | { readonly type: "RouteRefreshMsgErr"; readonly answer: Notification } // RFC 7313 5
  /** A message that its state does not expect, so that nobody looks at what is in it (RFC 6608). */
  | { readonly type: "UnexpectedMsg"; readonly message: MessageType };
