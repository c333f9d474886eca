/**
 * The README's first steps, typed as they stand there on two new machines, a Debian 12 and a Debian 13, with Debian's kubectl and a real
 * kube-apiserver and kube-proxy, in the README's own network. What a cluster has besides is done by hand: the token of the account, the pod's
 * endpoint. Nothing but the name of the API server is put in.
 */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { eventually, labTest, whyNoBoot, type BootedSystem, type Host, type Lab } from "../lab/index.ts";
import { PROGRAMS, type RealControlPlane } from "../kube/real/index.ts";
import { find } from "../kube/real/programs.ts";
import { asText, at } from "../kube/simulator/json.ts";
import { firstSteps, type Step } from "../documents/first-steps.ts";
import { packageFile } from "./deb.ts";

const README = readFileSync(join(import.meta.dirname, "..", "..", "README.md"), "utf8");
const API_SERVER = "192.168.1.2";
const ROUTER = "192.168.1.1";
const SECRET = "/api/v1/namespaces/bmlb-system/secrets/bmlb-token";

const missing = PROGRAMS.filter((program) => find(program) === undefined);
const SKIP = missing.length === 0 ? whyNoBoot() : `${missing.join(", ")}: not built yet; npm test builds a real control plane where Go is installed`;

labTest("the README's first steps, by L2 and by BGP, end with a page from the cluster", async (lab) => {
  const { api, frr, nodes, seats } = await newSite(lab);
  const type = async ({ seat, text }: Step): Promise<void> => {
    const commands = text.replaceAll("API-SERVER", API_SERVER);
    if (seat === "nodes") await Promise.all(nodes.map((node) => node.sh(`cd /root\n${commands}`, { input: "y\n", timeoutMs: 60_000 })));
    else {
      const { host, environment } = seats[seat];
      const page = await host.exec(["sh", "-ec", commands], { env: environment, timeoutMs: 90_000 });
      if (seat === "client") assert.equal(page, "from a pod");
    }
  };

  const token = fillToken(api);
  const pod = runPod(lab, api);
  for (const step of firstSteps(README, "first-steps-l2")) {
    await type(step);
    // What is typed after the Service is there finds its pod, as in a cluster whose pod has started.
    if (step.text.includes("kubectl expose")) await pod;
  }
  await token;
  for (const node of nodes) assert.match(await node.sh("bmlb explain default/web"), /worker-[12]/);

  // The same machines, announced otherwise: what is only in the other way.
  const common = new Set(firstSteps(README, "first-steps-l2").map(({ text }) => text));
  for (const node of nodes) await node.sh("systemctl stop bmlb");
  for (const step of firstSteps(README, "first-steps-bgp").filter(({ text }) => !common.has(text))) await type(step);
  const vip = (await api.workloads.addresses({ name: "web" }))[0] ?? "";
  await eventually("the router reaches the address through both", 20_000, async () => (await frr.paths(`${vip}/32`)).length === 2);
  const far = firstSteps(README, "first-steps-bgp").find(({ seat }) => seat === "client");
  assert.ok(far);
  await eventually("a machine behind the router gets the page", 10_000, async () => {
    await type(far);
    return true;
  });
  for (const node of nodes) assert.match(await node.sh("bmlb bgp peers"), /tor-1.*established/i);
}, { timeoutMs: 200_000, skip: SKIP });

/** The network of the README: two nodes and kubectl's machine on 192.168.1.0/24, and a user's machine behind the router. */
async function newSite(lab: Lab) {
  await lab.segment("lan", { ipv4: "192.168.1.0/24" });
  await lab.segment("office", { ipv4: "192.168.2.0/24" });
  const routes = [`default via ${ROUTER}`];
  const controlPlane = await lab.host("control-plane", { lan: { ipv4: API_SERVER, routes } });
  const hosts = [
    await lab.host("worker-1", { lan: { ipv4: "192.168.1.11", routes } }, { forwarding: true }),
    await lab.host("worker-2", { lan: { ipv4: "192.168.1.12", routes } }, { forwarding: true }),
  ] as const;
  const router = await lab.router("router", { lan: { ipv4: ROUTER }, office: { ipv4: "192.168.2.1" } });
  const client = await lab.host("client", { office: { ipv4: "192.168.2.100", routes: ["default via 192.168.2.1"] } });
  const [api, frr, ...nodes] = await Promise.all([
    lab.realApi(controlPlane),
    lab.frr(router, { asn: 64501, routerId: ROUTER, neighbors: hosts.map((host) => ({ address: host.link("lan").ipv4 ?? "", asn: 64500 })) }),
    lab.boot(hosts[0], 12),
    lab.boot(hosts[1], 13),
  ]);
  const admin = await api.kubeconfig("admin", "token");
  for (const host of hosts) {
    await api.workloads.createNode(host.name, { ip: host.link("lan").ipv4 ?? "" });
    await lab.kubeProxy(host, admin);
  }
  for (const node of nodes) copyFileSync(packageFile(), node.path(`/root/${basename(packageFile())}`));
  const folder = tools(controlPlane, nodes);
  const environment = { PATH: `${folder}:${process.env["PATH"] ?? ""}`, HOME: folder, KUBECONFIG: admin };
  return { api, frr, nodes, seats: { kubectl: { host: controlPlane, environment }, client: { host: client, environment } } };
}

/** kubectl, and an ssh to the nodes. Returns their folder. */
function tools(host: Host, nodes: readonly BootedSystem[]): string {
  const [kubectl] = nodes.flatMap((node) => (node.release === 13 ? [node.path("/srv/kubectl")] : []));
  host.write("tools/kubectl", `#!/bin/sh\nexec ${kubectl ?? ""} "$@"\n`, 0o700);
  host.write("tools/ssh", `#!/bin/sh\nname="\${1#root@}"\nshift\ncase "$name" in\n${nodes.map((node) => `${node.name}) exec ${node.enter("$*")} ;;`).join("\n")}\nesac\nexit 255\n`, 0o700);
  return host.path("tools");
}

/** As kube-controller-manager does: the Secret of an account gets a token. */
async function fillToken(api: RealControlPlane): Promise<void> {
  const secret = await eventually("there is a Secret for the token", 60_000, async () => {
    const answer = await api.request("GET", SECRET);
    return answer.status === 200 ? answer.body : undefined;
  });
  const account = asText(at(secret as never, "metadata", "annotations", "kubernetes.io/service-account.name"));
  const made = await api.request("POST", `/api/v1/namespaces/bmlb-system/serviceaccounts/${account}/token`, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} });
  const token = asText(at(made.body as never, "status", "token"));
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const patched = await api.request("PATCH", SECRET, { data: { token: base64(token), "ca.crt": base64(api.ca) } }, "application/merge-patch+json");
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
}

/** As kubelet and kube-controller-manager do: the pod of the deployment runs and is the Service's endpoint. */
async function runPod(lab: Lab, api: RealControlPlane): Promise<void> {
  const pod = await lab.host("pod", { lan: { ipv4: "192.168.1.50", routes: [`default via ${ROUTER}`] } });
  await lab.webserver(pod, { port: 80, body: "from a pod" });
  await eventually("there is a Service web", 120_000, async () => {
    await api.workloads.getService({ name: "web" });
    return true;
  });
  await api.workloads.setEndpoints({ name: "web" }, [{ ip: "192.168.1.50", node: "worker-1" }]);
}
