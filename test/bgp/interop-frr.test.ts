/** The speaker against a real FRR: the suite, and sessions between link-local addresses, which its configuration has a form of its own for. */
import assert from "node:assert/strict";
import { address } from "../../src/net/index.ts";
import { eventually, labTest } from "../lab/index.ts";
import { FRR } from "./interop/frr.ts";
import { interopSuite } from "./interop/suite.ts";
import { RemoteSpeaker } from "./remote-speaker.ts";
import { connectionsIn } from "./strict/connections.ts";
import { judge } from "./strict/judge.ts";

interopSuite(FRR);

labTest("FRR and a session between link-local addresses: both families have next hops, and come when the view is complete", async (lab) => {
  const lan = await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: { ipv4: "10.7.0.1", ipv6: "fd07::1" } });
  const router = await lab.router("router", { lan: { ipv4: "10.7.0.254", ipv6: "fd07::fe" } });
  const capture = await lab.capture(lan, "tcp port 179");
  const [ours, theirs] = [linkLocal(host.link("lan").mac), linkLocal(router.link("lan").mac)];
  const frr = await lab.frr(router, {
    asn: 64501,
    routerId: "10.7.0.254",
    neighbors: [{ address: ours, asn: 64500, families: ["ipv4", "ipv6"], settings: ["interface eth0"] }],
  });
  const speaker = await RemoteSpeaker.start(host, "10.7.0.1");
  const wanted = { peers: [{ address: address(theirs), zone: "eth0" }], vips: ["10.9.9.9", "fd09::9"] };
  const hops = async (prefix: string): Promise<string[]> => (await frr.paths(prefix)).flatMap(({ nextHops }) => nextHops);
  speaker.apply({ ...wanted, complete: false });
  await speaker.established();
  assert.deepEqual([await hops("10.9.9.9/32"), await hops("fd09::9/128")], [[], []]);
  speaker.apply({ ...wanted, complete: true });
  await eventually("all are there", 5000, async () => {
    assert.deepEqual([await hops("10.9.9.9/32"), await hops("fd09::9/128")], [["10.7.0.1"], ["fd07::1"]]);
    return true;
  });
  assert.equal((await speaker.peer()).families.ipv6.nextHop, `fd07::1 ${ours}`);
  const { frames } = capture;
  const verdicts = connectionsIn(frames, (one) => one === ours).map((connection) => judge(connection, frames.at(-1)?.at ?? 0));
  assert.deepEqual(verdicts.flatMap(({ complaints }) => complaints), []);
  assert.equal(verdicts.reduce((sum, { counts }) => sum + counts.announced, 0), 2);
});

/** The address that the kernel makes of a MAC (RFC 4291 appendix A). */
function linkLocal(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(":").map((octet) => Number.parseInt(octet, 16));
  const groups = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return address(`fe80::${groups.map((group) => group.toString(16)).join(":")}`);
}
