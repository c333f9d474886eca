/** Which AS we are toward whom, and which one a router may be: asn, local_asn, "internal" and "external". */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BgpPeer } from "../../src/bgp/index.ts";
import type { Ipv4 } from "../../src/net/index.ts";
import { ROUTER, Router } from "./router.ts";
import { ATTRIBUTES, PEER, World } from "./world.ts";

const SEQUENCE = (...asns: readonly number[]) => [{ type: "sequence", asns }];

test("several local ASNs at once: each router sees its own, in OPEN, capability and path, and the real one nowhere", () => {
  const w = new World();
  const peers = [64512, 64513, 4_200_000_001].map((localAsn, i) => {
    const router = new Router(w.world, w.network, { ...ROUTER, address: `10.7.0.${i + 10}` as Ipv4, identifier: `10.7.0.${i + 10}` as Ipv4 });
    router.listen();
    return { router, config: { ...PEER, name: `tor-${i}`, address: `10.7.0.${i + 10}` as Ipv4, localAsn } };
  });
  w.apply({ peers: peers.map(({ config }) => config), vips: ["10.9.9.9", "fd09::9"], attributes: { ...ATTRIBUTES, prepend: 2 } });
  w.advance(100);
  for (const { router, config } of peers) {
    const { open, table } = router.last;
    assert.equal(open?.asn, config.localAsn);
    assert.deepEqual(open.capabilities.find(({ name }) => name === "four-octet-as"), { name: "four-octet-as", asn: config.localAsn });
    for (const prefix of ["10.9.9.9/32", "fd09::9/128"]) assert.deepEqual(table.get(prefix)?.asPath, SEQUENCE(config.localAsn, config.localAsn, config.localAsn));
    assert.equal(w.peer(config.name).localAsn, config.localAsn);
  }
});

test("prepending counts the AS that the router knows, without it once", () => {
  for (const [prepend, times] of [[0, 1], [1, 2], [10, 11]] as const) {
    const w = new World();
    w.establish({ peers: [{ ...PEER, localAsn: 64512 }], vips: ["10.9.9.9"], attributes: { ...ATTRIBUTES, prepend } });
    assert.deepEqual(w.router.last.table.get("10.9.9.9/32")?.asPath, SEQUENCE(...Array<number>(times).fill(64512)));
  }
});

// The router is in AS 64501.
for (const [what, peer, outcome] of [
  ["the AS that is configured", { asn: 64501 }, "external"],
  ["another AS than is configured", { asn: 64999 }, /^warning refused peer tor-1: it says that it is AS 64501, not 64999; correct asn of the peer/],
  ["any AS where it is external", { asn: "external" }, "external"],
  ["our AS where it is external", { asn: "external", localAsn: 64501 }, /^warning refused peer tor-1: it says that it is AS 64501, not one other than 64501;/],
  ["our AS where it is internal", { asn: "internal", localAsn: 64501 }, "internal"],
  ["another AS where it is internal", { asn: "internal" }, /^warning refused peer tor-1: it says that it is AS 64501, not 64500 as an internal peer;/],
  ["our AS by its number", { asn: 64501, localAsn: 64501 }, "internal"],
  ["the AS that we are in toward others, where a local AS hides it", { asn: 64501, localAsn: 64512 }, "external"],
] as const) {
  test(`a router of ${what} is ${typeof outcome === "string" ? outcome : "refused with 2/2"}`, () => {
    const w = new World();
    w.establish({ peers: [{ ...PEER, ...(peer satisfies Partial<BgpPeer>) }], vips: ["10.9.9.9"], attributes: { ...ATTRIBUTES, localPref: 250 } });
    const { log, table } = w.router.last;
    if (typeof outcome !== "string") {
      assert.equal(log.at(-1), "NOTIFICATION 2/2");
      assert.equal(w.said(outcome).length, 1, w.lines.join("\n"));
      return;
    }
    assert.equal(w.peer().negotiated?.internal, outcome === "internal");
    const { asPath, localPref } = table.get("10.9.9.9/32") ?? {};
    assert.deepEqual([asPath, localPref], outcome === "internal" ? [[], 250] : [SEQUENCE(w.peer().localAsn), undefined]);
  });
}

test("an external router that is AS_TRANS, which nobody is, is refused", () => {
  const w = new World();
  w.router.behave = (connection) => { w.router.sendOpen(connection, { asn: 23456, capabilities: [] }); };
  w.establish({ peers: [{ ...PEER, asn: "external" }] });
  assert.equal(w.router.last.log.at(-1), "NOTIFICATION 2/2");
});
