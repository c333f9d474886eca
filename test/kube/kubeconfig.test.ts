import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { checkKubeconfig } from "../../src/kube/index.ts";
import { localFiles } from "../../src/linux/index.ts";
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

/** All that is wrong, or hardly meant. */
function problems(text: string, path: string): readonly string[] {
  const { errors, warnings } = checkKubeconfig(text, path, undefined, localFiles);
  return [...errors.map(({ sentence }) => sentence), ...warnings.map((warning) => `warning: ${warning}`)];
}

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
  ["a context whose name is nearly right", '{"current-context": "prdo", "contexts": [{"name": "prod", "context": {}}]}', /has no context "prdo"; it has: prod; did you mean "prod"\?/],
  ["a comment alone", "# nothing", /is not a kubeconfig: it is empty/],
  ["a mapping that holds itself", "&a\nb: *a\n", /aliases make more than/],
  ["aliases that multiply", `a0: &a0 [${"x,".repeat(10)}]\n${Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]\n`).join("")}`, /aliases make more than/],
  ["a password in the server's URL", kubeconfigText({ token: "t" }, { server: "https://jane:hunter2@192.0.2.1" }), /server is "https:\/\/…@192\.0\.2\.1", with a user name/],
  ["a password in a URL that is wrong otherwise", kubeconfigText({ token: "t" }, { server: "http://jane:hunter2@192.0.2.1" }), /server is "http:\/\/…@192\.0\.2\.1": without TLS/],
  ["a query after the server", kubeconfigText({ token: "t" }, { server: "https://192.0.2.1/?token=hunter2" }), /nothing may follow the path/],
  ["a proxy with a password and no scheme", kubeconfigText({ token: "t" }, { ...CLUSTER, "proxy-url": "jane:hunter2@proxy:3128" }), /proxy-url is "…@proxy:3128"/],
  ["a proxy with a bare % in its password", kubeconfigText({ token: "t" }, { ...CLUSTER, "proxy-url": "http://jane:hunter2%@proxy:3128" }), /proxy-url is "http:\/\/…@proxy:3128": .*write %25/],
  ["insecure-skip-tls-verify in quotes", kubeconfigText({ token: "t" }, { ...CLUSTER, "insecure-skip-tls-verify": "true" }), /insecure-skip-tls-verify must be true or false/],
  ["a CA that is not to be used", kubeconfigText({ token: "t" }, { ...CLUSTER, "insecure-skip-tls-verify": true, "certificate-authority": "ca.crt" }), /insecure-skip-tls-verify contradicts certificate-authority/],
  ["a CA that is cut off", kubeconfigText({ token: "t" }, { ...CLUSTER, "certificate-authority-data": base64("-----BEGIN CERTIFICATE-----\nMIIB\n") }), /holds no PEM certificate/],
  ["a CA that is damaged", kubeconfigText({ token: "t" }, { ...CLUSTER, "certificate-authority-data": base64("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n") }), /a certificate that is damaged/],
  ["a CA that is a device", kubeconfigText({ token: "t" }, { ...CLUSTER, "certificate-authority": "/dev/zero" }), /cannot read \/dev\/zero: it is not a regular file/],
  ["a token file that is a directory", kubeconfigText({ tokenFile: "/tmp" }, CLUSTER), /tokenFile: cannot read \/tmp: it is a directory/],
  ["a token of two lines", kubeconfigText({ token: "a\nhunter2" }, CLUSTER), /characters that no token has/],
  ["a token of blanks", kubeconfigText({ token: "  " }, CLUSTER), /token is empty/],
  ["a plug-in that is not there", kubeconfigText({ exec: { command: "./plug-in" } }, CLUSTER), /exec\.command: \/nowhere\/plug-in does not exist/],
  ["a plug-in that is not in PATH", kubeconfigText({ exec: { command: "no-such-plug-in" } }, CLUSTER), /there is no program no-such-plug-in in .*; write its whole path/],
  ["a plug-in that is a directory", kubeconfigText({ exec: { command: "/tmp/" } }, CLUSTER), /is no program/],
  ["a plug-in that is no executable", kubeconfigText({ exec: { command: "/etc/passwd" } }, CLUSTER), /make it executable/],
  ["a plug-in that wants a terminal", kubeconfigText({ exec: { command: "x", interactiveMode: "Always" } }, CLUSTER), /a daemon has no terminal/],
  ["a plug-in of an old API", kubeconfigText({ exec: { command: "x", apiVersion: "client.authentication.k8s.io/v1alpha1" } }, CLUSTER), /exec\.apiVersion must be .*v1beta1, not "client\.authentication\.k8s\.io\/v1alpha1"/],
  ["exec arguments that are no list", kubeconfigText({ exec: { command: "x", args: "y" } }, CLUSTER), /exec\.args is not a list/],
  ["an exec environment of numbers", kubeconfigText({ exec: { command: "x", env: [{ name: "A", value: 1 }] } }, CLUSTER), /the value of "A" is not a string/],
  ["an exec argument with a NUL", kubeconfigText({ exec: { command: "x", args: ["a\0b"] } }, CLUSTER), /exec\.args has a NUL/],
  ["a password without a user name", kubeconfigText({ password: "hunter2" }, CLUSTER), /a password but no username/],
  ["groups of nobody", kubeconfigText({ token: "t", "as-groups": ["g"] }, CLUSTER), /but not as/],
  ["groups that are no list", kubeconfigText({ token: "t", as: "jane", "as-groups": "g" }, CLUSTER), /as-groups is not a list/],
  ["a header in the name to be impersonated", kubeconfigText({ token: "t", as: "a\r\nX: y" }, CLUSTER), /no header can carry/],
  ["an auth-provider that Kubernetes dropped", kubeconfigText({ "auth-provider": { name: "gcp", config: { "access-token": "hunter2" } } }, CLUSTER), /"gcp" is gone since Kubernetes 1\.26; write exec/],
  ["an auth-provider that nobody knows", kubeconfigText({ "auth-provider": { name: "ldap" } }, CLUSTER), /"ldap" is unknown/],
  ["an auth-provider without a name", kubeconfigText({ "auth-provider": {} }, CLUSTER), /auth-provider names no provider/],
  ["a proxy of an unknown kind", kubeconfigText({ token: "t" }, { ...CLUSTER, "proxy-url": "ftp://a" }), /proxy-url is "ftp:\/\/a"/],
] as const) {
  test(`a kubeconfig with ${what} is refused with a sentence that names the file`, () => {
    const [problem = "nothing wrong", ...others] = problems(text, PATH);
    assert.match(problem, expected);
    assert.deepEqual(others, []);
    assert.doesNotMatch(problem, /hunter2/);
    assert.ok(problem.startsWith(`${PATH}: `), problem);
    assert.doesNotMatch(problem, /\n/);
  });
}

test("a key that is not the certificate's is found before it is used", () => {
  const text = kubeconfigText({ "client-certificate-data": base64(pair.certificate), "client-key-data": base64(other.key) }, CLUSTER);
  assert.match(problems(text, PATH).join("\n"), /client certificate and key cannot be used/);
});

test("kubeconfigs of every kind are taken, with files relative to their own folder", async () => {
  await writeFile(join(server.folder, "client.crt"), pair.certificate);
  await writeFile(join(server.folder, "client.key"), pair.key, { mode: 0o600 });
  await writeFile(join(server.folder, "token"), "abc\n", { mode: 0o600 });
  await writeFile(join(server.folder, "plug-in"), "#!/bin/sh\n", { mode: 0o700 });
  const path = join(server.folder, "kubeconfig");
  for (const [user, kind] of [
    [{ "client-certificate": "client.crt", "client-key": "client.key" }, "certificate"],
    [{ "client-certificate-data": base64(pair.certificate), "client-key-data": base64(pair.key) }, "certificate"],
    [{ token: "abc" }, "token"],
    [{ tokenFile: "token" }, "token-file"],
    [{ token: "abc", tokenFile: "token" }, "token-file"],
    [{ exec: { command: "./plug-in", args: ["a"], env: [{ name: "A", value: "b" }] } }, "exec"],
    [{ exec: { command: "true" } }, "exec"],
    [{ "auth-provider": { name: "oidc", config: {} } }, "auth-provider"],
    [{ username: "a", password: "b" }, "password"],
  ] as const) {
    const text = kubeconfigText(user, { ...CLUSTER, "certificate-authority": "ca.crt" });
    assert.deepEqual(problems(text, path), [], kind);
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
  assert.deepEqual(problems(JSON.stringify(text), PATH), []);
});

test("a key or token beside the kubeconfig that everybody can read is refused, all of them at once", async () => {
  const folder = join(server.folder, "open");
  await mkdir(folder);
  await writeFile(join(folder, "client.crt"), pair.certificate);
  await writeFile(join(folder, "client.key"), pair.key);
  await writeFile(join(folder, "token"), "abc\n");
  for (const name of ["client.crt", "client.key", "token"]) await chmod(join(folder, name), 0o644);
  const text = kubeconfigText({ "client-certificate": "client.crt", "client-key": "client.key", tokenFile: "token" }, { ...CLUSTER, "certificate-authority": "ca.crt" });
  const said = problems(text, join(folder, "kubeconfig"));
  assert.equal(said.length, 3);
  assert.match(said[0] ?? "", /certificate-authority: cannot read .*ca\.crt: it does not exist/);
  assert.match(said[1] ?? "", /client-key: others can use ".*client\.key" \(mode 0644\), and it holds a secret; run: chmod 0640/);
  assert.match(said[2] ?? "", /tokenFile: others can use .*token/);
});

test("a user who cannot prove anything is a warning: some server may let in everybody", () => {
  const text = kubeconfigText({}, CLUSTER);
  assert.equal(parseKubeconfig(text, PATH, undefined).kind, "none");
  assert.match(problems(text, PATH).join("\n"), /^warning: \/nowhere\/kubeconfig: its user has neither certificate nor token[^\n]*$/);
});

for (const [what, year, words] of [
  ["has expired", 2100, /the client certificate has expired on .*Z, and the API server will refuse it: renew it \(this host's clock says 2100-/],
  ["is not valid yet", 2001, /the client certificate is not valid before .*Z \(this host's clock says 2001-/],
] as const) {
  test(`a client certificate that ${what} is a warning: without the API the daemon keeps alive what works, and a clock may be wrong`, (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: Date.UTC(year) });
    const text = kubeconfigText({ "client-certificate-data": base64(pair.certificate), "client-key-data": base64(pair.key) }, CLUSTER);
    const [warning = "", ...others] = problems(text, PATH);
    assert.match(warning, /^warning: \/nowhere\/kubeconfig: /);
    assert.match(warning, words);
    assert.deepEqual(others, []);
  });
}
