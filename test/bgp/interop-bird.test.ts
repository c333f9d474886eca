/** The speaker against a real BIRD 2. */
import assert from "node:assert/strict";
import { address } from "../../src/net/index.ts";
import { type Bird, eventually, labTest, type Lab } from "../lab/index.ts";
import { RemoteSpeaker } from "./remote-speaker.ts";

const HOST = { ipv4: "10.7.0.1", ipv6: "fd07::1" };
const ROUTER = { ipv4: "10.7.0.254", ipv6: "fd07::fe" };
const VIPS = ["10.9.9.9", "10.9.9.10", "fd09::9"];

type Options = { readonly local?: string; readonly neighbor?: string; readonly settings?: string; readonly ipv4?: string };

async function setUp(lab: Lab, { local = `${ROUTER.ipv4} as 64501`, neighbor = `${HOST.ipv4} as 64500`, settings = "", ipv4 = "" }: Options = {}): Promise<{ bird: Bird; speaker: RemoteSpeaker }> {
  await lab.segment("lan", { ipv4: "10.7.0.0/24", ipv6: "fd07::/64" });
  const host = await lab.host("host", { lan: HOST });
  const router = await lab.router("router", { lan: ROUTER });
  const bird = await lab.bird(
    router,
    `log stderr all;
     router id 10.7.0.254;
     protocol device {}
     protocol bgp edge {
       local ${local}; neighbor ${neighbor}; connect retry time 1; error wait time 1, 2; connect delay time 1;
       ${settings}
       ipv4 { import all; export none; ${ipv4} };
       ipv6 { import all; export none; };
     }`,
  );
  return { bird, speaker: await RemoteSpeaker.start(host, "10.7.0.1") };
}

const peerAt = (text: string) => ({ address: address(text) });

for (const [what, options, peer] of [
  ["over IPv4", {}, peerAt(ROUTER.ipv4)],
  ["over IPv6", { local: `${ROUTER.ipv6} as 64501`, neighbor: `${HOST.ipv6} as 64500` }, peerAt(ROUTER.ipv6)],
  ["with a password and TTL security", { settings: 'password "secret"; ttl security on;' }, { ...peerAt(ROUTER.ipv4), password: "secret", ttlSecurity: true }],
  ["inside one AS", { neighbor: `${HOST.ipv4} as 64501` }, { ...peerAt(ROUTER.ipv4), localAsn: 64501, asn: "internal" as const }],
  ["without four-octet AS numbers", { settings: "enable as4 off;" }, peerAt(ROUTER.ipv4)],
  ["without capabilities at all", { settings: "capabilities off;" }, { ...peerAt(ROUTER.ipv4), families: ["ipv4"] as const }],
] as const) {
  labTest(`BIRD gets our routes ${what}, and loses what is withdrawn`, async (lab) => {
    const { bird, speaker } = await setUp(lab, options);
    const families: readonly string[] = "families" in peer ? peer.families : ["ipv4", "ipv6"];
    speaker.apply({ peers: [peer], vips: VIPS });
    await speaker.established();
    await eventually("the routes are there", 5000, async () => {
      assert.match(await bird.route("10.9.9.9/32"), /BGP\.next_hop: 10\.7\.0\.1/);
      if (families.includes("ipv6")) assert.match(await bird.route("fd09::9/128"), /BGP\.next_hop: fd07::1/);
      return true;
    });
    assert.match(await bird.route("10.9.9.9/32"), "asn" in peer ? /BGP\.local_pref: 100/ : /BGP\.as_path: 64500/);
    speaker.apply({ peers: [peer], vips: ["10.9.9.10"] });
    await eventually("it is gone", 5000, async () => !(await bird.birdc("show route")).includes("10.9.9.9/32"));
    assert.match(await bird.route("10.9.9.10/32"), /BGP\.next_hop: 10\.7\.0\.1/);
    await speaker.stop("bmlb says goodbye");
    await bird.process.waitForLine(/bmlb says goodbye/, 5000);
    assert.ok(!bird.process.lines.some(({ text }) => /malformed|invalid|error: [^C]/i.test(text)), bird.process.lastLines());
  });
}

