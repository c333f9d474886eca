import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, readFile, unlink, writeFile } from "node:fs/promises";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createHttpServer } from "node:http";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Client, Credentials } from "../../src/kube/index.ts";
import type { Call } from "../../src/kube/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { systemClock } from "../../src/time/index.ts";
import { MemoryLog, type Respond, TinyServer, base64, fastClock, json, until } from "./tiny-server.ts";

let server: TinyServer;
const clients: Client[] = [];
before(async () => {
  server = await TinyServer.start();
});
after(() => server.stop());
afterEach(() => {
  for (const client of clients.splice(0)) client.stop();
  server.requests.length = 0;
});

async function clientFor(user?: object, cluster?: object, log = silentLog, clock = systemClock): Promise<Client> {
  const client = new Client(new Credentials(await server.kubeconfig(user, cluster), undefined, clock, log), clock);
  clients.push(client);
  return client;
}

const CALL: Call = { method: "GET", path: "/api/v1/services", what: "list services", timeoutMs: 5_000 };
const STATUS = { kind: "Status", apiVersion: "v1", status: "Failure" };

for (const [what, respond, kind, sentence] of [
  ["401", (_, r) => { json(r, 401, { ...STATUS, code: 401, reason: "Unauthorized", message: "Unauthorized" }); }, "status", /refused our credentials \(401 Unauthorized\): check the token in .*kubeconfig/],
  ["403", (_, r) => { json(r, 403, { ...STATUS, code: 403, reason: "Forbidden", message: 'services is forbidden: User "u" cannot list' }); }, "status", /does not allow us to list services \(403\): services is forbidden.*`bmlb rbac` prints the rights/],
  ["503 from a proxy, in HTML", (_, r) => r.writeHead(503, { "content-type": "text/html" }).end("<html>no server</html>"), "status", /is in trouble \(list services: 503\)/],
  ["a login page", (_, r) => r.writeHead(200, { "content-type": "text/html" }).end("<html><title>Log in</title>"), "garbage", /is no API server: asked to list services it sent text\/html, beginning with "<html><title>Log in/],
  ["HTML that calls itself JSON", (_, r) => r.writeHead(200, { "content-type": "application/json" }).end("<html>"), "garbage", /no API server/],
  ["JSON cut off", (_, r) => r.writeHead(200, { "content-type": "application/json" }).end('{"items": ['), "garbage", /no API server/],
  ["nothing", (_, r) => r.writeHead(200).end(), "garbage", /no content type/],
  ["a redirect", (_, r) => r.writeHead(302, { location: "https://login.example/" }).end(), "garbage", /redirects us to https:\/\/login\.example\/ \(302\)/],
  ["a connection closed without an answer", (_, r) => r.socket?.destroy(), "reset", /connection to the API server .* broke/],
  ["a body cut off", (_, r) => { r.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write("{"); setTimeout(() => r.socket?.destroy(), 20); }, "reset", /broke/],
  ["something that is not HTTP", (_, r) => r.socket?.end("SSH-2.0-OpenSSH_9.2\r\n\r\n"), "garbage", /does not speak HTTP/],
  ["endless headers", (_, r) => r.socket?.end(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}\r\n\r\n`), "garbage", /does not speak HTTP/],
  ["a switch of protocols", (_, r) => r.socket?.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "garbage", /no API server/],
  ["an endless body", (_, r) => { r.writeHead(200, { "content-type": "application/json" }); const more = (): void => { if (!r.destroyed) r.write("x".repeat(1 << 20), more); }; more(); }, "garbage", /sends more than/],
] satisfies readonly (readonly [string, Respond, string, RegExp])[]) {
  test(`an answer with ${what} becomes a failure with a sentence`, async () => {
    server.respond = respond;
    const answer = await (await clientFor()).request(CALL);
    assert.ok(!answer.ok);
    assert.equal(answer.failure.kind, kind, answer.failure.sentence);
    assert.match(answer.failure.sentence, sentence);
  });
}

test("a 429 says how long to wait, as seconds or as a date", async () => {
  const client = await clientFor();
  for (const [header, least, most] of [["7", 7000, 7000], [new Date(Date.now() + 20_000).toUTCString(), 17_000, 21_000], ["-3", 0, 0], ["999999", 300_000, 300_000]] as const) {
    server.respond = (_, r) => { json(r, 429, STATUS, { "retry-after": header }); };
    const answer = await client.request(CALL);
    assert.ok(!answer.ok && answer.failure.kind === "status");
    if (header === "-3") assert.equal(answer.failure.retryAfterMs ?? 0, 0);
    else assert.ok(answer.failure.retryAfterMs !== undefined && answer.failure.retryAfterMs >= least && answer.failure.retryAfterMs <= most, header);
  }
});

test("a server that hangs costs the deadline and no more, before, in and after the headers", async () => {
  const client = await clientFor();
  for (const respond of [
    () => undefined,
    (_, r) => { r.writeHead(200, { "content-type": "application/json" }).flushHeaders(); },
    (_, r) => { r.writeHead(200, { "content-type": "application/json" }).write('{"a": '); },
  ] satisfies Respond[]) {
    server.respond = respond;
    const began = performance.now();
    const answer = await client.request({ ...CALL, timeoutMs: 150 });
    assert.ok(!answer.ok);
    assert.equal(answer.failure.kind, "timeout");
    assert.match(answer.failure.sentence, /does not answer \(to list services, within 0\.15 s\)/);
    assert.ok(performance.now() - began < 3_000);
  }
});

test("a host that accepts connections and never speaks TLS costs the deadline", async () => {
  const held: Socket[] = [];
  const mute = createTcpServer((socket) => held.push(socket.on("error", () => undefined)));
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const client = await clientFor(undefined, { server: `https://127.0.0.1:${(mute.address() as AddressInfo).port}` });
  const answer = await client.request({ ...CALL, timeoutMs: 150 });
  for (const socket of held) socket.destroy();
  mute.close();
  assert.ok(!answer.ok && answer.failure.kind === "timeout");
});

test("wrong servers are told apart", async () => {
  const free = await freePort();
  const plain = createHttpServer((_, r) => r.end());
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  for (const [cluster, kind, sentence] of [
    [{ server: `https://127.0.0.1:${free}` }, "unreachable", /nobody listens there \(connection refused\)/],
    [{ server: "https://nowhere.invalid:6443" }, "unreachable", /its name is unknown to the DNS|the DNS does not answer/],
    [{ server: `https://localhost:${server.port}` }, "tls", /is for other names .*tls-server-name/],
    [{ "certificate-authority-data": undefined }, "tls", /is not signed by the CA in our kubeconfig/],
    [{ server: `https://127.0.0.1:${(plain.address() as AddressInfo).port}` }, "tls", /is it an https port/],
  ] as const) {
    const answer = await (await clientFor(undefined, cluster)).request(CALL);
    assert.ok(!answer.ok);
    assert.equal(answer.failure.kind, kind, answer.failure.sentence);
    assert.match(answer.failure.sentence, sentence);
  }
  plain.close();
});

test("the server's other name is accepted with tls-server-name, and any with insecure-skip-tls-verify", async () => {
  server.respond = (_, r) => { json(r, 200, { ok: true }); };
  for (const cluster of [{ server: `https://localhost:${server.port}`, "tls-server-name": "127.0.0.1" }, { "certificate-authority-data": undefined, "insecure-skip-tls-verify": true }]) {
    const answer = await (await clientFor(undefined, cluster)).request(CALL);
    assert.ok(answer.ok, answer.ok ? "" : answer.failure.sentence);
  }
});

test("a path in the server's URL comes before every request's", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  await (await clientFor(undefined, { server: `${server.url}/k8s/clusters/c-1/` })).request(CALL);
  assert.equal(server.requests[0]?.url, "/k8s/clusters/c-1/api/v1/services");
});

test("Leases have a connection of their own, and reads share theirs", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  const client = await clientFor();
  for (let i = 0; i < 3; i++) {
    await client.request(CALL);
    await client.request({ ...CALL, connection: "leases" });
  }
  const ports = server.requests.map((request) => request.port);
  assert.equal(new Set(ports.filter((_, i) => i % 2 === 0)).size, 1);
  assert.equal(new Set(ports.filter((_, i) => i % 2 === 1)).size, 1);
  assert.equal(new Set(ports).size, 2);
});

