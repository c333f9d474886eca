/**
 * The face of the real control plane.
 */
export { type ControlPlaneOptions, RealControlPlane, startControlPlane } from "./control-plane.ts";
export { type KubeProxy, type KubeProxyOptions, startKubeProxy } from "./kube-proxy.ts";
export { type Availability, available, buildControlPlane, find, type Program, PROGRAMS, VERSIONS } from "./programs.ts";