labTest("BIRD with extended next hops gets IPv4 routes by IPv6, and loses what is withdrawn", async (lab) => {
  const { bird, speaker } = await setUp(lab, { local: `${ROUTER.ipv6} as 64501`, neighbor: `${HOST.ipv6} as 64500`, ipv4: "extended next hop on;" });
  speaker.apply({ peers: [peerAt(ROUTER.ipv6)], vips: VIPS });
  await speaker.established();
  await eventually("the routes are there", 5000, async () => {
    assert.match(await bird.route("10.9.9.9/32"), /via fd07::1 on .*BGP\.next_hop: fd07::1 fe80::/s);
    assert.match(await bird.route("fd09::9/128"), /BGP\.next_hop: fd07::1/);
    return true;
  });
  speaker.apply({ peers: [peerAt(ROUTER.ipv6)], vips: ["10.9.9.10"] });
  await eventually("it is gone", 5000, async () => !(await bird.birdc("show route")).includes("10.9.9.9/32"));
  assert.ok(!bird.process.lines.some(({ text }) => /malformed|invalid|error: [^C]/i.test(text)), bird.process.lastLines());
});

labTest("BIRD with another AS for us gives one line that says what to do", async (lab) => {
  const { speaker } = await setUp(lab, { neighbor: `${HOST.ipv4} as 64999` });
  speaker.apply({ peers: [peerAt(ROUTER.ipv4)], vips: VIPS });
  await speaker.says(/^<4>peer router refused our AS 64500: .* \(OPEN error, bad peer AS\) .*sent_by=peer code=2 subcode=2/);
});

labTest("BIRD that is disabled with a reason: the reason is in the last error", async (lab) => {
  const { bird, speaker } = await setUp(lab);
  speaker.apply({ peers: [peerAt(ROUTER.ipv4)], vips: VIPS });
  await speaker.established();
  await bird.birdc('disable edge "new line card"');
  await speaker.says(/^<4>peer router closed the session \(cease, administrative shutdown: "new line card"\)/);
  assert.match((await speaker.peer()).lastError?.text ?? "", /"new line card"/);
});

labTest("BIRD asks for a refresh, gets everything between BoRR and EoRR, and keeps what it had", async (lab) => {
  const { bird, speaker } = await setUp(lab);
  speaker.apply({ peers: [peerAt(ROUTER.ipv4)], vips: VIPS });
  await speaker.established();
  await eventually("the route is there", 5000, async () => (await bird.route("10.9.9.9/32")).includes("BGP.next_hop: 10.7.0.1"));
  const before = (await speaker.peer()).messages;
  await bird.birdc("reload in edge");
  await eventually("both families are enclosed", 5000, async () => (await speaker.peer()).messages.sent["ROUTE-REFRESH"] - before.sent["ROUTE-REFRESH"] === 4);
  assert.match(await bird.route("10.9.9.9/32"), /BGP\.next_hop: 10\.7\.0\.1/);
  assert.match(await bird.route("fd09::9/128"), /BGP\.next_hop: fd07::1/);
  const { state, establishments, messages } = await speaker.peer();
  assert.deepEqual([state, establishments, messages.received["ROUTE-REFRESH"] - before.received["ROUTE-REFRESH"]], ["Established", 1, 2]);
});

labTest("BIRD that is restarted has the routes again", async (lab) => {
  const { bird, speaker } = await setUp(lab);
  speaker.apply({ peers: [peerAt(ROUTER.ipv4)], vips: VIPS });
  await speaker.established();
  await bird.birdc("restart edge");
  await speaker.says(/^<4>peer router closed the session/);
  await speaker.established();
  await eventually("the route is there", 10_000, async () => (await bird.route("10.9.9.9/32")).includes("BGP.next_hop: 10.7.0.1"));
});
