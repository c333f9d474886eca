import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, afterEach, before, test } from "node:test";
import { Client, Contact, Credentials, Trouble } from "../../src/kube/index.ts";
import type { Json } from "../../src/kube/raw.ts";
import { ResourceWatch, type Sink } from "../../src/kube/watch.ts";
import { type Clock, systemRandom } from "../../src/time/index.ts";
import { MemoryLog, type Respond, TinyServer, fastClock, json, until } from "./tiny-server.ts";

let server: TinyServer;
const running: { readonly watch: ResourceWatch; readonly client: Client }[] = [];
before(async () => {
  server = await TinyServer.start();
});
afterEach(async () => {
  for (const { watch, client } of running.splice(0)) {
    await watch.stop();
    client.stop();
  }
  server.requests.length = 0;
});
after(() => server.stop());

type Named = { readonly metadata: { readonly name: string } };

/** Remembers what exists, as a sink should. */
class Shelf implements Sink {
  readonly names = new Set<string>();
  readonly story: string[] = [];
  #missing = new Set<string>();
  get size(): number {
    return this.names.size;
  }
  put(object: Json): void {
    const { name } = (object as Named).metadata;
    this.names.add(name);
    this.#missing.delete(name);
  }
  gone(object: Json): void {
    this.names.delete((object as Named).metadata.name);
  }
  listing(): void {
    this.story.push("listing");
    this.#missing = new Set(this.names);
  }
  listed(): Promise<void> {
    this.story.push("listed");
    for (const name of this.#missing) this.names.delete(name);
    return Promise.resolve();
  }
  pass(): void {
    return;
  }
}

async function start(clock: Clock = fastClock(50)): Promise<{ sink: Shelf; watch: ResourceWatch; log: MemoryLog; contact: Contact }> {
  const log = new MemoryLog();
  const client = new Client(new Credentials(await server.kubeconfig(), undefined, clock, log), clock);
  const sink = new Shelf();
  const contact = new Contact(clock);
  const watch = new ResourceWatch({ api: client, resource: { name: "things", path: "/api/v1/things" }, sink, clock, random: systemRandom, trouble: new Trouble(log, clock), contact });
  running.push({ watch, client });
  watch.start();
  return { sink, watch, log, contact };
}

const thing = (name: string, version: number): object => ({ metadata: { name, resourceVersion: String(version) } });
const list = (version: number, names: readonly string[], rest = ""): object => ({ kind: "ThingList", metadata: { resourceVersion: String(version), continue: rest }, items: names.map((name) => thing(name, 1)) });
const isWatch = (url: string): boolean => url.includes("watch=1");

function stream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
}
function event(response: ServerResponse, type: string, object: object): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

test("a list comes in pages of 500, then a watch goes on from the list's version with bookmarks and a limit of four to five minutes", async () => {
  let open: ServerResponse | undefined;
  server.respond = (request, r) => {
    const url = request.url ?? "";
    if (isWatch(url)) stream((open = r));
    else if (url.includes("continue=next%2F2")) json(r, 200, list(10, ["c"]));
    else json(r, 200, list(10, ["a", "b"], "next/2"));
  };
  const { sink, watch } = await start();
  await until("it watches", () => watch.status().state === "watching");
  assert.deepEqual([...sink.names], ["a", "b", "c"]);
  const urls = server.requests.map((request) => new URL(request.url, "https://a"));
  assert.deepEqual(urls.slice(0, 2).map((url) => url.searchParams.get("limit")), ["500", "500"]);
  const query = urls[2]?.searchParams;
  assert.deepEqual([query?.get("resourceVersion"), query?.get("allowWatchBookmarks")], ["10", "true"]);
  const seconds = Number(query?.get("timeoutSeconds"));
  assert.ok(seconds >= 240 && seconds <= 300);
  assert.ok(open);
  event(open, "ADDED", thing("d", 11));
  event(open, "DELETED", thing("a", 12));
  event(open, "BOOKMARK", { metadata: { resourceVersion: "20" } });
  await until("the bookmark arrived", () => watch.status().resourceVersion === "20");
  assert.deepEqual([...sink.names], ["b", "c", "d"]);
});

