/** The fleet's key, from the Secret to the wire. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { eventually, Fleet, labTest, type Member } from "../lab/index.ts";

const UNBELIEVED = /is not signed|is signed with another key/;

labTest("a host that has the fleet's key on its disk says no hello that the others would not believe", async (lab) => {
  const fleet = await Fleet.start(lab, ["worker-1", "worker-2"]);
  const key = Buffer.from("a-secret-of-the-fleet").toString("base64");
  const { status } = await fleet.api.request("POST", "/api/v1/namespaces/bmlb-system/secrets", { metadata: { name: "bmlb-fleet" }, data: { key } });
  assert.equal(status, 201);
  // At its start a host looks at once.
  for (const { name } of fleet.members) await startAgain(fleet, name);
  for (const { host, name } of fleet.members) await eventually(`${name} has the key on its disk`, 15_000, () => existsSync(host.path("state", "fleet.key")));
  // Who finds it there at its start believes nothing else from then on.
  await startAgain(fleet, "worker-1");
  const [witness] = fleet.members as readonly [Member, Member];
  const from = witness.daemon.log().length;
  await startAgain(fleet, "worker-2");
  await witness.daemon.waitForLog(/hears worker-2|worker-2 has restarted/, 10_000, from);
  const lines = fleet.members.flatMap(({ daemon }) => daemon.log().map(({ text }) => text));
  assert.deepEqual(lines.filter((line) => UNBELIEVED.test(line)), []);
}, { timeoutMs: 120_000 });

async function startAgain(fleet: Fleet, name: string): Promise<void> {
  await fleet.member(name).daemon.stop();
  await (await fleet.restart(name)).daemon.ready();
}
