/** Requests through the proxy of a kubeconfig: HTTP with and without TLS, SOCKS5; and what is said of one that does not let us through. */
import assert from "node:assert/strict";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer, connect, type AddressInfo, type Socket } from "node:net";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Call, Client, Credentials } from "../../src/kube/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { systemClock } from "../../src/time/index.ts";
import { base64, json, TinyServer } from "./tiny-server.ts";

const CALL: Call = { method: "GET", path: "/api/v1/services", what: "list services", timeoutMs: 5_000 };
const SECRET = "hunter2";

let server: TinyServer;
const toClose: (() => void)[] = [];
before(async () => {
  server = await TinyServer.start(["127.0.0.1", "::1", "api.example"]);
  server.respond = (_, response) => { json(response, 200, {}); };
});
after(() => server.stop());
afterEach(() => {
  for (const close of toClose.splice(0)) close();
  server.requests.length = 0;
});

/** Every connection leads to `server`, wherever it is meant to go. */
class HttpProxy {
  readonly asked: { readonly target: string; readonly authorization: string | undefined }[] = [];
  answer = "HTTP/1.1 200 Connection established\r\n\r\n";
  readonly port: Promise<number>;

  constructor(proxy: Server, address: string) {
    const sockets = new Set<Socket>();
    proxy.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => undefined)));
    proxy.on("connect", (request, socket: Socket) => {
      this.asked.push({ target: request.url ?? "", authorization: request.headers["proxy-authorization"] });
      socket.on("error", () => undefined);
      if (!this.answer.startsWith("HTTP/1.1 200")) {
        socket.end(this.answer);
        return;
      }
      const up = connect(server.port, "127.0.0.1", () => {
        socket.write(this.answer);
        up.pipe(socket).pipe(up);
      }).on("error", () => undefined);
      sockets.add(up);
    });
    this.port = new Promise((resolve) => proxy.listen(0, address, () => { resolve((proxy.address() as AddressInfo).port); }));
    toClose.push(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
  }
}

async function clientThrough(proxy: string, cluster: object = {}, user: object = { token: "t" }, clock = systemClock): Promise<Client> {
  const client = new Client(new Credentials(await server.kubeconfig(user, { ...cluster, "proxy-url": proxy }), undefined, clock, silentLog), clock);
  toClose.push(() => { client.stop(); });
  return client;
}

test("requests go through an HTTP proxy, and share its connections", async () => {
  const proxy = new HttpProxy(createHttpServer(), "127.0.0.1");
  const client = await clientThrough(`http://127.0.0.1:${await proxy.port}`);
  for (let i = 0; i < 3; i++) assert.ok((await client.request(CALL)).ok);
  assert.deepEqual(proxy.asked, [{ target: `127.0.0.1:${server.port}`, authorization: undefined }]);
});

test("an HTTP proxy is told who we are, and that without a word in a sentence", async () => {
  const proxy = new HttpProxy(createHttpServer(), "127.0.0.1");
  const url = `http://jane:${SECRET}%40@127.0.0.1:${await proxy.port}`;
  assert.ok((await (await clientThrough(url)).request(CALL)).ok);
  assert.equal(proxy.asked[0]?.authorization, `Basic ${base64(`jane:${SECRET}@`)}`);
  proxy.answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
  const refused = await (await clientThrough(url)).request(CALL);
  assert.ok(!refused.ok && refused.failure.kind === "unreachable");
  assert.match(refused.failure.sentence, /the proxy http:\/\/127\.0\.0\.1:\d+ does not connect us to 127\.0\.0\.1:\d+: it answers 407 Proxy Authentication Required; write the user name/);
  assert.doesNotMatch(refused.failure.sentence, new RegExp(SECRET));
});

test("IPv6 addresses are in brackets for the proxy, and the proxy itself may be at one", async () => {
  const proxy = new HttpProxy(createHttpServer(), "::1");
  const client = await clientThrough(`http://[::1]:${await proxy.port}`, { server: `https://[::1]:${server.port}` });
  const answer = await client.request(CALL);
  assert.ok(answer.ok, answer.ok ? "" : answer.failure.sentence);
  assert.equal(proxy.asked[0]?.target, `[::1]:${server.port}`);
});

test("a proxy with TLS is trusted by the CA of the kubeconfig, and no other", async () => {
  const stranger = await TinyServer.start(["127.0.0.1"]);
  for (const [authority, trusted] of [[server.authority, true], [stranger.authority, false]] as const) {
    const keys = await authority.server(["127.0.0.1"]);
    const proxy = new HttpProxy(createHttpsServer({ key: keys.key, cert: keys.certificate }), "127.0.0.1");
    const answer = await (await clientThrough(`https://127.0.0.1:${await proxy.port}`)).request(CALL);
    assert.equal(answer.ok, trusted, answer.ok ? "" : answer.failure.sentence);
    if (!answer.ok) assert.match(answer.failure.sentence, /the proxy https:\/\/127\.0\.0\.1:\d+ does not connect us/);
  }
  await stranger.stop();
});

for (const [name, shown] of [["localhost", "localhost"], ["127.0.0.1", false]] as const) {
  test(`a proxy with TLS at ${name} is judged by that name, whatever the server's is`, async () => {
    const keys = await server.authority.server([name]);
    const listener = createHttpsServer({ key: keys.key, cert: keys.certificate });
    const names: unknown[] = [];
    listener.on("secureConnection", ({ servername }: { readonly servername?: unknown }) => names.push(servername));
    const proxy = new HttpProxy(listener, "127.0.0.1");
    const answer = await (await clientThrough(`https://${name}:${await proxy.port}`, { server: "https://api.example:6443" })).request(CALL);
    assert.ok(answer.ok, answer.ok ? "" : answer.failure.sentence);
    assert.deepEqual(names, [shown]);
    assert.deepEqual(proxy.asked.map(({ target }) => target), ["api.example:6443"]);
  });
}