test("a watch that the server ends in order goes on where it was, without a new list", async () => {
  let watches = 0;
  server.respond = (request, r) => {
    const url = request.url ?? "";
    if (!isWatch(url)) {
      json(r, 200, list(watches === 0 ? 10 : 15, []));
      return;
    }
    watches++;
    stream(r);
    event(r, "ADDED", thing(`n${watches}`, 10 + watches));
    if (watches < 3) r.end();
  };
  const { sink, watch } = await start();
  await until("the third watch runs", () => sink.names.has("n3"));
  assert.equal(watch.status().lists, 1);
  assert.deepEqual(server.requests.map((request) => new URL(request.url, "https://a").searchParams.get("resourceVersion")).filter((version) => version !== null), ["10", "11", "12"]);
});

test("what a relist leaves out is gone only when the whole list was read", async () => {
  let mode: "good" | "broken" | "short" = "good";
  let open: ServerResponse | undefined;
  server.respond = (request, r) => {
    const url = request.url ?? "";
    if (isWatch(url)) stream((open = r));
    else if (mode === "good") json(r, 200, list(10, ["a", "b", "c"]));
    else if (url.includes("continue")) {
      if (mode === "short") json(r, 200, list(20, ["d"]));
      else json(r, 500, {});
    } else json(r, 200, list(20, ["a"], "more"));
  };
  const { sink, watch } = await start();
  await until("it watches", () => watch.status().state === "watching");
  mode = "broken";
  open?.socket?.destroy();
  await until("three lists failed half-way", () => sink.story.filter((line) => line === "listing").length > 3);
  assert.deepEqual([...sink.names], ["a", "b", "c"]);
  mode = "short";
  await until("a list was complete", () => sink.story.filter((line) => line === "listed").length === 2);
  await until("it watches again", () => watch.status().state === "watching");
  assert.deepEqual([...sink.names], ["a", "d"]);
});

for (const [what, breakIt] of [
  ["410 as an ERROR event", (r) => { event(r, "ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" }); }],
  ["a reset", () => { server.sockets.forEach((socket) => socket.resetAndDestroy()); }],
  ["a cut without end", (r) => r.socket?.destroy()],
  ["garbage", (r) => r.write("hello\n")],
  ["an event of an unknown type", (r) => { event(r, "RENAMED", thing("x", 11)); }],
  ["an event without an object", (r) => r.write('{"type": "ADDED"}\n')],
  ["a line of nine megabytes", (r) => r.write(`${"x".repeat(9 << 20)}\n`)],
  ["a version that goes back", (r) => { event(r, "MODIFIED", thing("x", 9)); }],
] satisfies readonly (readonly [string, (response: ServerResponse) => unknown])[]) {
  test(`after ${what} everything is listed again`, async () => {
    const open: ServerResponse[] = [];
    let lists = 0;
    server.respond = (request, r) => {
      if (isWatch(request.url ?? "")) {
        stream(r);
        open.push(r);
      } else json(r, 200, list(10, [`list-${++lists}`]));
    };
    const { sink, watch } = await start();
    await until("it watches", () => open.length === 1);
    const [first] = open;
    assert.ok(first);
    breakIt(first);
    await until("it watches again", () => open.length === 2 && watch.status().state === "watching");
    assert.deepEqual([...sink.names], ["list-2"]);
    assert.equal(watch.status().problem, undefined);
  });
}

test("410 to the request itself is answered with a list as well", async () => {
  let lists = 0;
  server.respond = (request, r) => {
    if (!isWatch(request.url ?? "")) json(r, 200, list(10 + lists++, []));
    else if (lists === 1) json(r, 410, { kind: "Status", code: 410, reason: "Expired" });
    else stream(r);
  };
  const { watch } = await start();
  await until("it watches", () => watch.status().watches === 1);
  assert.equal(watch.status().lists, 2);
});

