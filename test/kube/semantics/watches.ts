/**
 * Watches, and lists in pages.
 */
import assert from "node:assert/strict";
import { asList, asText, at } from "../simulator/json.ts";
import { servicePath } from "../workloads.ts";
import { type Case, nameOf, pending, versionOf } from "./behaviour.ts";
import { MERGE } from "./table.ts";

const SERVICES = "/api/v1/namespaces/default/services";

const label = (app: string): object => ({ metadata: { labels: { app } } });

export const WATCHING: readonly Case[] = [
  {
    that: "a watch goes on after the resourceVersion of a list, with every change in order",
    run: async ({ client, workloads, name }) => {
      const from = versionOf((await client.ask("GET", SERVICES)).body);
      const created = versionOf(await workloads.createService({ name }));
      const changed = versionOf(await workloads.patchService({ name }, label("x")));
      const watch = await client.watch(`${SERVICES}?resourceVersion=${from}&fieldSelector=metadata.name%3D${name}`);
      await workloads.deleteService({ name });
      const seen = [await watch.next(), await watch.next(), await watch.next()].map(({ type, object }) => [type, nameOf(object), versionOf(object)] as const);
      watch.close();
      assert.deepEqual(seen.slice(0, 2), [["ADDED", name, created], ["MODIFIED", name, changed]]);
      assert.deepEqual(seen[2]?.slice(0, 2), ["DELETED", name]);
      assert.ok(Number(seen[2][2]) > Number(changed), "a deletion has a resourceVersion of its own");
    },
  },
  {
    that: "events carry kind and apiVersion, the items of a list do not",
    run: async ({ client, workloads, name }) => {
      await workloads.createService({ name });
      const watch = await client.watch(`${SERVICES}?fieldSelector=metadata.name%3D${name}`);
      const { object } = await watch.next();
      watch.close();
      assert.deepEqual([object["kind"], object["apiVersion"]], ["Service", "v1"]);
      const [item] = asList(at((await client.ask("GET", `${SERVICES}?fieldSelector=metadata.name%3D${name}`)).body, "items"));
      assert.deepEqual([at(item, "kind"), at(item, "apiVersion")], [undefined, undefined]);
    },
  },
  {
    that: "without a resourceVersion, and with 0, a watch begins with what there is",
    run: async ({ client, workloads, name }) => {
      await workloads.createService({ name });
      for (const query of ["", "&resourceVersion=0"]) {
        const watch = await client.watch(`${SERVICES}?fieldSelector=metadata.name%3D${name}${query}`);
        const { type, object } = await watch.next();
        watch.close();
        assert.deepEqual([type, nameOf(object)], ["ADDED", name]);
      }
    },
  },
  {
    that: "an object that ceases to be selected is deleted for the watch, with its last selected state, and added when it is selected again",
    run: async ({ client, workloads, name }) => {
      const from = versionOf(await workloads.createService({ name, labels: { app: name } }));
      const watch = await client.watch(`${SERVICES}?resourceVersion=${from}&labelSelector=app%3D${name}`);
      const left = versionOf(await workloads.patchService({ name }, label("other")));
      await workloads.patchService({ name }, label(name));
      const [gone, back] = [await watch.next(), await watch.next()];
      watch.close();
      assert.deepEqual([gone.type, versionOf(gone.object), asText(at(gone.object, "metadata", "labels", "app"))], ["DELETED", left, name]);
      assert.equal(back.type, "ADDED");
    },
  },
  {
    that: "a watch ends after timeoutSeconds, with a bookmark a little earlier if bookmarks are allowed",
    run: async ({ client }) => {
      const from = versionOf((await client.ask("GET", SERVICES)).body);
      const watch = await client.watch(`${SERVICES}?resourceVersion=${from}&allowWatchBookmarks=true&timeoutSeconds=3`);
      const { object } = await watch.next(["BOOKMARK"]);
      assert.ok(Number(versionOf(object)) >= Number(from), "a bookmark is not behind");
      assert.equal(await watch.over(), "ended");
    },
  },
  {
    that: "a watch without allowWatchBookmarks gets none",
    run: async ({ client, name }) => {
      const from = versionOf((await client.ask("GET", SERVICES)).body);
      const watch = await client.watch(`${SERVICES}?resourceVersion=${from}&fieldSelector=metadata.name%3D${name}&timeoutSeconds=3`);
      assert.equal(await watch.over(), "ended");
      assert.equal(watch.pending, 0);
    },
  },
  {
    that: "a watch from a resourceVersion that has not been reached is accepted and silent, and a list of it is 504",
    run: async ({ client, workloads, name }) => {
      const from = Number(versionOf((await client.ask("GET", SERVICES)).body)) + 10_000;
      const watch = await client.watch(`${SERVICES}?resourceVersion=${from}&allowWatchBookmarks=true`);
      await workloads.createService({ name });
      await pending(watch.next(), "a watch from the future");
      watch.close();
      const { status, headers, body } = await client.ask("GET", `${SERVICES}?resourceVersion=${from}`);
      assert.deepEqual([status, headers["retry-after"], at(body, "reason")], [504, "1", "Timeout"]);
    },
  },
  {
    that: "a watch with sendInitialEvents begins with what there is and says by a bookmark when that is complete",
    run: async ({ client, workloads, name }) => {
      await workloads.createService({ name });
      const watch = await client.watch(`${SERVICES}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
      const names: string[] = [];
      let event = await watch.next();
      for (; event.type === "ADDED"; event = await watch.next()) names.push(nameOf(event.object));
      watch.close();
      assert.ok(names.includes(name));
      assert.deepEqual([event.type, at(event.object, "metadata", "annotations", "k8s.io/initial-events-end")], ["BOOKMARK", "true"]);
    },
  },
  {
    that: "the pages of a list show one moment, whatever is written between them",
    run: async ({ client, workloads, name }) => {
      const names = ["a", "b", "c", "d", "e"].map((letter) => `${name}-${letter}`);
      for (const each of names) await workloads.createService({ name: each, labels: { paged: name } });
      const page = async (going: string): Promise<{ readonly names: readonly string[]; readonly version: string; readonly going: string }> => {
        const { body } = await client.ask("GET", `${SERVICES}?limit=2&labelSelector=paged%3D${name}${going === "" ? "" : `&continue=${encodeURIComponent(going)}`}`);
        return { names: asList(at(body, "items")).map(nameOf), version: versionOf(body), going: asText(at(body, "metadata", "continue")) };
      };
      const first = await page("");
      await workloads.createService({ name: `${name}-f`, labels: { paged: name } });
      await workloads.deleteService({ name: `${name}-d` });
      const second = await page(first.going);
      const third = await page(second.going);
      assert.deepEqual([...first.names, ...second.names, ...third.names], names);
      assert.deepEqual([second.version, third.version, third.going], [first.version, first.version, ""]);
    },
  },
  {
    that: "writing the same again leaves the resourceVersion as it is and wakes no watch",
    run: async ({ api, client, workloads, name }) => {
      const status = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } };
      await workloads.createService({ name });
      const write = (): Promise<{ readonly body: unknown }> => api.request("PATCH", `${servicePath({ name })}/status`, status, MERGE);
      const version = asText(at((await write()).body as never, "metadata", "resourceVersion"));
      const watch = await client.watch(`${SERVICES}?resourceVersion=${version}&fieldSelector=metadata.name%3D${name}`);
      assert.equal(asText(at((await write()).body as never, "metadata", "resourceVersion")), version);
      await pending(watch.next(), "a watch of what did not change");
      watch.close();
    },
  },
];

/** Breaks every connection to a real server. */
export const FORGETTING: readonly Case[] = [
  {
    that: "after the history was forgotten a watch from before gets 410 inside its stream, and a list cannot go on",
    run: async ({ api, client, workloads, name }) => {
      await workloads.createService({ name });
      const list = (await client.ask("GET", `${SERVICES}?limit=1`)).body;
      await workloads.deleteService({ name });
      await api.compact();
      const watch = await client.watch(`${SERVICES}?resourceVersion=${versionOf(list)}`);
      const { type, object } = await watch.next();
      assert.deepEqual([type, object["kind"], object["code"], object["reason"]], ["ERROR", "Status", 410, "Expired"]);
      assert.equal(await watch.over(), "ended");
      const rest = await client.ask("GET", `${SERVICES}?limit=1&continue=${encodeURIComponent(asText(at(list, "metadata", "continue")))}`);
      assert.deepEqual([rest.status, at(rest.body, "reason")], [410, "Expired"]);
      const inconsistent = asText(at(rest.body, "metadata", "continue"));
      assert.equal((await client.ask("GET", `${SERVICES}?continue=${encodeURIComponent(inconsistent)}`)).status, 200);
    },
  },
];
