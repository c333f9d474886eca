/** Who is let in, and what is said to who is not. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Client, Credentials, checkKubeconfig } from "../../../src/kube/index.ts";
import { localFiles } from "../../../src/linux/index.ts";
import { silentLog } from "../../../src/log/index.ts";
import { systemClock } from "../../../src/time/index.ts";
import { type Bench, partOf, sourceOf, until } from "./bench.ts";

const LIST = { method: "GET", path: "/api/v1/services?limit=1", what: "list services", timeoutMs: 10_000 } as const;

export function accessCases({ api }: Bench): void {
  for (const form of ["certificate", "token", "token-file", "exec"] as const) {
    test(`a kubeconfig with a ${form} is good, and lets bmlb list Services`, async (t) => {
      const path = await api().kubeconfig("bmlb", form);
      assert.deepEqual(checkKubeconfig(await readFile(path, "utf8"), path, undefined, localFiles), { errors: [], warnings: [] });
      const { client } = await partOf(t, api(), "bmlb", form);
      const answer = await client.request(LIST);
      assert.ok(answer.ok, answer.ok ? "" : answer.failure.sentence);
      assert.equal(client.status().kind, form);
    });
  }

  test("a token that the server does not know is 401, and the sentence names the file to look at", async (t) => {
    const path = await api().kubeconfig("bmlb", "token");
    const good = await readFile(path, "utf8");
    t.after(() => writeFile(path, good));
    await writeFile(path, good.replace(/"token": "[^"]*"/, '"token": "wrong"'));
    const client = new Client(new Credentials(path, undefined, systemClock, silentLog), systemClock);
    t.after(() => {
      client.stop();
    });
    const answer = await client.request(LIST);
    assert.ok(!answer.ok && answer.failure.kind === "status");
    assert.equal(answer.failure.status, 401);
    assert.ok(answer.failure.sentence.includes(`check the token in ${path}`), answer.failure.sentence);
  });

  test("who may not list hears 403, keeps asking, and never takes the silence for an empty cluster", async (t) => {
    const part = await partOf(t, api(), "nobody");
    const { source, cluster } = sourceOf(t, part);
    await until("each was refused twice", () => source.status().watches.every((watch) => watch.failures >= 2));
    assert.equal(cluster.complete, false);
    assert.match(source.status().watches[0]?.problem ?? "", /does not allow us to list services \(403\): services is forbidden: User "nobody" cannot list resource "services"/);
    assert.equal(part.log.lines.length, 4, "one line for each kind, however often it was refused");
  });

  test("bmlb may not do more than it needs", async (t) => {
    const { client } = await partOf(t, api());
    for (const [method, path, body] of [
      ["GET", "/api/v1/secrets", undefined],
      ["GET", "/api/v1/namespaces/kube-system/secrets/bmlb-fleet", undefined],
      ["DELETE", "/api/v1/namespaces/default/services/kubernetes", undefined],
      ["PATCH", "/api/v1/namespaces/default/services/kubernetes", { metadata: { labels: { a: "b" } } }],
      ["POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases", { metadata: { name: "a" } }],
    ] as const) {
      const answer = await client.request({ method, path, what: "do that", timeoutMs: 10_000, contentType: method === "PATCH" ? "application/merge-patch+json" : "application/json", ...(body === undefined ? {} : { body }) });
      assert.ok(!answer.ok && answer.failure.kind === "status" && answer.failure.status === 403, `${method} ${path}`);
    }
  });
}
