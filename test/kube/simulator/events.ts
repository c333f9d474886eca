/**
 * Events: one store, two views. events.k8s.io/v1 is strict; core/v1 checks almost nothing (pkg/apis/core/validation/events.go of
 * Kubernetes). Stored in the form of core/v1.
 */
import { asNumber, asText, at, sameJson, without } from "./json.ts";
import { dnsSubdomain, pathSegment, qualifiedName, wrongMetadata } from "./names.ts";
import type { KubeObject } from "./objects.ts";
import { type FieldError, wrong } from "./refusal.ts";
import type { Rules } from "./resources.ts";
import { alwaysFields, alwaysText, fields, microTime, microTimeOrNull, text, timeOrNull, whole } from "./shape.ts";

const REFERENCE = { kind: text, namespace: text, name: text, uid: text, apiVersion: text, resourceVersion: text, fieldPath: text };
const SERIES = fields({ count: whole, lastObservedTime: microTime });
const SHORT_LIMIT = 128;
const NOTE_LIMIT = 1_024;

/** core/v1 by events.k8s.io/v1, for the fields whose names differ. */
const RENAMED = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
] as const;

export const CORE_EVENT_RULES: Rules = {
  shape: {
    involvedObject: alwaysFields(REFERENCE),
    reason: text,
    message: text,
    source: alwaysFields({ component: text, host: text }),
    firstTimestamp: timeOrNull,
    lastTimestamp: timeOrNull,
    count: whole,
    type: text,
    eventTime: microTimeOrNull,
    series: SERIES,
    action: text,
    related: fields(REFERENCE),
    reportingComponent: alwaysText,
    reportingInstance: alwaysText,
  },
  name: pathSegment,
  validate: (event) => wrongForAll(event, "reportingComponent"),
  selectable: (event) => selectable(event, "involvedObject"),
};

export const EVENT_RULES: Rules = {
  shape: {
    eventTime: microTimeOrNull,
    series: SERIES,
    reportingController: text,
    reportingInstance: text,
    action: text,
    reason: text,
    regarding: alwaysFields(REFERENCE),
    related: fields(REFERENCE),
    note: text,
    type: text,
    deprecatedSource: alwaysFields({ component: text, host: text }),
    deprecatedFirstTimestamp: timeOrNull,
    deprecatedLastTimestamp: timeOrNull,
    deprecatedCount: whole,
  },
  name: dnsSubdomain,
  validate: (event, old) => [...wrongForAll(toCore(event), "reportingController"), ...(old === undefined ? wrongForNew(toCore(event)) : wrongChange(event, old))],
  selectable: (event) => selectable(event, "regarding"),
  toStored: toCore,
  fromStored: (event) => renamed(event, (core) => RENAMED.find(([name]) => name === core)?.[1]),
};

function toCore(event: KubeObject): KubeObject {
  return renamed(event, (name) => RENAMED.find(([, own]) => own === name)?.[0]);
}

function renamed(event: KubeObject, other: (name: string) => string | undefined): KubeObject {
  const { metadata } = event;
  const rest = Object.fromEntries(Object.entries(without(event, "metadata")).map(([name, value]) => [other(name) ?? name, value]));
  return { metadata, ...rest };
}

function selectable(event: KubeObject, reference: string): Readonly<Record<string, string>> {
  const parts = ["kind", "namespace", "name", "uid"].map((part) => [`${reference}.${part}`, asText(at(event, reference, part))] as const);
  return { ...Object.fromEntries(parts), reason: asText(event["reason"]), type: asText(event["type"]) };
}

/** legacyValidateEvent: strict only for events that carry eventTime. */
function wrongForAll(event: KubeObject, controller: string): FieldError[] {
  const namespace = event.metadata.namespace ?? "";
  const about = asText(at(event, "involvedObject", "namespace"));
  const mismatch = [wrong.invalid("involvedObject.namespace", about, "does not match event.namespace")];
  if (asText(event["eventTime"]) === "") return about === namespace || (about === "" && namespace === "default") ? [] : mismatch;
  const errors = about === "" && namespace !== "default" && namespace !== "kube-system" ? mismatch : [];
  const component = asText(event["reportingComponent"]);
  if (component === "") errors.push(wrong.required(controller));
  if (qualifiedName(component) !== undefined) errors.push(wrong.invalid(controller, component, qualifiedName(component) ?? ""));
  for (const field of ["reportingInstance", "action", "reason"] as const) {
    const given = asText(event[field]);
    if (given === "") errors.push(wrong.required(field));
    if (Buffer.byteLength(given) > SHORT_LIMIT) errors.push(wrong.invalid(field, "", `can have at most ${SHORT_LIMIT} characters`));
  }
  if (Buffer.byteLength(asText(event["message"])) > NOTE_LIMIT) errors.push(wrong.invalid("message", "", `can have at most ${NOTE_LIMIT} characters`));
  return errors;
}

function wrongForNew(event: KubeObject): FieldError[] {
  const errors = wrongMetadata(event, dnsSubdomain);
  const type = asText(event["type"]);
  const series = event["series"];
  if (series !== undefined && (asNumber(at(series, "count")) ?? 0) < 2) errors.push(wrong.invalid("series.count", "", "should be at least 2"));
  if (series !== undefined && at(series, "lastObservedTime") === undefined) errors.push(wrong.required("series.lastObservedTime"));
  if (asText(event["eventTime"]) === "") errors.push(wrong.required("eventTime"));
  if (type !== "Normal" && type !== "Warning") errors.push(wrong.invalid("type", "", `has invalid value: ${type}`));
  for (const field of ["firstTimestamp", "lastTimestamp", "count"] as const) if ((event[field] ?? undefined) !== undefined) errors.push(wrong.invalid(field, "", "needs to be unset"));
  if (at(event, "source", "component") !== undefined || at(event, "source", "host") !== undefined) errors.push(wrong.invalid("source", "", "needs to be unset"));
  return errors;
}

const IMMUTABLE = ["regarding", "reason", "note", "type", "eventTime", "action", "related", "reportingController", "reportingInstance"];

function wrongChange(event: KubeObject, old: KubeObject): FieldError[] {
  return IMMUTABLE.filter((field) => !sameJson(event[field], old[field])).map((field) => wrong.invalid(field, event[field], "field is immutable"));
}
