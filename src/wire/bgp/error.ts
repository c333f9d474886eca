/** The error of the BGP decoders: it carries the NOTIFICATION that its sender must get. */
import { WireError } from "../error.ts";
import type { Notification } from "./notification.ts";

export class BgpError extends WireError {
  /** What to answer before the connection is closed (RFC 4271 6). */
  readonly notification: Notification;
  /** What is wrong, to be completed by who sent it. */
  readonly problem: string;

  constructor(notification: Notification, problem: string) {
    super("BGP", problem);
    this.name = "BgpError";
    this.notification = notification;
    this.problem = problem;
  }
}
