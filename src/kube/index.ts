/** The Kubernetes API as the rest of bmlb sees it. */
export { Cache } from "./cache.ts";
export { type Answer, type Api, type Call, Client, type ClientStatus } from "./client.ts";
export { Contact } from "./contact.ts";
export { Credentials } from "./credentials.ts";
export { ALLOCATOR_LEASE, AllocatorElection, type ElectionStatus } from "./election.ts";
export { type EventNote, Events } from "./events.ts";
export type { Failure } from "./failure.ts";
export { HOST_LEASE_PREFIX, HostLease } from "./hostlease.ts";
export { HostLeases, type HostLeaseSeen, type HostsChange } from "./host-leases.ts";
export { checkKubeconfig } from "./check-kubeconfig.ts";
export { LeaseClient } from "./leaseclient.ts";
export { FLEET_SECRET, FleetKey } from "./secret.ts";
export { ClusterSource, type SourceStatus } from "./source.ts";
export { Trouble } from "./trouble.ts";
export { StatusWriter, type WriteResult } from "./writer.ts";
