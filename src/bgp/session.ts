/**
 * One connection to a peer: the machine of fsm.ts with a socket and timers around it.
 *
 * Turns octets into events and actions into octets. Decides nothing: what is right is decided by the machine, and whether
 * this connection or another one is kept, by the peer that owns both.
 */
import type { Tcp, TcpArrival, TcpDial, TcpEvents, TcpSocket } from "../linux/index.ts";
import type { Clock, Random, Timer } from "../time/index.ts";
import {
  type BgpMessage,
  Framer,
  type MessageType,
  type Notification,
  type Open,
  type RouteRefresh,
  type Update,
  asHardReset,
  encodeMessage,
  encodeNotification,
  encodeOpen,
} from "../wire/index.ts";
import { Deadline } from "./deadline.ts";
import { sendHoldMs } from "./dial.ts";
import type { Event } from "./event.ts";
import type { Failure } from "./failure.ts";
import { step } from "./fsm.ts";
import { noTraffic } from "./message-counts.ts";
import type { Negotiated } from "./negotiated.ts";
import { type Reading, readHeaderError, readMessage } from "./reading.ts";
import { type Action, type Fsm, type FsmSettings, type State, type TimerName, newFsm } from "./transition.ts";

/** What the owner of a connection decides, and hears. */
export interface SessionOwner {
  /** Our OPEN. */
  open(): Open;
  /** What a peer's OPEN agrees to; "collision" if this connection must yield. Throws BgpError. */
  judge(session: Session, open: Open): Negotiated | "collision";
  up(session: Session, agreed: Negotiated): void;
  down(session: Session): void;
  /** It is Idle and may try again after a while. */
  damp(session: Session, after: "no-connection" | "failure"): void;
  failed(session: Session, failure: Failure, state: State): void;
  routes(update: Update): void;
  /** Something in an UPDATE was malformed and survived (RFC 7606). */
  spoilt(update: Update, message: Uint8Array): void;
  refresh(refresh: RouteRefresh): void;
  /** The kernel took something of what was written. */
  written(): void;
  /** After every event. */
  changed(): void;
}

export type SessionParts = {
  readonly tcp: Tcp;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: FsmSettings;
  readonly dial: TcpDial;
  readonly owner: SessionOwner;
};

const MESSAGES_PER_TURN = 256; // bounds how long a peer that floods us keeps the others waiting
const LEAST_KEEPALIVE_MS = 1000; // RFC 4271 4.4