test("a watch that is silent for longer than bookmarks may take is broken off, and everything is listed again", async () => {
  let open = 0;
  server.respond = (request, r) => {
    if (isWatch(request.url ?? "")) {
      open++;
      stream(r);
    } else json(r, 200, list(10, []));
  };
  const clock = fastClock(400);
  const began = clock.now();
  const { watch } = await start(clock);
  await until("the second watch runs", () => open === 2);
  assert.ok(clock.now() - began > 130_000);
  assert.equal(watch.status().lists, 2);
});

test("a server restored from a backup is noticed before its watch is trusted", async () => {
  let version = 100;
  let watches = 0;
  server.respond = (request, r) => {
    if (!isWatch(request.url ?? "")) {
      json(r, 200, list(version, [`at-${version}`]));
      return;
    }
    watches++;
    stream(r);
    if (watches === 1) {
      version = 50;
      r.end();
    }
  };
  const { sink } = await start();
  await until("the second watch runs", () => watches === 2);
  assert.deepEqual([...sink.names], ["at-50"]);
  assert.match(server.requests.at(-1)?.url ?? "", /resourceVersion=50/);
});

test("a server that asks to wait is left alone for as long, and the watch goes on where it was", async () => {
  let watches = 0;
  server.respond = (request, r) => {
    if (!isWatch(request.url ?? "")) {
      json(r, 200, list(10, []));
      return;
    }
    watches++;
    if (watches === 1) json(r, 429, { kind: "Status", code: 429 }, { "retry-after": "60" });
    else stream(r);
  };
  const clock = fastClock(100);
  const { watch } = await start(clock);
  await until("it was refused", () => watches === 1);
  const refused = clock.now();
  await until("it watches", () => watch.status().state === "watching");
  assert.ok(clock.now() - refused >= 59_000);
  assert.equal(watch.status().lists, 1);
});

for (const status of [401, 403, 404, 500, 503]) {
  test(`a server that answers ${status} is asked again, for ever, ever more slowly, with one line in the journal and one at the end`, async () => {
    let good = false;
    server.respond = (request, r) => {
      if (!good) json(r, status, { kind: "Status", code: status, message: "no" });
      else if (isWatch(request.url ?? "")) stream(r);
      else json(r, 200, list(10, ["a"]));
    };
    const clock = fastClock(50);
    const { sink, watch, log } = await start(clock);
    await until("five attempts failed", () => watch.status().failures >= 5);
    assert.equal(watch.status().state, "waiting");
    assert.match(watch.status().problem ?? "", new RegExp(String(status)));
    assert.equal(watch.status().listed, false, "an empty list after a refusal is not known to be empty");
    assert.ok(server.requests.length < 9, `${server.requests.length} requests`);
    good = true;
    await until("it watches", () => watch.status().state === "watching");
    assert.deepEqual([...sink.names], ["a"]);
    assert.deepEqual(log.lines.map((line) => line.split(":")[0]), ["warning", "notice"], log.lines.join("\n"));
  });
}

test("a server that always closes the watch at once is not hammered", async () => {
  server.respond = (request, r) => {
    if (isWatch(request.url ?? "")) r.writeHead(200, { "content-type": "application/json" }).end();
    else json(r, 200, list(10, []));
  };
  const clock = fastClock(10);
  const began = clock.now();
  const { watch } = await start(clock);
  await until("ten seconds went by", () => clock.now() - began > 10_000);
  assert.ok(watch.status().watches < 10, `${watch.status().watches} watches`);
});

test("a list that holds something that is no object, or no version, is a failure and deletes nothing", async () => {
  let body = '{"metadata": {"resourceVersion": "10"}, "items": [{"metadata": {"name": "a"}}]}';
  let open: ServerResponse | undefined;
  server.respond = (request, r) => {
    if (isWatch(request.url ?? "")) stream((open = r));
    else r.writeHead(200, { "content-type": "application/json" }).end(body);
  };
  const { sink, watch } = await start();
  await until("it watches", () => open !== undefined);
  for (const bad of ['{"metadata": {}, "items": []}', '{"items": []}', "[]", "7", '{"metadata": {"resourceVersion": "10"}, "items": [{"a": nonsense}]}', '{"metadata": {"resourceVersion": "11"}, "items": [']) {
    body = bad;
    const { failures } = watch.status();
    open?.socket?.destroy();
    await until(`${bad} failed`, () => watch.status().failures > failures + 1);
    assert.deepEqual([...sink.names], ["a"]);
  }
});

