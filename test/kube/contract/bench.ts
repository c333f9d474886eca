/**
 * What a contract test needs of src/kube: clients and parts that are built as the daemon builds them, and stopped with the test.
 */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { Cluster, type Service, type ServiceKey, serviceKey } from "../../../src/cluster/index.ts";
import { Client, ClusterSource, Contact, Credentials, LeaseClient, Trouble } from "../../../src/kube/index.ts";
import { readService } from "../../../src/kube/objects.ts";
import { recordOf, textOf } from "../../../src/kube/raw.ts";
import { type Clock, systemClock, systemRandom } from "../../../src/time/index.ts";
import { BMLB_NAMESPACE } from "../access.ts";
import type { ApiUnderTest, CredentialForm, User } from "../api-under-test.ts";
import { MemoryLog, until } from "../tiny-server.ts";
import type { Workloads } from "../workloads.ts";

export { BMLB_NAMESPACE, MemoryLog, until };

export type Part = {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: MemoryLog;
  readonly trouble: Trouble;
  readonly contact: Contact;
  readonly random: () => number;
};

/** What a contract needs beside the API: every watch that resumes from before gets 410. */
export type Forgetful = ApiUnderTest & { forget(): Promise<void> };

/** How a case reaches the API. */
export type Bench = {
  readonly api: () => ApiUnderTest;
  readonly forget: () => Promise<void>;
  readonly workloads: () => Workloads;
};

export const CLUSTER = "main";

let names = 0;
/** A name that no other test uses. */
export function fresh(prefix: string): string {
  return `${prefix}-${++names}`;
}

export function keyOf(name: string): ServiceKey {
  return serviceKey(CLUSTER, "default", name);
}

/** A client with its surroundings, closed when the test ends. */
export async function partOf(t: TestContext, api: ApiUnderTest, user: User = "bmlb", form: CredentialForm = "token", clock: Clock = systemClock): Promise<Part> {
  const log = new MemoryLog();
  const client = new Client(new Credentials(await api.kubeconfig(user, form), undefined, clock, log), clock);
  t.after(() => {
    client.stop();
  });
  return { client, clock, log, trouble: new Trouble(log, clock), contact: new Contact(clock), random: systemRandom };
}

export function leasesOf(part: Part): LeaseClient {
  return new LeaseClient(part.client, BMLB_NAMESPACE);
}

/** A running source that fills a cluster; `part` may run on a fast clock. */
export function sourceOf(t: TestContext, part: Part): { readonly source: ClusterSource; readonly cluster: Cluster } {
  const cluster = new Cluster();
  const { client: api, ...rest } = part;
  const source = new ClusterSource({
    api,
    cluster: CLUSTER,
    ...rest,
    cache: undefined,
    onChanges: (changes) => {
      for (const change of changes) cluster.apply(change);
    },
  });
  source.start();
  t.after(() => source.stop());
  return { source, cluster };
}

export async function untilComplete(cluster: Cluster): Promise<void> {
  await until("the cluster is complete", () => cluster.complete, 30_000);
}

/** A Service of type LoadBalancer without node ports, as bmlb reads it; deleted when the test ends. */
export async function serviceOf(t: TestContext, bench: Bench, name = fresh("web")): Promise<Service> {
  const made = await bench.workloads().createService({ name, allocateLoadBalancerNodePorts: false });
  t.after(() => bench.api().request("DELETE", `/api/v1/namespaces/default/services/${name}`));
  return asService(made);
}

export function asService(object: unknown): Service {
  const reading = readService(CLUSTER, object);
  assert.ok(reading.type !== "malformed" && reading.value !== undefined, JSON.stringify(object));
  return reading.value;
}

export function versionOf(object: unknown): string {
  const version = textOf(recordOf(recordOf(object)?.["metadata"])?.["resourceVersion"]);
  assert.ok(version !== undefined, JSON.stringify(object));
  return version;
}