export class Session {
  readonly traffic = noTraffic();
  readonly #parts: SessionParts;
  readonly #timers: Readonly<Record<TimerName | "SendHold", Deadline>>;
  #fsm: Fsm;
  #socket: TcpSocket | undefined;
  #framer = new Framer();
  #sentOpen: Open | undefined;
  #later: Timer | undefined;
  /** Events that came while another was being answered. */
  readonly #events: Event[] = [];
  #busy = false;
  /** Why the next thing that ends this connection ends it. */
  #failure: Failure | undefined;
  #problem = "";

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#fsm = newFsm(parts.settings);
    const timer = (name: string, event: Event): Deadline => new Deadline(parts.clock, `bgp ${name} ${parts.dial.remote.address}`, () => {
      this.#expired(event);
    });
    this.#timers = {
      ConnectRetry: timer("ConnectRetry", { type: "ConnectRetryTimer_Expires" }),
      Hold: timer("Hold", { type: "HoldTimer_Expires" }),
      Keepalive: timer("Keepalive", { type: "KeepaliveTimer_Expires" }),
      SendHold: timer("SendHold", { type: "SendHoldTimer_Expires" }),
    };
  }

  get state(): State {
    return this.#fsm.state;
  }

  /** Failures since it was started (ConnectRetryCounter). */
  get failedAttempts(): number {
    return this.#fsm.connectRetryCounter;
  }

  /** What the OPENs agreed on, once they have. */
  get agreed(): Negotiated | undefined {
    return "agreed" in this.#fsm ? this.#fsm.agreed : undefined;
  }

  /** Our OPEN on this connection; undefined before it is sent. */
  get sentOpen(): Open | undefined {
    return this.#sentOpen;
  }

  /** Our own address on this connection. */
  get local(): TcpSocket["local"] {
    return this.#socket?.local;
  }

  /** Octets that were written and that the kernel did not take yet. */
  get queued(): number {
    return this.#socket?.queued ?? 0;
  }

  /** Milliseconds until the timer fires; undefined if it does not run. */
  timeLeft(timer: TimerName): number | undefined {
    return this.#timers[timer].left;
  }

  start(): void {
    this.#dispatch({ type: "ManualStart" });
  }

  /** The time of damping is over. Only where it is Idle: damping is the peer's, and another connection may have failed. */
  restart(): void {
    if (this.state === "Idle") this.#dispatch({ type: "IdleHoldTimer_Expires" });
  }

  /**
   * Resolves when the farewell has left and the connection is gone, or the peer takes nothing any more. Where a Cease alone would
   * leave our routes at the peer, it is a Hard Reset. Without a farewell the connection is closed and nothing is said.
   */
  stop(farewell: Notification | undefined): Promise<void> {
    const gone = this.#socket?.gone;
    this.#dispatch({ type: "ManualStop", farewell: farewell === undefined ? undefined : this.#withoutRoutes(farewell) });
    return gone ?? Promise.resolve();
  }

  /** Ends it because of this, of which the machine knows nothing (AutomaticStop); it may try again after a while. Routes are not to be kept either. */
  end(farewell: Notification, problem: string): void {
    this.#problem = problem;
    this.#dispatch({ type: "AutomaticStop", farewell: this.#withoutRoutes(farewell) });
  }

  /** After it the peer keeps none of our routes (RFC 8538 3; of BFD Down: RFC 9384). */
  #withoutRoutes(farewell: Notification): Notification {
    return this.agreed?.restart.hardReset === true ? asHardReset(farewell) : farewell;
  }

  /** This connection yields to the other one. */
  yield(): void {
    this.#problem = "both sides connected at once";
    this.#dispatch({ type: "OpenCollisionDump" });
  }

  /** Takes a connection that the peer opened. Only in Active. */
  adopt(arrival: TcpArrival): void {
    const { dial } = this.#parts;
    this.#attach((events) => arrival.accept(dial, events));
    this.#dispatch({ type: "TcpConnectionConfirmed" });
  }

  /** Sends whole UPDATE messages. Only when Established. */
  sendUpdates(octets: Uint8Array, messages: number): void {
    this.#write(octets, "UPDATE", messages);
    // "Each time the local system sends a KEEPALIVE or UPDATE message, it restarts its KeepaliveTimer."
    const { agreed } = this;
    if (agreed !== undefined && agreed.holdMs > 0) this.#startTimer("Keepalive", agreed.keepaliveMs);
  }

  /** Sends a ROUTE-REFRESH. Only when Established. */
  sendRefresh(body: Uint8Array): void {
    this.#send("ROUTE-REFRESH", body);
  }

  #dispatch(event: Event): void {
    this.#events.push(event);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      const before = this.#fsm.state;
      const { fsm, actions } = step(this.#fsm, next);
      this.#fsm = fsm;
      for (const action of actions) this.#perform(action, before, next);
    }
    this.#busy = false;
    this.#parts.owner.changed();
  }

  #perform(action: Action, before: State, event: Event): void {
    const { owner } = this.#parts;
    switch (action.do) {
      case "connect":
        this.#connect();
        return;
      case "drop":
        this.#drop(before, event);
        return;
      case "send-open":
        this.#sentOpen = owner.open();
        this.#send("OPEN", encodeOpen(this.#sentOpen));
        return;
      case "send-keepalive":
        this.#send("KEEPALIVE");
        return;
      case "send-notification":
        this.#send("NOTIFICATION", encodeNotification(action.notification));
        this.#failure = { by: "us", notification: action.notification, problem: this.#problem };
        return;
      case "start-timer":
        this.#startTimer(action.timer, action.ms);
        return;
      case "stop-timer":
        this.#timers[action.timer].stop();
        return;
      case "damp":
        owner.damp(this, action.after);
        return;
      case "session-up":
        owner.up(this, action.agreed);
        return;
      case "session-down":
        owner.down(this);
        return;
      case "take-routes":
        owner.routes(action.update);
        return;
      case "refresh":
        owner.refresh(action.refresh);
        return;
    }
  }

  #connect(): void {
    const { tcp, dial } = this.#parts;
    this.#attach((events) => tcp.dial(dial, events));
  }

  #attach(open: (events: TcpEvents) => TcpSocket): void {
    // Events of a socket that is no longer ours say nothing about the one that is.
    const isOurs = (): boolean => this.#socket === socket;
    const socket = open({
      connected: () => {
        if (isOurs()) this.#dispatch({ type: "Tcp_CR_Acked" });
      },
      received: (octets) => {
        if (!isOurs()) return;
        this.#framer.push(octets);
        this.#read(socket);
      },
      written: () => {
        if (isOurs()) this.#written();
      },
      closed: (error) => {
        if (!isOurs()) return;
        this.#failure = { by: "network", error };
        this.#dispatch({ type: "TcpConnectionFails" });
      },
    });
    this.#socket = socket;
    this.#framer = new Framer();
    this.#sentOpen = undefined;
    this.#failure = undefined;
    this.#problem = "";
  }

  #drop(before: State, event: Event): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#later?.cancel();
    this.#later = undefined;
    this.#timers.SendHold.stop();
    if (socket === undefined) return;
    if (before === "Connect" || before === "Active") socket.abort();
    else socket.close();
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined && event.type !== "ManualStop" && event.type !== "OpenCollisionDump") this.#parts.owner.failed(this, failure, before);
  }

  #expired(event: Event): void {
    this.#problem = "";
    if (event.type === "ConnectRetryTimer_Expires" && this.state === "Connect") this.#failure = { by: "network", error: "ETIMEDOUT" };
    this.#dispatch(event);
  }

  /** Jitter as RFC 4271 10 asks for. */
  #startTimer(timer: TimerName, ms: number): void {
    const jittered = timer === "Hold" ? ms : ms * (0.75 + 0.25 * this.#parts.random());
    this.#timers[timer].restart(timer === "Keepalive" ? Math.max(LEAST_KEEPALIVE_MS, jittered) : jittered);
  }

  #send(type: MessageType, body?: Uint8Array): void {
    this.#write(encodeMessage(type, body), type, 1);
  }

  #write(octets: Uint8Array, type: MessageType, messages: number): void {
    if (this.#socket === undefined) return;
    this.#socket.write(octets);
    this.traffic.sent[type] += messages;
    this.#watchSending("still");
  }

  #written(): void {
    this.#watchSending("moved");
    this.#parts.owner.written();
  }

  /** RFC 9687: a peer that takes nothing for this long, though it talks, is as good as dead. */
  #watchSending(progress: "still" | "moved"): void {
    const timer = this.#timers.SendHold;
    const holdMs = this.agreed?.holdMs ?? 0;
    if (this.state !== "Established" || holdMs === 0 || this.queued === 0) timer.stop();
    else if (progress === "moved" || timer.left === undefined) timer.restart(sendHoldMs(holdMs));
  }

  /** Answers what has arrived, a bounded number of messages per turn of the loop. */
  #read(socket: TcpSocket): void {
    for (let budget = MESSAGES_PER_TURN; budget > 0; budget--) {
      const reading = this.#next();
      if (reading === undefined) {
        if (this.#later !== undefined) socket.resume();
        this.#later = undefined;
        return;
      }
      this.#problem = reading.problem;
      if (reading.farewell !== undefined) this.#failure = { by: "peer", notification: reading.farewell };
      this.#dispatch(reading.event);
      if (this.#socket !== socket) return;
    }
    socket.pause();
    this.#later = this.#parts.clock.timer("bgp messages", 0, () => {
      this.#read(socket);
    });
  }

  /** The next message; undefined when more octets are needed. */
  #next(): Reading | undefined {
    const { owner } = this.#parts;
    let message: BgpMessage | undefined;
    try {
      message = this.#framer.next();
    } catch (error) {
      return readHeaderError(error);
    }
    if (message === undefined) return undefined;
    this.traffic.received[message.type]++;
    const reading = readMessage(message, { state: this.state, agreed: this.agreed, judge: (open) => owner.judge(this, open) });
    if (reading.spoilt !== undefined) owner.spoilt(reading.spoilt, encodeMessage(message.type, message.body));
    return reading;
  }
}