test("all who wait hear of the end of an outage from the first who finds it", async () => {
  let good = false;
  server.respond = (request, r) => {
    if (!good) json(r, 503, {});
    else if (isWatch(request.url ?? "")) stream(r);
    else json(r, 200, list(10, []));
  };
  const clock = fastClock(4);
  const { watch, contact } = await start(clock);
  await until("the fourth attempt failed", () => watch.status().failures === 4 && watch.status().state === "waiting");
  good = true;
  const told = clock.now();
  contact.made();
  await until("it watches", () => watch.status().state === "watching");
  // By itself it would have waited for at least 0.75 * 2 s.
  assert.ok(clock.now() - told < 1_400);
});

test("a relist can be asked for at any time", async () => {
  server.respond = (request, r) => {
    if (isWatch(request.url ?? "")) stream(r);
    else json(r, 200, list(10, []));
  };
  const { watch } = await start();
  await until("it watches", () => watch.status().state === "watching");
  const before = watch.listedAt ?? Number.NaN;
  watch.relist();
  await until("it was listed again", () => watch.status().lists === 2 && watch.status().state === "watching");
  assert.ok((watch.listedAt ?? 0) > before);
});

test("a relist that is asked for while a list runs, or a watch begins, follows at once", async () => {
  let during: (() => void) | undefined;
  let when: "list" | "watch" = "list";
  server.respond = (request, r) => {
    const begun = isWatch(request.url ?? "") ? "watch" : "list";
    if (begun === when) {
      during?.();
      during = undefined;
    }
    if (begun === "watch") stream(r);
    else json(r, 200, list(10, []));
  };
  const clock = fastClock(10);
  const { watch } = await start(clock);
  await until("it watches", () => watch.status().state === "watching");
  for (when of ["list", "watch"] as const) {
    const { lists } = watch.status();
    let asked = Number.NaN;
    during = () => {
      asked = clock.now();
      watch.relist();
    };
    if (when === "list") watch.relist();
    else server.sockets.forEach((socket) => socket.resetAndDestroy());
    await until(`a list was asked for after that, during a ${when}`, () => (watch.listedAt ?? 0) >= asked && watch.status().state === "watching");
    assert.ok(watch.status().lists >= lists + 2);
  }
});

test("a relist that fails is tried again soon, beside the watch", async () => {
  let good = true;
  server.respond = (request, r) => {
    if (isWatch(request.url ?? "")) stream(r);
    else if (good || (request.url ?? "").endsWith("limit=1")) json(r, 200, list(10, []));
    else json(r, 503, {});
  };
  const clock = fastClock(100);
  const { watch } = await start(clock);
  await until("it watches", () => watch.status().state === "watching");
  good = false;
  const asked = clock.now();
  watch.relist();
  await until("the list failed and it watches nevertheless", () => watch.status().watches === 2 && watch.status().state === "watching");
  good = true;
  await until("it was listed", () => (watch.listedAt ?? 0) >= asked);
  assert.ok(clock.now() - asked < 90_000, `${clock.now() - asked} ms`);
});

test("a watch that is stopped leaves nothing behind, wherever it stood", async () => {
  for (const respond of [
    () => undefined,
    (_, r) => { json(r, 500, {}); },
    (_, r) => { stream(r); },
    (request, r) => {
      if (isWatch(request.url ?? "")) stream(r);
      else json(r, 200, list(1, []));
    },
  ] satisfies Respond[]) {
    server.respond = respond;
    const { watch } = await start();
    const asked = server.requests.length;
    await until("it asked", () => server.requests.length > asked);
    await watch.stop();
    assert.equal(watch.status().state, "stopped");
  }
});