test("a Lease is renewed while every other request hangs", async () => {
  server.respond = (request, r) => {
    if (request.url === "/lease") json(r, 200, {});
  };
  const client = await clientFor();
  const stop = new AbortController();
  const hanging = Array.from({ length: 40 }, () => client.request({ ...CALL, signal: stop.signal }));
  const answer = await client.request({ ...CALL, path: "/lease", connection: "leases", timeoutMs: 3_000 });
  stop.abort();
  assert.ok(answer.ok);
  for (const other of await Promise.all(hanging)) assert.ok(!other.ok && other.failure.kind === "cancelled");
});

test("an idle connection that the server closed does not lose a request", async () => {
  const client = await clientFor();
  server.respond = (_, r) => { json(r, 200, {}); };
  assert.ok((await client.request(CALL)).ok);
  let first = true;
  server.respond = (_, r) => {
    // What a server does that closed the connection in the moment when the request came.
    if (first) r.socket?.destroy();
    else json(r, 200, {});
    first = false;
  };
  assert.ok((await client.request(CALL)).ok);
});

test("a request whose guard says no in the last moment is not sent", async () => {
  const answer = await (await clientFor()).request({ ...CALL, guard: () => false });
  assert.ok(!answer.ok && answer.failure.kind === "withheld");
  assert.equal(server.requests.length, 0);
});

