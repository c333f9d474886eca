/**
 * What `bmlb rbac` prints, given to a real kube-apiserver: it is accepted as it stands, the accounts may do what bmlb does, and no more.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { loadAllYaml, loadYaml } from "@kubernetes/client-node";
import { KUBECONFIG_TEMPLATE } from "../../scripts/documents/program-page.ts";
import { runProgram } from "../../src/cli/index.ts";
import { checkKubeconfig } from "../../src/kube/index.ts";
import { localFiles } from "../../src/linux/index.ts";
import { available, buildControlPlane, type RealControlPlane, startControlPlane } from "./real/index.ts";
import { asText, at } from "./simulator/json.ts";
import { type WireAnswer, WireClient } from "./wire-client.ts";
import { servicePath } from "./workloads.ts";

const availability = available(["etcd", "kube-apiserver"]);
const skip = availability.ok ? false : availability.reason;
if (availability.ok) await buildControlPlane(["etcd", "kube-apiserver"]);

const POOLS = '[[pool]]\nname = "lan"\naddresses = ["192.168.1.240-192.168.1.250", "2001:db8:1::/120"]\n';
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/bmlb-system/leases";

type Described = { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } };

const RESOURCES: Readonly<Record<string, string>> = { ValidatingAdmissionPolicy: "validatingadmissionpolicies" };

/** Where the object is, by the rule that kubectl finds by discovery. */
function pathOf({ apiVersion, kind, metadata }: Described): string {
  const group = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
  const within = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${group}${within}/${RESOURCES[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`;
}

describe("what bmlb rbac prints, on a real kube-apiserver", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "bmlb-rbac-"));
  const config = join(folder, "config.toml");
  let plane: RealControlPlane;
  let admin: WireClient;
  let general: WireClient;
  const clients: WireClient[] = [];

  async function rbac(...words: readonly string[]): Promise<string> {
    let out = "";
    const fail = (text: string): never => assert.fail(text);
    const status = await runProgram({ version: "", words: ["rbac", ...words], environment: {}, out: (text) => (out += text), err: fail, run: () => fail("run"), check: () => fail("check") });
    assert.equal(status, 0);
    return out;
  }

  /** As `kubectl apply --server-side --force-conflicts` does (the test bed has roles of these names): each document as it is written. */
  async function apply(text: string): Promise<void> {
    for (const document of text.split("---\n")) {
      const [object] = loadAllYaml(document) as readonly Described[];
      assert.ok(object);
      const answer = await admin.ask("PATCH", `${pathOf(object)}?fieldManager=kubectl&force=true&fieldValidation=Strict`, document, "application/apply-patch+yaml");
      assert.ok([200, 201].includes(answer.status), `${object.kind} ${object.metadata.name}: ${answer.text}`);
      assert.equal(answer.headers["warning"], undefined, document);
    }
  }

  async function tokenOf(account: string): Promise<string> {
    const answer = await admin.ask("POST", `/api/v1/namespaces/bmlb-system/serviceaccounts/${account}/token`, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} });
    assert.equal(answer.status, 201, answer.text);
    return asText(at(answer.body, "status", "token"));
  }

  /** A client with a token of the account, as a kubeconfig would have it. */
  async function as(account: string): Promise<WireClient> {
    const client = new WireClient(plane, { token: await tokenOf(account) });
    clients.push(client);
    return client;
  }

  /** The patch that src/kube/writer.ts sends. */
  function give(client: WireClient, service: string, ingress: readonly object[] | null, annotations: Readonly<Record<string, string | null>> = { "bmlb.io/pool": "lan" }): Promise<WireAnswer> {
    return client.ask("PATCH", `${servicePath({ name: service })}/status?fieldManager=bmlb`, { metadata: { annotations }, status: { loadBalancer: { ingress } } }, "application/merge-patch+json");
  }

  /** RBAC and policies take a moment to be acted on. */
  async function until(what: string, ask: () => Promise<WireAnswer>, status: number): Promise<WireAnswer> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const answer = await ask();
      if (answer.status === status) return answer;
      assert.ok(performance.now() < deadline, `${what}: still ${answer.text}`);
      await delay(50);
    }
  }

  function lease(name: string): object {
    return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace: "bmlb-system" }, spec: { holderIdentity: name, leaseDurationSeconds: 20 } };
  }

  /** As src/kube/leaseclient.ts does: over the version that is there. */
  async function renew(client: WireClient, name: string): Promise<number> {
    const there = await client.ask("GET", `${LEASES}/${name}`);
    return there.status === 200 ? (await client.ask("PUT", `${LEASES}/${name}`, there.body)).status : there.status;
  }

  before(async () => {
    writeFileSync(config, POOLS);
    plane = await startControlPlane();
    admin = await WireClient.as(plane, "admin", "token");
    clients.push(admin);
    await apply(await rbac());
    general = await as("bmlb");
    for (const name of ["web", "other"]) await plane.workloads.createService({ name });
    await until("the account may list Services", () => general.ask("GET", "/api/v1/services"), 200);
  });
  after(async () => {
    for (const client of clients) client.close();
    await plane.stop();
    rmSync(folder, { recursive: true });
  });

  test("the general account may do all that bmlb does", async () => {
    for (const path of ["/api/v1/services", "/api/v1/nodes", "/api/v1/namespaces", "/apis/discovery.k8s.io/v1/endpointslices", LEASES]) {
      assert.equal((await general.ask("GET", path)).status, 200, path);
    }
    assert.equal((await general.ask("POST", LEASES, lease("bmlb-host-h1"))).status, 201);
    assert.equal(await renew(general, "bmlb-host-h1"), 200);
    assert.equal((await general.ask("GET", "/api/v1/namespaces/bmlb-system/secrets/bmlb-fleet")).status, 404, "allowed, and not there");
    const event = {
      apiVersion: "events.k8s.io/v1", kind: "Event", metadata: { name: "web.1", namespace: "default" }, eventTime: "2026-01-01T00:00:00.000000Z", action: "Allocate", reason: "Allocated", type: "Normal", note: "a note",
      reportingController: "bmlb", reportingInstance: "h1", regarding: { apiVersion: "v1", kind: "Service", name: "web", namespace: "default" },
    };
    assert.equal((await general.ask("POST", "/apis/events.k8s.io/v1/namespaces/default/events", event)).status, 201);
  });

  test("it may do nothing else: no Service itself, no other Secret", async () => {
    assert.equal((await general.ask("PATCH", servicePath({ name: "web" }), { metadata: { labels: { a: "b" } } }, "application/merge-patch+json")).status, 403);
    assert.equal((await general.ask("GET", "/api/v1/namespaces/bmlb-system/secrets")).status, 403);
    assert.equal((await general.ask("GET", "/api/v1/namespaces/bmlb-system/secrets/bmlb-token")).status, 403);
  });

  const kubectl = spawnSync("kubectl", ["version", "--client"]).error === undefined ? false : "kubectl is not installed";
  test("the README's template makes of the account's Secret a kubeconfig that works", { skip: kubectl }, async () => {
    const token = await tokenOf("bmlb");
    // There is no controller here that would put them there.
    const data = { token: Buffer.from(token).toString("base64"), "ca.crt": Buffer.from(plane.ca).toString("base64") };
    const stored = await admin.ask("PATCH", "/api/v1/namespaces/bmlb-system/secrets/bmlb-token", { data }, "application/merge-patch+json");
    assert.equal(stored.status, 200, stored.text);
    const words = ["--kubeconfig", await plane.kubeconfig("admin", "certificate"), "-n", "bmlb-system", "get", "secret", "bmlb-token", "-o", `go-template=${KUBECONFIG_TEMPLATE}`];
    const made = spawnSync("kubectl", words, { encoding: "utf8" });
    assert.equal(made.status, 0, made.stderr);
    const [user] = loadYaml<{ readonly users: readonly { readonly user: { readonly token: string } }[] }>(made.stdout).users;
    assert.equal(user?.user.token, token);
    assert.deepEqual(checkKubeconfig(made.stdout, "/etc/bmlb/kubeconfig", undefined, localFiles), { errors: [], warnings: [] });
  });

  test("with the pools of a configuration, a status with an address outside of them is refused with what to run", async () => {
    assert.equal((await give(general, "other", [{ ip: "203.0.113.9", ipMode: "VIP" }])).status, 200, "before the policy nothing bounds it");
    await apply(await rbac("-c", config));
    let last = 10; // an address that was once written is not new
    const refusal = await until("an address outside the pools is refused", () => give(general, "web", [{ ip: `203.0.113.${last++ % 250}`, ipMode: "VIP" }]), 422);
    assert.match(refusal.text, /bmlb rbac -c/);
  });

  for (const [what, ingress] of [
    ["the first address of a range", [{ ip: "192.168.1.240", ipMode: "VIP" }]],
    ["its last", [{ ip: "192.168.1.250", ipMode: "VIP" }]],
    ["IPv4 and IPv6", [{ ip: "192.168.1.245", ipMode: "VIP" }, { ip: "2001:db8:1::ff", ipMode: "VIP" }]],
    ["none", null],
  ] as const) {
    test(`${what} may be given`, async () => {
      const answer = await give(general, "web", ingress);
      assert.equal(answer.status, 200, answer.text);
    });
  }

  for (const [what, ingress] of [
    ["the address before a range", [{ ip: "192.168.1.239" }]],
    ["the address after a range", [{ ip: "192.168.1.251" }]],
    ["an IPv6 address after the prefix", [{ ip: "2001:db8:1::100" }]],
    ["one inside with one outside", [{ ip: "192.168.1.245" }, { ip: "10.96.0.1" }]],
    ["a host name", [{ hostname: "evil.example" }]],
    ["an address inside with a host name", [{ ip: "192.168.1.245", hostname: "evil.example" }]],
  ] as const) {
    test(`${what} may not`, async () => {
      const answer = await give(general, "web", ingress);
      assert.equal(answer.status, 422, answer.text);
    });
  }

  test("an address that was there before may stay beside a new one, and may be taken away", async () => {
    assert.equal((await give(general, "other", [{ ip: "203.0.113.9", ipMode: "VIP" }, { ip: "2001:db8:1::1", ipMode: "VIP" }])).status, 200);
    assert.equal((await give(general, "other", null)).status, 200);
    assert.equal((await give(general, "other", [{ ip: "203.0.113.9", ipMode: "VIP" }])).status, 422, "and is new once it was gone");
  });

  test("nothing but the annotation of the pool is changed with the status", async () => {
    assert.equal((await give(general, "web", null, { "bmlb.io/pool": null })).status, 200);
    assert.equal((await give(general, "web", null, { "external-dns.alpha.kubernetes.io/hostname": "bank.example" })).status, 422);
    const labelled = await general.ask("PATCH", `${servicePath({ name: "web" })}/status`, { metadata: { labels: { app: "other" } } }, "application/merge-patch+json");
    assert.equal(labelled.status, 422, labelled.text);
    assert.equal((await admin.ask("PATCH", servicePath({ name: "web" }), { metadata: { annotations: { note: "kept" } } }, "application/merge-patch+json")).status, 200);
    assert.equal((await give(general, "web", null, { note: null })).status, 422, "nor taken away");
    assert.equal((await give(general, "web", [{ ip: "192.168.1.241", ipMode: "VIP" }])).status, 200, "and what others wrote is no hindrance");
  });

  test("others may write any address: the policy is about bmlb", async () => {
    assert.equal((await give(admin, "other", [{ ip: "203.0.113.20" }], {})).status, 200);
  });

  describe("with an account for each host", () => {
    let h1: WireClient;
    before(async () => {
      await apply(await rbac("--host", "h1", "--host", "h2", "-c", config));
      h1 = await as("bmlb-host-h1");
      await admin.ask("DELETE", `${LEASES}/bmlb-host-h1`);
      await until("the account may list Leases", () => h1.ask("GET", LEASES), 200);
    });

    test("a host makes and renews its own Lease and the allocator's", async () => {
      for (const name of ["bmlb-host-h1", "bmlb-allocator"]) {
        await until(`${name} is created`, () => h1.ask("POST", LEASES, lease(name)), 201);
        assert.equal(await renew(h1, name), 200);
      }
    });

    test("another host's Lease it can neither create, nor write, nor remove", async () => {
      await until("it is not created", () => h1.ask("POST", `${LEASES}?dryRun=All`, lease("bmlb-host-h2")), 422);
      const h2 = await as("bmlb-host-h2");
      await until("its owner may", () => h2.ask("POST", LEASES, lease("bmlb-host-h2")), 201);
      assert.equal((await h1.ask("PUT", `${LEASES}/bmlb-host-h2`, lease("bmlb-host-h2"))).status, 403);
      assert.equal((await h1.ask("PATCH", `${LEASES}/bmlb-host-h2`, { spec: { holderIdentity: "h1" } }, "application/merge-patch+json")).status, 403);
      assert.equal((await h1.ask("DELETE", `${LEASES}/bmlb-host-h2`)).status, 403);
    });

    test("it reads and writes what bmlb does, within the pools", async () => {
      for (const path of ["/api/v1/services", "/api/v1/nodes", "/api/v1/namespaces", "/apis/discovery.k8s.io/v1/endpointslices", LEASES]) {
        assert.equal((await h1.ask("GET", path)).status, 200, path);
      }
      assert.equal((await h1.ask("GET", "/api/v1/namespaces/bmlb-system/secrets/bmlb-fleet")).status, 404);
      assert.equal((await give(h1, "web", [{ ip: "192.168.1.242", ipMode: "VIP" }])).status, 200);
      assert.equal((await give(h1, "web", [{ ip: "192.0.2.1", ipMode: "VIP" }])).status, 422);
    });
  });
});
