/**
 * How the API server says no: a Status of meta/v1 with the code, the reason and the words of the real one.
 */
import type { Json, JsonObject } from "./json.ts";

export type Reason =
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Expired"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "Invalid"
  | "TooManyRequests"
  | "InternalError"
  | "ServiceUnavailable"
  | "Timeout"
  /** 500 for an error that is no Status of its own: it carries no reason. */
  | "Unexplained";

const CODES: Readonly<Record<Reason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  Unexplained: 500,
};

const WITHOUT_DETAILS: readonly Reason[] = ["BadRequest", "Unauthorized", "Expired", "Gone", "Unexplained"];

export class Refusal extends Error {
  readonly code: number;
  readonly reason: Reason;
  readonly #details: JsonObject | undefined;
  readonly #metadata: JsonObject;

  constructor(reason: Reason, message: string, details?: JsonObject, metadata: JsonObject = {}) {
    super(message);
    this.reason = reason;
    this.code = CODES[reason];
    this.#details = details;
    this.#metadata = metadata;
  }

  /** Seconds for the header Retry-After, if it is to be sent. */
  get retryAfter(): Json | undefined {
    return this.#details?.["retryAfterSeconds"];
  }

  status(): JsonObject {
    const details = this.#details ?? (WITHOUT_DETAILS.includes(this.reason) ? undefined : {});
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.#metadata,
      status: "Failure",
      message: this.message,
      ...(this.reason === "Unexplained" ? {} : { reason: this.reason }),
      ...(details === undefined ? {} : { details }),
      code: this.code,
    };
  }
}

/** One thing wrong with one field, in the words of apimachinery's `field` package. */
export type FieldError = { readonly reason: string; readonly field: string; readonly message: string };

function spelled(value: unknown): string {
  return value === undefined ? "null" : JSON.stringify(value);
}

export const wrong = {
  invalid: (field: string, value: unknown, why: string): FieldError => ({ reason: "FieldValueInvalid", field, message: `Invalid value: ${spelled(value)}: ${why}` }),
  required: (field: string, why = ""): FieldError => ({ reason: "FieldValueRequired", field, message: why === "" ? "Required value" : `Required value: ${why}` }),
  forbidden: (field: string, why: string): FieldError => ({ reason: "FieldValueForbidden", field, message: `Forbidden: ${why}` }),
  unsupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    reason: "FieldValueNotSupported",
    field,
    message: `Unsupported value: ${spelled(value)}: supported values: ${supported.map((one) => `"${one}"`).join(", ")}`,
  }),
  duplicate: (field: string, value: unknown): FieldError => ({ reason: "FieldValueDuplicate", field, message: `Duplicate value: ${spelled(value)}` }),
};

/** 422 for one or more fields. */
export function invalid(kind: string, group: string, name: string, errors: readonly FieldError[]): Refusal {
  const qualified = group === "" ? kind : `${kind}.${group}`;
  const each = errors.map((error) => `${error.field}: ${error.message}`);
  const words = each.length === 1 ? (each[0] ?? "") : `[${each.join(", ")}]`;
  const causes = errors.map((error): JsonObject => ({ ...error }));
  return new Refusal("Invalid", `${qualified} "${name}" is invalid: ${words}`, { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), ...(kind === "" ? {} : { kind }), causes });
}
