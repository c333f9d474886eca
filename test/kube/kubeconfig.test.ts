import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { checkKubeconfig } from "../../src/kube/index.ts";
import { parseKubeconfig } from "../../src/kube/kubeconfig.ts";
import { TinyServer, base64, kubeconfigText } from "./tiny-server.ts";

let server: TinyServer;
let pair: { certificate: string; key: string };
let other: { certificate: string; key: string };
before(async () => {
  server = await TinyServer.start();
  pair = await server.authority.client("bmlb", []);
  other = await server.authority.client("other", []);
});
after(() => server.stop());

const CLUSTER = { server: "https://192.0.2.1:6443" };
const PATH = "/nowhere/kubeconfig";

for (const [what, text, expected] of [
  ["nothing", "", /is not a kubeconfig/],
  ["a scalar", "hello", /is not a kubeconfig/],
  ["a list", "- a", /is not a kubeconfig/],
  ["broken YAML", "a: [", /is not YAML/],
  ["a tab where YAML has none", "a:\n\tb: 1", /is not YAML/],
  ["no context", "{clusters: [], users: []}", /has no current-context; write context = "…" under \[kubernetes\], one of: none/],
  ["a context that is not there", '{"current-context": "x", "contexts": [{"name": "a", "context": {}}, {"name": "b"}]}', /has no context "x"; it has: a, b/],
  ["a cluster that is not there", '{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k"}}]}', /names the cluster "k", which is not there; it has: none/],
  ["a user that is not there", '{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}], "clusters": [{"name": "k", "cluster": {"server": "https://a"}}]}', /names the user "u"/],
  ["contexts that are no list", '{"current-context": "c", "contexts": 7}', /has no context "c"/],
  ["no server", kubeconfigText({ token: "t" }, {}), /cluster "k": has no server/],
  ["a server without TLS", kubeconfigText({ token: "t" }, { server: "http://127.0.0.1:8080" }), /write https:\/\//],
  ["a server that is no URL", kubeconfigText({ token: "t" }, { server: "192.0.2.1:6443" }), /server is "192.0.2.1:6443"/],
  ["a server that is a number", kubeconfigText({ token: "t" }, { server: 6443 }), /server is not a string/],
  ["a CA file that is not there", kubeconfigText({ token: "t" }, { ...CLUSTER, "certificate-authority": "ca.crt" }), /certificate-authority: cannot read \/nowhere\/ca\.crt/],
  ["a CA that is not base64", kubeconfigText({ token: "t" }, { ...CLUSTER, "certificate-authority-data": "-----BEGIN" }), /certificate-authority-data is not base64/],
  ["a CA that is no certificate", kubeconfigText({ token: "t" }, { ...CLUSTER, "certificate-authority-data": base64("hello") }), /holds no PEM certificate/],
  ["a certificate without key", kubeconfigText({ "client-certificate-data": base64("x") }, CLUSTER), /certificate but no key/],
  ["a key without certificate", kubeconfigText({ "client-key-data": base64("x") }, CLUSTER), /key but no certificate/],
  ["a certificate that is none", kubeconfigText({ "client-certificate-data": base64("x"), "client-key-data": base64("y") }, CLUSTER), /client certificate and key cannot be used/],
  ["a token file that is not there", kubeconfigText({ tokenFile: "/nowhere/token" }, CLUSTER), /tokenFile: cannot read \/nowhere\/token/],
  ["a token that is a number", kubeconfigText({ token: 7 }, CLUSTER), /user "u": token is not a string/],
  ["an exec entry without command", kubeconfigText({ exec: { args: [] } }, CLUSTER), /exec names no command/],
  ["an exec entry that is a string", kubeconfigText({ exec: "aws" }, CLUSTER), /exec is not a table/],
  ["exec arguments that are no strings", kubeconfigText({ exec: { command: "x", args: [1] } }, CLUSTER), /exec\.args/],
  ["exec environment without names", kubeconfigText({ exec: { command: "x", env: [null] } }, CLUSTER), /exec\.env/],
  ["an auth-provider without a name", kubeconfigText({ "auth-provider": {} }, CLUSTER), /auth-provider names no provider/],
  ["a proxy of an unknown kind", kubeconfigText({ token: "t" }, { ...CLUSTER, "proxy-url": "ftp://a" }), /proxy-url is "ftp:\/\/a"/],
] as const) {
  test(`a kubeconfig with ${what} is refused with a sentence that names the file`, () => {
    const problem = checkKubeconfig(text, PATH, undefined) ?? "nothing wrong";
    assert.match(problem, expected);
    assert.ok(problem.startsWith(`${PATH}: `), problem);
    assert.doesNotMatch(problem, /\n/);
  });
}

test("a key that is not the certificate's is found before it is used", () => {
  const text = kubeconfigText({ "client-certificate-data": base64(pair.certificate), "client-key-data": base64(other.key) }, CLUSTER);
  assert.match(checkKubeconfig(text, PATH, undefined) ?? "", /client certificate and key cannot be used/);
});

test("kubeconfigs of every kind are taken, with files relative to their own folder", async () => {
  await writeFile(join(server.folder, "client.crt"), pair.certificate);
  await writeFile(join(server.folder, "client.key"), pair.key);
  await writeFile(join(server.folder, "token"), "abc\n");
  const path = join(server.folder, "kubeconfig");
  for (const [user, kind] of [
    [{ "client-certificate": "client.crt", "client-key": "client.key" }, "certificate"],
    [{ "client-certificate-data": base64(pair.certificate), "client-key-data": base64(pair.key) }, "certificate"],
    [{ token: "abc" }, "token"],
    [{ tokenFile: "token" }, "token-file"],
    [{ token: "abc", tokenFile: "token" }, "token-file"],
    [{ exec: { command: "./plug-in", args: ["a"], env: [{ name: "A", value: "b" }] } }, "exec"],
    [{ "auth-provider": { name: "oidc", config: {} } }, "auth-provider"],
    [{ username: "a", password: "b" }, "password"],
    [{}, "none"],
  ] as const) {
    const text = kubeconfigText(user, { ...CLUSTER, "certificate-authority": "ca.crt" });
    assert.equal(checkKubeconfig(text, path, undefined), undefined, kind);
    assert.equal(parseKubeconfig(text, path, undefined).kind, kind);
  }
});

test("the context named in the configuration wins over current-context", async () => {
  const text = await readFile(await server.kubeconfig(), "utf8");
  const two = JSON.parse(text) as { contexts: object[]; clusters: object[] };
  two.contexts.push({ name: "d", context: { cluster: "l", user: "u" } });
  two.clusters.push({ name: "l", cluster: { server: "https://[2001:db8::1]:6443/clusters/l/" } });
  const parsed = parseKubeconfig(JSON.stringify(two), PATH, "d");
  assert.equal(parsed.server.hostname, "[2001:db8::1]");
  assert.equal(parsed.server.pathname, "/clusters/l/");
});

test("a part of the file that the context does not use may be broken", () => {
  const text = JSON.parse(kubeconfigText({ token: "t" }, CLUSTER)) as { users: object[]; clusters: unknown[] };
  text.users.push({ name: "old", user: { "token-file": "/nowhere/token", tokenFile: 7 } });
  text.clusters.push({ name: "old" }, null);
  assert.equal(checkKubeconfig(JSON.stringify(text), PATH, undefined), undefined);
});
