/** The Kubernetes API as the rest of bmlb sees it. */
export { Cache, type CacheStatus } from "./cache.ts";
export { type Answer, type Api, type Call, Client, type ClientStatus } from "./client.ts";
export { Contact } from "./contact.ts";
export { Credentials, type CredentialsStatus } from "./credentials.ts";
export { ALLOCATOR_LEASE, AllocatorElection, type AllocatorElectionOptions, type ElectionStatus } from "./election.ts";
export { type EventNote, Events, type EventsStatus } from "./events.ts";
export type { Failure } from "./failure.ts";
export { HOST_LEASE_PREFIX, HostLease, type HostLeaseOptions, type HostLeaseStatus } from "./hostlease.ts";
export { HostLeases, type HostLeasesOptions, type HostLeaseSeen, type HostsChange } from "./hosts.ts";
export { checkKubeconfig } from "./check-kubeconfig.ts";
export { LeaseClient } from "./leaseclient.ts";
export { FLEET_SECRET, FleetKey, type FleetKeyOptions, type FleetKeyStatus } from "./secret.ts";
export { ClusterSource, type SourceOptions, type SourceStatus } from "./source.ts";
export { Trouble } from "./trouble.ts";
export type { WatchState, WatchStatus } from "./watch.ts";
export { StatusWriter, type WriteResult, type WriterStatus } from "./writer.ts";