test("a client certificate is shown to the server", async () => {
  const pair = await server.authority.client("bmlb", ["g"]);
  let name: unknown;
  server.respond = (request, r) => {
    name = (request.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate().subject.CN;
    json(r, 200, {});
  };
  const client = await clientFor({ "client-certificate-data": base64(pair.certificate), "client-key-data": base64(pair.key) });
  assert.ok((await client.request(CALL)).ok);
  assert.equal(name, "bmlb");
  assert.ok((client.status().certificateEnds ?? 0) > Date.now());
});

test("a token file is read for every request, without its newline", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  const path = join(server.folder, "rotating");
  const client = await clientFor({ tokenFile: path });
  for (const token of ["one", "two"]) {
    await writeFile(path, `${token}\n`);
    assert.ok((await client.request(CALL)).ok);
  }
  assert.deepEqual(server.requests.map((request) => request.headers.authorization), ["Bearer one", "Bearer two"]);
  await writeFile(path, "\n");
  const empty = await client.request(CALL);
  assert.ok(!empty.ok && empty.failure.kind === "credentials");
  await unlink(path);
  const missing = await client.request(CALL);
  assert.ok(!missing.ok && missing.failure.kind === "credentials");
  assert.match(missing.failure.sentence, /cannot read the token file/);
});