test("the server behind a proxy is judged as ever, and shown the client certificate that is in force", async () => {
  const proxy = new HttpProxy(createHttpServer(), "127.0.0.1");
  const url = `http://127.0.0.1:${await proxy.port}`;
  const wrong = await (await clientThrough(url, { server: "https://other.example:6443" })).request(CALL);
  assert.ok(!wrong.ok && wrong.failure.kind === "tls", wrong.ok ? "" : wrong.failure.sentence);
  const names: unknown[] = [];
  server.respond = (request, response) => {
    names.push((request.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate().subject.CN);
    json(response, 200, {});
  };
  const named = async (name: string): Promise<object> => {
    const { certificate, key } = await server.authority.client(name, []);
    return { "client-certificate-data": base64(certificate), "client-key-data": base64(key) };
  };
  let skipped = 0;
  const client = await clientThrough(url, { server: "https://api.example:6443" }, await named("one"), { ...systemClock, now: () => systemClock.now() + skipped });
  assert.ok((await client.request(CALL)).ok);
  await server.kubeconfig(await named("two"), { server: "https://api.example:6443", "proxy-url": url });
  skipped = 1000;
  assert.ok((await client.request(CALL)).ok);
  assert.deepEqual(names, ["one", "two"]);
  assert.deepEqual(proxy.asked.map(({ target }) => target), ["other.example:6443", "api.example:6443", "api.example:6443"]);
});

for (const [what, answer, words] of [
  ["refuses", "HTTP/1.1 403 Forbidden\r\n\r\n", /it answers 403 Forbidden/],
  ["hangs up", "", /socket hang up/],
  ["is no proxy", "SSH-2.0-OpenSSH_9.2\r\n", /Parse Error/],
] as const) {
  test(`a proxy that ${what} is a failure that names it`, async () => {
    const proxy = new HttpProxy(createHttpServer(), "127.0.0.1");
    proxy.answer = answer;
    const refused = await (await clientThrough(`http://127.0.0.1:${await proxy.port}`)).request(CALL);
    assert.ok(!refused.ok && refused.failure.kind === "unreachable", refused.ok ? "" : refused.failure.sentence);
    assert.match(refused.failure.sentence, words);
    assert.match(refused.failure.sentence, /the proxy http:\/\/127/);
  });
}

test("a proxy where nobody listens is a failure that names it, and one that says nothing costs the deadline", async () => {
  const nobody = await (await clientThrough("http://127.0.0.1:1")).request(CALL);
  assert.ok(!nobody.ok);
  assert.match(nobody.failure.sentence, /the proxy http:\/\/127\.0\.0\.1:1 does not connect us to .*ECONNREFUSED/);
  const silent = createTcpServer((socket) => { toClose.push(() => { socket.destroy(); }); });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  toClose.push(() => { silent.close(); });
  for (const scheme of ["http", "socks5"]) {
    const answer = await (await clientThrough(`${scheme}://127.0.0.1:${(silent.address() as AddressInfo).port}`)).request({ ...CALL, timeoutMs: 200 });
    assert.ok(!answer.ok && answer.failure.kind === "timeout");
  }
});

/** RFC 1928 and 1929, for a CONNECT by name with user name and password. */
function socksProxy(asked: string[]): Promise<number> {
  const proxy = createTcpServer((socket) => {
    toClose.push(() => { socket.destroy(); });
    socket.on("error", () => undefined);
    const steps: ((bytes: Buffer) => void)[] = [
      () => socket.write(Buffer.of(5, 2)),
      (bytes) => {
        const user = bytes.subarray(2, 2 + (bytes[1] ?? 0));
        asked.push(`${String(user)}:${String(bytes.subarray(3 + user.length))}`);
        socket.write(Buffer.of(1, 0));
      },
      (bytes) => {
        asked.push(`${bytes[3] === 3 ? "name" : "address"} ${String(bytes.subarray(5, 5 + (bytes[4] ?? 0)))} ${bytes.readUInt16BE(bytes.length - 2)}`);
        const up = connect(server.port, "127.0.0.1", () => {
          socket.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
          up.pipe(socket).pipe(up);
        });
        toClose.push(() => { up.destroy(); });
      },
    ];
    socket.on("data", (bytes: Buffer) => steps.shift()?.(bytes));
  });
  toClose.push(() => { proxy.close(); });
  return new Promise((resolve) => proxy.listen(0, "127.0.0.1", () => { resolve((proxy.address() as AddressInfo).port); }));
}

for (const scheme of ["socks5", "socks5h"]) {
  test(`a ${scheme} proxy looks up the server's name, and a watch through it may be quiet for longer than connecting may take`, async () => {
    const asked: string[] = [];
    const client = await clientThrough(`${scheme}://jane:${SECRET}@127.0.0.1:${await socksProxy(asked)}`, { server: "https://api.example:6443" });
    server.respond = (_, response) => { response.writeHead(200, { "content-type": "application/json" }).flushHeaders(); };
    const opened = await client.open(CALL);
    assert.ok(opened.ok, opened.ok ? "" : opened.failure.sentence);
    assert.deepEqual(asked, [`jane:${SECRET}`, "name api.example 6443"]);
    await sleep(scheme === "socks5" ? 11_000 : 100); // the time that connecting may take, and a little
    assert.equal(opened.response.destroyed, false);
    opened.response.destroy();
  });
}
