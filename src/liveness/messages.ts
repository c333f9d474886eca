/** What the main thread and their part of the worker thread say to each other. */
import type { Urgency } from "../fleet/index.ts";
import type { Hello } from "../wire/index.ts";
import type { Keys } from "./keys.ts";

/** What a hello says that the sender does not fill in itself. */
export type Saying = Omit<Hello, "sequence" | "cast">;

export type ToThread =
  /** The descriptors are the thread's from now on. */
  | { readonly type: "open"; readonly segment: string; readonly ipv4: number | undefined; readonly ipv6: number | undefined }
  | { readonly type: "close"; readonly segment: string }
  /** `at`: when that was true, by the process's monotonic clock in ms. */
  | { readonly type: "say"; readonly segment: string; readonly saying: Saying; readonly at: number; readonly urgency: Urgency }
  | { readonly type: "keys"; readonly keys: Keys }
  /** Hosts that Leases introduce, with their addresses. */
  | { readonly type: "introduced"; readonly hosts: ReadonlyMap<string, readonly string[]> }
  | { readonly type: "stop" };

export type FromThread =
  | { readonly type: "heard"; readonly segment: string; readonly hello: Hello }
  /** A hello of this very daemon came in on `segment` from its interface `from`. */
  | { readonly type: "own"; readonly segment: string; readonly from: string }
  /** The first hello that is signed with `Keys.next`. */
  | { readonly type: "next-key" }
  | { readonly type: "rejected"; readonly segment: string; readonly cause: Rejection; readonly source: string }
  | { readonly type: "failed"; readonly segment: string; readonly error: string };

export type Rejection = "malformed" | "unsigned" | "wrong-signature";
