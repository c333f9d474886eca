/**
 * Who gets in, and who may do what.
 */
import assert from "node:assert/strict";
import type { User } from "../api-under-test.ts";
import { at } from "../simulator/json.ts";
import { WireClient } from "../wire-client.ts";
import type { Case } from "./behaviour.ts";
import { EVENTS, LEASES, MERGE, SERVICES, SLICES } from "./table.ts";

/** What each user is answered; 404 and 422 mean: allowed, and then something else was wrong. */
const RIGHTS: readonly (readonly [method: string, path: string, bmlb: number, nobody: number])[] = [
  ["GET", "/version", 200, 200],
  ["GET", "/readyz", 200, 200],
  ["GET", "/api/v1/services", 200, 403],
  ["GET", "/api/v1/nodes", 200, 403],
  ["GET", "/api/v1/namespaces", 200, 403],
  ["GET", "/api/v1/namespaces/bmlb-system", 200, 403],
  ["GET", "/apis/discovery.k8s.io/v1/endpointslices", 200, 403],
  ["GET", `${SERVICES}/kubernetes`, 200, 403],
  ["POST", SERVICES, 403, 403],
  ["PATCH", `${SERVICES}/kubernetes`, 403, 403],
  ["DELETE", `${SERVICES}/kubernetes`, 403, 403],
  ["GET", `${SERVICES}/kubernetes/status`, 403, 403],
  ["PATCH", `${SERVICES}/kubernetes/status`, 200, 403],
  ["PATCH", "/api/v1/nodes/none", 403, 403],
  ["DELETE", "/api/v1/namespaces/bmlb-system", 403, 403],
  ["POST", SLICES, 403, 403],
  ["POST", EVENTS, 422, 403],
  ["GET", EVENTS, 403, 403],
  ["POST", "/api/v1/namespaces/default/events", 403, 403],
  ["GET", LEASES, 200, 403],
  ["GET", `${LEASES}/none`, 404, 403],
  ["POST", LEASES, 422, 403],
  ["PATCH", `${LEASES}/none`, 404, 403],
  ["DELETE", `${LEASES}/none`, 404, 403],
  ["GET", "/apis/coordination.k8s.io/v1/leases", 403, 403],
  ["GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases", 403, 403],
  ["GET", "/api/v1/namespaces/bmlb-system/secrets/bmlb-fleet", 404, 403],
  ["GET", "/api/v1/namespaces/bmlb-system/secrets/other", 403, 403],
  ["GET", "/api/v1/namespaces/bmlb-system/secrets", 403, 403],
  ["GET", "/api/v1/namespaces/default/secrets/bmlb-fleet", 403, 403],
  ["GET", "/nonsense", 403, 403],
];

export const ACCESS: readonly Case[] = [
  {
    that: "a request without credentials, or with a token that nobody has, is 401",
    run: async ({ api }) => {
      for (const credentials of [{}, { token: "nobody-has-this" }]) {
        const client = new WireClient(api, credentials);
        const { status, body } = await client.ask("GET", "/api/v1/services");
        client.close();
        assert.deepEqual([status, at(body, "reason")], [401, "Unauthorized"]);
      }
    },
  },
  ...(["certificate", "token", "token-file"] as const).map((form): Case => ({
    that: `a user is known by ${form}`,
    run: async ({ api }) => {
      for (const [user, status] of [["bmlb", 200], ["nobody", 403], ["admin", 200]] as const) {
        const client = await WireClient.as(api, user, form);
        const answer = await client.ask("GET", "/api/v1/nodes");
        client.close();
        assert.equal(answer.status, status, user);
      }
    },
  })),
  ...(["bmlb", "nobody"] as const).map((user): Case => ({
    that: `${user} may do what its roles grant, and nothing else`,
    run: async ({ api }) => {
      const client = await WireClient.as(api, user, "token");
      const answers = await Promise.all(RIGHTS.map(async ([method, path, ...expected]) => {
        const [body, type] = method === "PATCH" ? [{}, MERGE] : method === "POST" ? [{}, "application/json"] : [undefined, undefined];
        const { status } = await client.ask(method, path, body, type);
        return { request: `${method} ${path}`, status, expected: expected[column(user)] };
      }));
      client.close();
      for (const { request, status, expected } of answers) assert.equal(status, expected, request);
    },
  })),
];

function column(user: Exclude<User, "admin">): 0 | 1 {
  return user === "bmlb" ? 0 : 1;
}
