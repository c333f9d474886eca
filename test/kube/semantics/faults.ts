/**
 * The faults, as a client sees them (api-under-test.ts says what each is).
 */
import assert from "node:assert/strict";
import { at } from "../simulator/json.ts";
import { WireClient } from "../wire-client.ts";
import { type Case, failure, nameOf, pending, versionOf } from "./behaviour.ts";

const SERVICES = "/api/v1/namespaces/default/services";
const SLOW_MS = 1_000;

export const FAULTS: readonly Case[] = [
  {
    that: "frozen, it answers nothing on old and new connections, and a running watch is silent; thawed, all goes on",
    run: async ({ api, client, workloads, name }) => {
      const watch = await client.watch(`${SERVICES}?resourceVersion=${versionOf((await client.ask("GET", SERVICES)).body)}`);
      const newcomer = await WireClient.as(api, "admin", "token");
      await api.fault("freeze");
      const [old, fresh, event] = [client.ask("GET", SERVICES), newcomer.ask("GET", SERVICES), watch.next()];
      await workloads.createService({ name });
      await Promise.all([pending(old, "an old connection"), pending(fresh, "a new connection"), pending(event, "a watch")]);
      await api.fault("none");
      assert.deepEqual([(await old).status, (await fresh).status, nameOf((await event).object)], [200, 200, name]);
      watch.close();
      newcomer.close();
    },
  },
  {
    that: "refusing, it lets nobody connect and has dropped everybody, and is there again at the same address afterwards",
    run: async ({ api, client }) => {
      const watch = await client.watch(SERVICES);
      await api.fault("refuse");
      assert.equal(await watch.over(), "broken");
      assert.equal(await failure(client.ask("GET", SERVICES)), "ECONNREFUSED");
      await api.fault("none");
      assert.equal((await client.ask("GET", SERVICES)).status, 200);
    },
  },
  {
    that: "resetting, it breaks every connection",
    run: async ({ api, client }) => {
      const watch = await client.watch(SERVICES);
      await api.fault("reset");
      assert.equal(await watch.over(), "broken");
      assert.equal(await failure(client.ask("GET", SERVICES)), "ECONNRESET");
      await api.fault("none");
      assert.equal((await client.ask("GET", SERVICES)).status, 200);
    },
  },
  {
    that: "slow, it answers late and in order",
    run: async ({ api, client, workloads, name }) => {
      const watch = await client.watch(`${SERVICES}?resourceVersion=${versionOf((await client.ask("GET", SERVICES)).body)}`);
      await api.fault("slow");
      const begun = performance.now();
      assert.equal((await client.ask("GET", SERVICES)).status, 200);
      assert.ok(performance.now() - begun >= SLOW_MS * 0.95, "an answer is late");
      const written = performance.now();
      await workloads.createService({ name });
      await workloads.deleteService({ name });
      assert.deepEqual([(await watch.next()).type, (await watch.next()).type], ["ADDED", "DELETED"]);
      assert.ok(performance.now() - written >= SLOW_MS * 0.95, "an event is late");
      watch.close();
    },
  },
  ...([[429, "TooManyRequests", "1"], [500, "InternalError", undefined], [503, "ServiceUnavailable", undefined]] as const).map(([fault, reason, retryAfter]): Case => ({
    that: `at ${fault} it refuses every new request by a Status, and running watches go on`,
    run: async ({ api, client, workloads, name }) => {
      const watch = await client.watch(`${SERVICES}?resourceVersion=${versionOf((await client.ask("GET", SERVICES)).body)}`);
      await api.fault(fault);
      const { status, headers, body } = await client.ask("GET", SERVICES);
      assert.deepEqual([status, headers["retry-after"], at(body, "kind"), at(body, "reason"), at(body, "code")], [fault, retryAfter, "Status", reason, fault]);
      assert.match(await failure(client.watch(SERVICES)), new RegExp(String(fault)));
      await workloads.createService({ name });
      assert.equal(nameOf((await watch.next()).object), name);
      watch.close();
      await api.fault("none");
      assert.equal((await client.ask("GET", SERVICES)).status, 200);
    },
  })),
  {
    that: "with silent watches it answers requests, and its watches neither say anything nor end, and what they missed is lost to them",
    run: async ({ api, client, workloads, name }) => {
      const from = versionOf((await client.ask("GET", SERVICES)).body);
      const watch = await client.watch(`${SERVICES}?resourceVersion=${from}`);
      await api.fault("silent-watch");
      const short = await client.watch(`${SERVICES}?resourceVersion=${from}&allowWatchBookmarks=true&timeoutSeconds=1`);
      await workloads.createService({ name: `${name}-lost` });
      assert.equal((await client.ask("GET", `${SERVICES}/${name}-lost`)).status, 200);
      await assert.rejects(short.over(2_000), /still open/);
      assert.deepEqual([watch.pending, short.pending], [0, 0]);
      await api.fault("none");
      await workloads.createService({ name: `${name}-seen` });
      assert.equal(nameOf((await watch.next()).object), `${name}-seen`);
      watch.close();
      short.close();
    },
  },
];
