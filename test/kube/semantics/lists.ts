/**
 * Lists: selectors, pages and resourceVersions, as queries ask for them.
 */
import { loadBalancer, type Table } from "./table.ts";

const OWN = "/api/v1/namespaces/bmlb-system/services";
const ALL = "/api/v1/services";

export const LISTS: Table = {
  about: "lists",
  rows: [
    [201, "POST", OWN, loadBalancer("l1", {}, { labels: { app: "x", tier: "front" } })],
    [201, "POST", OWN, loadBalancer("l2", {}, { labels: { app: "y" } })],
    [201, "POST", OWN, { metadata: { name: "l3" }, spec: { type: "ExternalName", externalName: "a.b" } }],
    [200, "GET", OWN],
    [200, "GET", `${OWN}?limit=2`],
    [200, "GET", `${OWN}?limit=2&labelSelector=app`],
    [200, "GET", `${OWN}?limit=2&resourceVersion=0`],
    [200, "GET", `${OWN}?limit=-1`],
    [200, "GET", `${OWN}?labelSelector=app%3Dx`],
    [200, "GET", `${OWN}?labelSelector=app!%3Dx`],
    [200, "GET", `${OWN}?labelSelector=app%20in%20(x%2Cy)%2C!tier`],
    [200, "GET", `${OWN}?labelSelector=app%20notin%20(x)%2Capp`],
    [200, "GET", `${OWN}?labelSelector=!app`],
    [200, "GET", `${OWN}?fieldSelector=spec.type%3DExternalName`],
    [200, "GET", `${OWN}?fieldSelector=metadata.name%3Dl2`],
    [200, "GET", `${OWN}?fieldSelector=metadata.name!%3Dl2%2Cspec.type%3DLoadBalancer`],
    [200, "GET", "/api/v1/namespaces/nowhere/services"],
    [200, "GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases"],
    [400, "GET", `${ALL}?limit=x`],
    [400, "GET", `${ALL}?continue=abc`],
    [400, "GET", `${ALL}?resourceVersion=abc`],
    [400, "GET", `${ALL}?labelSelector=a%3D%3D%3D`],
    [400, "GET", `${ALL}?labelSelector=a%20in%20(b`],
    [400, "GET", `${ALL}?fieldSelector=spec.nope%3D1`],
    [400, "GET", `${ALL}?fieldSelector=nonsense`],
    [422, "GET", `${ALL}?resourceVersionMatch=Exact`],
    [422, "GET", `${ALL}?resourceVersion=1&resourceVersionMatch=Nonsense`],
    [422, "GET", `${ALL}?watch=true&sendInitialEvents=true&timeoutSeconds=1`],
    [500, "GET", `${ALL}?watch=true&resourceVersion=abc`],
    [400, "GET", `${ALL}?watch=true&timeoutSeconds=x`],
  ],
};
