/**
 * coordination.k8s.io/v1 Lease: as the API has it, and as we write it. The server insists on MicroTime, with exactly six digits
 * after the point. Pure.
 */
import { type Json, integerOf, recordOf, stringsOf, textOf } from "./raw.ts";

/** Who holds it, and since when. */
export type LeaseRecord = {
  /** "": nobody. */
  readonly holder: string;
  /** Seconds; 0 if it says none. */
  readonly duration: number;
  readonly acquireTime: string | undefined;
  readonly renewTime: string | undefined;
  readonly transitions: number;
};

export type Lease = {
  readonly name: string;
  readonly resourceVersion: string;
  readonly record: LeaseRecord;
  readonly annotations: Readonly<Record<string, string>>;
};

/** Nobody in a fleet writes more; what is longer is read as this, so that no forged Lease can lock a role for ever. Seconds. */
const LONGEST_DURATION = 300;

/** Total: a Lease without a spec is held by nobody. Undefined for what is no object with a name and a version. */
export function readLease(object: unknown): Lease | undefined {
  const raw = recordOf(object);
  const metadata = recordOf(raw?.["metadata"]);
  const name = textOf(metadata?.["name"]);
  const resourceVersion = textOf(metadata?.["resourceVersion"]);
  if (name === undefined || resourceVersion === undefined) return undefined;
  const spec = recordOf(raw?.["spec"]) ?? {};
  return {
    name,
    resourceVersion,
    record: {
      holder: textOf(spec["holderIdentity"]) ?? "",
      duration: Math.min(integerOf(spec["leaseDurationSeconds"], 0, 2 ** 31) ?? 0, LONGEST_DURATION),
      acquireTime: textOf(spec["acquireTime"]),
      renewTime: textOf(spec["renewTime"]),
      transitions: integerOf(spec["leaseTransitions"], 0, 2 ** 31 - 2) ?? 0,
    },
    annotations: stringsOf(metadata?.["annotations"]),
  };
}

/** The object to POST, or, with the resourceVersion that it replaces, to PUT. */
export function writeLease(namespace: string, name: string, record: LeaseRecord, annotations: Readonly<Record<string, string>>, resourceVersion?: string): Json {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name,
      namespace,
      labels: { "app.kubernetes.io/name": "bmlb" },
      annotations,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    spec: {
      holderIdentity: record.holder,
      leaseDurationSeconds: record.duration,
      leaseTransitions: record.transitions,
      ...(record.acquireTime === undefined ? {} : { acquireTime: record.acquireTime }),
      ...(record.renewTime === undefined ? {} : { renewTime: record.renewTime }),
    },
  };
}

/** "2026-11-21T11:01:02.003000Z" from Unix ms. */
export function microTime(wall: number): string {
  return new Date(wall).toISOString().replace("Z", "000Z");
}

export function leasesPath(namespace: string, name?: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}
