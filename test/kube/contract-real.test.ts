import { test } from "node:test";
import { contract } from "./contract/index.ts";
import { VERSIONS, available, startControlPlane } from "./real/index.ts";

const availability = available(["etcd", "kube-apiserver"]);
if (availability.ok) {
  contract(`a real control plane (${VERSIONS})`, async () => {
    const plane = await startControlPlane();
    return Object.assign(plane, { forget: () => plane.restartApiServer() });
  });
} else test("the contract with a real control plane", { skip: availability.reason }, () => undefined);
