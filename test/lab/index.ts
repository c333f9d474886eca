/** The lab: machines, networks and what runs on them as values, for tests, the demo and the benchmarks. */
export { Bird } from "./bird.ts";
export { Capture } from "./capture.ts";
export { Client, type Page } from "./client.ts";
export { BMLB, ensureBundle } from "./bundle.ts";
export { Daemon, type CliOutput, type DaemonOptions } from "./daemon.ts";
export { eventually, within } from "./eventually.ts";
export { readFrame, type Arp, type Frame, type NeighborMessage } from "./frames.ts";
export { Frr, type FrrNeighbor, type FrrOptions, type FrrPath } from "./frr.ts";
export { Host, type KernelRoute, type Neighbour } from "./host.ts";
export { Lab, whyNoLab } from "./lab.ts";
export { labTest } from "./lab-test.ts";
export { type Notification } from "./notify.ts";
export { Prober, type ProbeReport, type Silence } from "./prober.ts";
export { CommandError, LabProcess, run, type Exit, type Line, type Output } from "./run.ts";
export { Link, Segment } from "./segment.ts";
export { standIn, type Endpoint, type ServedVip } from "./stand-in.ts";
export { now } from "./time.ts";
export { toToml, type TomlValue } from "./toml.ts";