async function plugIn(script: string): Promise<string> {
  const path = join(server.folder, "plug-in");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

test("a credential plug-in is asked once, by the file's relative path, with the information that v1 plug-ins insist on", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  const log = join(server.folder, "plug-in.log");
  await plugIn(`echo "$A $KUBERNETES_EXEC_INFO" >> ${log}; echo '{"kind": "ExecCredential", "status": {"token": "from-'$1'"}}'`);
  const client = await clientFor({ exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./plug-in", args: ["plug"], env: [{ name: "A", value: "b" }], provideClusterInfo: true } });
  await Promise.all([client.request(CALL), client.request(CALL), client.request(CALL)]);
  await client.request(CALL);
  assert.equal(server.requests.length, 4);
  for (const request of server.requests) assert.equal(request.headers.authorization, "Bearer from-plug");
  const calls = (await readFile(log, "utf8")).trim().split("\n");
  assert.equal(calls.length, 1);
  assert.match(calls[0] ?? "", /^b \{"apiVersion":"client.authentication.k8s.io\/v1","kind":"ExecCredential","spec":\{"interactive":false,"cluster":\{"server"/);
});

for (const [what, script] of [
  ["fails", "echo no network >&2; exit 3"],
  ["prints nothing", "exit 0"],
  ["prints a bare token, of which nothing is shown", "echo hunter2"],
  ["prints without end", "exec yes hunter2"],
  ["prints a credential of another kind", `echo '{"kind": "Status", "status": {"token": "hunter2"}}'`],
  ["prints a certificate without its key", `echo '{"status": {"token": "hunter2", "clientCertificateData": "x"}}'`],
  ["prints an expiry that is no time", `echo '{"status": {"token": "hunter2", "expirationTimestamp": "tomorrow"}}'`],
  ["prints null", "echo null"],
  ["prints no status", "echo '{}'"],
  ["prints a token with a line break inside", `printf '{"status": {"token": "a\\\\nb"}}'`],
  ["prints a key that is none", `echo '{"status": {"clientCertificateData": "x", "clientKeyData": "y"}}'`],
  ["kills itself", "kill -9 $$"],
] as const) {
  test(`a credential plug-in that ${what} is a failure, and is asked again`, async () => {
    server.respond = (_, r) => { json(r, 200, {}); };
    const client = await clientFor({ exec: { command: await plugIn(script) } });
    for (let i = 0; i < 2; i++) {
      const answer = await client.request(CALL);
      assert.ok(!answer.ok);
      assert.equal(answer.failure.kind, "credentials", answer.failure.sentence);
      assert.doesNotMatch(answer.failure.sentence, /hunter2|\n/);
    }
    assert.equal(server.requests.length, 0);
    if (what === "prints a key that is none" || what === "prints a token with a line break inside") return;
    await plugIn(`echo '{"status": {"token": "good"}}'`);
    assert.ok((await client.request(CALL)).ok);
  });
}

test("a credential plug-in that is not there is a failure with its name", async () => {
  const answer = await (await clientFor({ exec: { command: "/nowhere/plug-in" } })).request(CALL);
  assert.ok(!answer.ok && answer.failure.kind === "credentials");
  assert.match(answer.failure.sentence, /\/nowhere\/plug-in/);
});

test("a credential plug-in that cannot be started because no descriptor is left is a failure like another, and no more", () => {
  const at = (path: string): string => JSON.stringify(import.meta.resolve(path));
  const program = `
    import { openSync } from "node:fs";
    import { PlugIn } from ${at("../../src/kube/plugin.ts")};
    import { systemClock } from ${at("../../src/time/index.ts")};
    const plugIn = new PlugIn({ command: "/bin/true", args: [], env: {}, info: () => "" }, systemClock);
    try { for (;;) openSync("/dev/null"); } catch {}
    for (let i = 0; i < 2; i++) await plugIn.credential(undefined).catch((error) => { console.log(error.message); });
  `;
  const said = execFileSync("sh", ["-c", 'ulimit -n 64 && exec "$@"', "sh", process.execPath, "--input-type=module", "--eval", program], { encoding: "utf8", timeout: 15_000 });
  assert.deepEqual(said.trim().split("\n"), ["/bin/true cannot be run (EMFILE)", "/bin/true cannot be run (EMFILE)"]);
});

test("what a credential plug-in gave is used until it expires", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  const log = join(server.folder, "expiring.log");
  let wall = Date.UTC(2026, 0, 1, 12, 0, 0);
  const clock = { ...fastClock(100), wall: () => wall };
  const exec = { command: await plugIn(`echo x >> ${log}; echo '{"status": {"token": "'$(wc -l < ${log})'", "expirationTimestamp": "2026-01-01T12:10:00Z"}}'`) };
  const client = new Client(new Credentials(await server.kubeconfig({ exec }), undefined, clock, silentLog), clock);
  clients.push(client);
  await client.request({ ...CALL, timeoutMs: 100_000 });
  wall += 599_000;
  await client.request({ ...CALL, timeoutMs: 100_000 });
  wall += 1_000;
  await until("five seconds have passed for the client", async () => {
    await client.request({ ...CALL, timeoutMs: 100_000 });
    return server.requests.at(-1)?.headers.authorization === "Bearer 2";
  });
  assert.deepEqual(server.requests.slice(0, 2).map((request) => request.headers.authorization), ["Bearer 1", "Bearer 1"]);
});

test("a credential that has expired when it comes is not asked for again with every request", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  const log = join(server.folder, "expired.log");
  const client = await clientFor({ exec: { command: await plugIn(`echo x >> ${log}; echo '{"status": {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}}'`) } });
  for (let i = 0; i < 5; i++) assert.ok((await client.request(CALL)).ok);
  assert.equal(await readFile(log, "utf8"), "x\n");
});

test("a credential plug-in that hangs is killed with all that it started, and asked again", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  const pids = join(server.folder, "pids");
  const clock = fastClock(50);
  const exec = { command: await plugIn(`sleep 60 & echo $! > ${pids}; wait`) };
  const client = new Client(new Credentials(await server.kubeconfig({ exec }), undefined, clock, silentLog), clock);
  clients.push(client);
  const answer = await client.request({ ...CALL, timeoutMs: 60_000 });
  assert.ok(!answer.ok);
  assert.match(answer.failure.sentence, /the credential plug-in failed \(what .*plug-in gives\): it took longer than 20 s/);
  const pid = Number(await readFile(pids, "utf8"));
  await until("what it started is gone", () => readFile(`/proc/${pid}/stat`, "utf8").then((stat) => / Z /.test(stat), () => true));
  await plugIn(`echo '{"status": {"token": "good"}}'`);
  assert.ok((await client.request({ ...CALL, timeoutMs: 60_000 })).ok);
});

test("what a credential plug-in leaves behind with its output open is not waited for, and it has no input to wait for", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  const client = await clientFor({ exec: { command: await plugIn(`cat; sleep 5 & echo '{"status": {"token": "t"}}'`) } });
  const begun = performance.now();
  assert.ok((await client.request(CALL)).ok);
  assert.ok(performance.now() - begun < 3_000);
});

for (const key of ["tokenFile", "client-key", "certificate-authority"]) {
  test(`a pipe in place of a ${key} is a failure, and nobody waits for it`, async () => {
    server.respond = (_, r) => { json(r, 200, {}); };
    const pipe = join(server.folder, `${key}.pipe`);
    execFileSync("mkfifo", [pipe]);
    const pair = await server.authority.client("bmlb", []);
    const user = key === "tokenFile" ? { tokenFile: pipe } : key === "client-key" ? { "client-certificate-data": base64(pair.certificate), "client-key": pipe } : { token: "t" };
    const client = await clientFor(user, key === "certificate-authority" ? { [key]: pipe, [`${key}-data`]: undefined } : {});
    const answer = await client.request(CALL);
    assert.ok(!answer.ok && answer.failure.kind === "credentials");
    assert.match(answer.failure.sentence, /pipe is not a regular file/);
  });
}

test("a credential plug-in that hangs costs the deadline of the request", async () => {
  const client = await clientFor({ exec: { command: await plugIn("exec sleep 3") } });
  const answer = await client.request({ ...CALL, timeoutMs: 200 });
  assert.ok(!answer.ok && answer.failure.kind === "credentials");
  assert.match(answer.failure.sentence, /no credentials after 0\.2 s/);
});

test("a request that waits for a credential plug-in can be given up, and what hangs ends with its client", async () => {
  const pids = join(server.folder, "pids-of-hanging");
  const client = await clientFor({ exec: { command: await plugIn(`echo $$ > ${pids}; exec sleep 60`) } });
  const stop = new AbortController();
  const answer = client.request({ ...CALL, signal: stop.signal });
  await until("the plug-in runs", () => readFile(pids, "utf8").then((text) => text !== "", () => false));
  stop.abort();
  const given = await answer;
  assert.ok(!given.ok && given.failure.kind === "cancelled");
  client.stop();
  const pid = Number(await readFile(pids, "utf8"));
  await until("the plug-in is gone", () => readFile(`/proc/${pid}/stat`, "utf8").then((stat) => / Z /.test(stat), () => true));
});

test("for a request that was given up before it began no credential plug-in is run", async () => {
  const ran = join(server.folder, "ran");
  const client = await clientFor({ exec: { command: await plugIn(`touch ${ran}; echo '{"status": {"token": "good"}}'`) } });
  const given = await client.request({ ...CALL, signal: AbortSignal.abort() });
  assert.ok(!given.ok && given.failure.kind === "cancelled");
  assert.equal(existsSync(ran), false);
  assert.ok((await client.request(CALL)).ok);
  assert.equal(existsSync(ran), true);
});

test("after a 401 a credential plug-in is asked anew", async () => {
  let good = "one";
  server.respond = (request, r) => {
    json(r, request.headers.authorization === `Bearer ${good}` ? 200 : 401, STATUS);
  };
  const client = await clientFor({ exec: { command: await plugIn(`echo '{"status": {"token": "one"}}'`) } });
  assert.ok((await client.request(CALL)).ok);
  good = "two";
  await plugIn(`echo '{"status": {"token": "two"}}'`);
  assert.ok(!(await client.request(CALL)).ok);
  assert.ok((await client.request(CALL)).ok);
});

test("a kubeconfig that is replaced is used within a second, and a damaged one leaves the one before in force, with one warning", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  const log = new MemoryLog();
  let skipped = 0;
  const client = await clientFor({ token: "one" }, {}, log, { ...systemClock, now: () => systemClock.now() + skipped });
  await client.request(CALL);
  const path = await server.kubeconfig({ token: "another" });
  skipped += 1000;
  await client.request(CALL);
  await writeFile(path, "{{{{");
  skipped += 1000;
  await client.request(CALL);
  await client.request(CALL);
  assert.deepEqual(server.requests.map((request) => request.headers.authorization), ["Bearer one", "Bearer another", "Bearer another", "Bearer another"]);
  assert.equal(log.lines.length, 1);
  assert.match(log.lines[0] ?? "", /^warning: the kubeconfig changed and cannot be used; the one before stays in force/);
  assert.match(client.status().problem ?? "", /is not YAML/);
});

