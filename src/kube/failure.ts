/**
 * What can go wrong between us and the Kubernetes API, as one union of values. Each carries the sentence that the log, `bmlb status`
 * and an Event print, made in one place for the one who has to act on it. Pure.
 */
import { type Json, integerOf, recordOf, textOf } from "./raw.ts";

export type Failure = { readonly sentence: string } & (
  | StatusFailure
  /** No complete answer in time: the server, etcd or the network hangs. */
  | { readonly kind: "timeout" }
  /** Nobody listens there, or there is no way to that address, or no such name. */
  | { readonly kind: "unreachable" }
  /** The connection broke before the answer was complete. */
  | { readonly kind: "reset" }
  | { readonly kind: "tls" }
  /** The kubeconfig, or what it points to, gave nothing to show to the server. */
  | { readonly kind: "credentials" }
  /** An answer that is not what a Kubernetes API gives: HTML, a redirect, broken JSON, something endless. */
  | { readonly kind: "garbage" }
  /** Never sent: the caller's guard said no in the last moment. */
  | { readonly kind: "withheld" }
  /** We gave up ourselves, because we are stopping. */
  | { readonly kind: "cancelled" }
);

/** The server answered and said no. */
export type StatusFailure = {
  readonly kind: "status";
  /** HTTP status code, or the code inside an ERROR event of a watch. */
  readonly status: number;
  /** Machine-readable reason of the Status object ("Expired", "Conflict", "Forbidden"); "" if it gave none. */
  readonly reason: string;
  /** The server's own words. */
  readonly message: string;
  /** What it asked us to wait, in ms. */
  readonly retryAfterMs: number | undefined;
  /** Names of the fields it objects to. */
  readonly fields: readonly string[];
};

/** Who is being talked to, for sentences. */
export type Party = {
  /** `https://192.0.2.1:6443`. */
  readonly server: string;
  /** "the client certificate in /etc/bmlb/kubeconfig". */
  readonly credential: string;
};

/** Milliseconds from a Retry-After header (RFC 9110 10.2.3): seconds, or a date relative to `wall`. At most five minutes. */
export function retryAfterMs(header: string | undefined, wall: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - wall;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 300_000) : undefined;
}

/** From an HTTP status or an ERROR event, and the Status object that came with it, if one did. */
export function statusFailure(what: string, party: Party, code: number, body: unknown, retryAfter: number | undefined): Failure {
  const status: Json = recordOf(body) ?? {};
  const details = recordOf(status["details"]);
  const message = textOf(status["message"])?.slice(0, 1000) ?? "";
  const seconds = integerOf(details?.["retryAfterSeconds"], 0, 300);
  const causes = Array.isArray(details?.["causes"]) ? (details["causes"] as unknown[]) : [];
  const failure: StatusFailure = {
    kind: "status",
    status: integerOf(status["code"], 100, 599) ?? code,
    reason: textOf(status["reason"]) ?? "",
    message,
    retryAfterMs: retryAfter ?? (seconds === undefined ? undefined : seconds * 1000),
    fields: causes.map((cause) => textOf(recordOf(cause)?.["field"])).filter((field) => field !== undefined),
  };
  return { ...failure, sentence: statusSentence(what, party, failure) };
}

function statusSentence(what: string, party: Party, failure: StatusFailure): string {
  const said = failure.message === "" ? "" : `: ${failure.message}`;
  switch (failure.status) {
    case 401:
      return `the API server at ${party.server} refused our credentials (401 ${failure.message || "Unauthorized"}): check ${party.credential}`;
    case 403:
      return `the API server at ${party.server} does not allow us to ${what} (403)${said}; \`bmlb rbac\` prints the rights that bmlb needs`;
    case 404:
      return `the API server at ${party.server} knows nothing by that name (${what}: 404)${said}`;
    case 410:
      return `the API server at ${party.server} no longer keeps the version we asked for (${what}: 410)${said}`;
    case 429:
      return `the API server at ${party.server} is overloaded and asks us to come back later (${what}: 429)${said}`;
    default:
      return failure.status >= 500
        ? `the API server at ${party.server} is in trouble (${what}: ${failure.status})${said}`
        : `the API server at ${party.server} refused to ${what} (${failure.status})${said}`;
  }
}

/** OpenSSL's and Node's names for a certificate that does not prove what it should. */
const UNTRUSTED = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
]);

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there (connection refused)",
  EHOSTUNREACH: "there is no way to that address (host unreachable)",
  ENETUNREACH: "there is no route to that address (network unreachable)",
  EHOSTDOWN: "the machine does not answer (host is down)",
  EADDRNOTAVAIL: "this host has no address to reach it from",
  ETIMEDOUT: "connecting timed out",
  ENOTFOUND: "its name is unknown to the DNS",
  EAI_AGAIN: "the DNS does not answer",
};

/** From an error of node:https, whatever it may be. `wall` is Unix ms. */
export function failureOf(error: unknown, party: Party, wall: number): Failure {
  const code = textOf((error as { code?: unknown } | undefined)?.code) ?? "";
  const detail = error instanceof Error ? firstOf(error) : String(error);
  const at = `the API server at ${party.server}`;
  const unreachable = UNREACHABLE[code];
  if (unreachable !== undefined) return { kind: "unreachable", sentence: `cannot reach ${at}: ${unreachable}` };
  if (code === "EPROXY") return { kind: "unreachable", sentence: `cannot reach ${at}: ${detail}` };
  if (code === "ABORT_ERR") return { kind: "cancelled", sentence: `the request to ${at} was given up` };
  if (UNTRUSTED.has(code)) {
    return { kind: "tls", sentence: `the certificate of ${at} is not signed by the CA in our kubeconfig (${detail}): check certificate-authority` };
  }
  switch (code) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return { kind: "tls", sentence: `the certificate of ${at} is for other names (${detail}): write one of them as server, or as tls-server-name, into our kubeconfig` };
    case "CERT_HAS_EXPIRED":
      return { kind: "tls", sentence: `the certificate of ${at} has expired: renew it, or set this host's clock, which says ${new Date(wall).toISOString()}` };
    case "CERT_NOT_YET_VALID":
      return { kind: "tls", sentence: `the certificate of ${at} is not valid yet: set this host's clock, which says ${new Date(wall).toISOString()}` };
    case "ECONNRESET":
    case "EPIPE":
    case "ERR_STREAM_PREMATURE_CLOSE":
      return { kind: "reset", sentence: `the connection to ${at} broke (${detail})` };
    default:
      if (code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_") || code.startsWith("ERR_OSSL_") || code === "EPROTO") {
        return { kind: "tls", sentence: `no TLS with ${at}: ${detail}; is it an https port, and is our client certificate from its CA?` };
      }
      if (code.startsWith("HPE_")) return { kind: "garbage", sentence: `what answers at ${party.server} does not speak HTTP as an API server does (${detail})` };
      return { kind: "reset", sentence: `the connection to ${at} failed: ${detail}` };
  }
}

/** The first line of an error, of its parts if it is made of several (one for each address that was tried). */
function firstOf(error: Error): string {
  const parts = error instanceof AggregateError ? (error.errors as unknown[]).filter((part) => part instanceof Error) : [];
  const text = parts.length > 0 ? parts.map((part) => part.message).join("; ") : error.message;
  return text.split("\n", 1)[0]?.slice(0, 300) ?? "";
}