test("a kubeconfig that is replaced after the server refused it is used at once", async () => {
  server.respond = (request, r) => { json(r, request.headers.authorization === "Bearer new" ? 200 : 401, STATUS); };
  const client = await clientFor({ token: "old" });
  assert.ok(!(await client.request(CALL)).ok);
  await server.kubeconfig({ token: "new" });
  assert.ok((await client.request(CALL)).ok);
});

test("impersonation, groups included, is passed on", async () => {
  server.respond = (_, r) => { json(r, 200, {}); };
  await (await clientFor({ token: "t", as: "jane", "as-groups": ["a", "b"], "as-uid": "7", "as-user-extra": { "example.com/team": ["x"] } })).request(CALL);
  const headers = server.requests[0]?.headers;
  assert.deepEqual([headers?.["impersonate-user"], headers?.["impersonate-group"], headers?.["impersonate-uid"]], ["jane", "a, b", "7"]);
  assert.equal(headers?.["impersonate-extra-example.com%2fteam"], "x");
});

test("a response under way can be given up", async () => {
  server.respond = (_, r) => { r.writeHead(200, { "content-type": "application/json" }).flushHeaders(); };
  const client = await clientFor();
  const stop = new AbortController();
  const opened = await client.open({ ...CALL, signal: stop.signal });
  assert.ok(opened.ok);
  stop.abort();
  await until("the response is over", () => opened.response.destroyed);
});

test("the clock of a client is a parameter", async () => {
  server.respond = () => undefined;
  const clock = fastClock(100);
  const client = new Client(new Credentials(await server.kubeconfig(), undefined, clock, silentLog), clock);
  clients.push(client);
  const answer = await client.request({ ...CALL, timeoutMs: 30_000 });
  assert.ok(!answer.ok && answer.failure.kind === "timeout");
});

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
