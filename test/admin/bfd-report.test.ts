/** What is reported of BFD, and what is noted of a peer whose path it says is down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerFrom, type PeerReport, Reporter } from "../../src/admin/index.ts";
import type { BfdSessionStatus } from "../../src/bfd/index.ts";
import { bfdStatus, peerStatus, Sources } from "./sources.ts";

function reporterOf(sessions: readonly BfdSessionStatus[], problems: readonly string[] = []): Reporter {
  return new Reporter(new Sources({ bfd: () => ({ sessions, problems }), bgp: () => ({ routerId: "192.0.2.1" as never, peers: [peerStatus("tor"), peerStatus("spine")], listeners: [], aggregates: [] }) }).sources);
}

test("a session that is up is reported with all that was agreed", () => {
  const reporter = reporterOf([bfdStatus("tor", { zone: "eth0" })]);
  const answer = answerFrom(reporter, "/v1/bfd", new URLSearchParams());
  assert.deepEqual(answer, {
    report: {
      problems: [],
      sessions: [
        {
          peer: "tor",
          address: "198.51.100.1%eth0",
          local_address: "198.51.100.9",
          multihop: false,
          state: "up",
          since_seconds: 7,
          diagnostic: "control detection time expired",
          remote_state: "up",
          remote_diagnostic: "no diagnostic",
          local_discriminator: 0x1234,
          remote_discriminator: 0xdeadbeef,
          transmit_ms: 300,
          detection_ms: 900,
          echo_ms: null,
          packets: { sent: 10, received: 11, discarded: 1 },
          ups: 3,
          downs: 2,
          because: null,
        },
      ],
    },
  });
});

for (const [what, parts, because] of [
  ["has a problem of its own", { state: "down", problem: "this host has no interface eth9" }, "this host has no interface eth9"],
  ["went down for a reason", { state: "down", remoteState: "up" }, "control detection time expired"],
  ["has a reason of the peer's", { state: "down", diagnostic: undefined, remoteDiagnostic: "path down" }, "path down"],
  ["is about to come up", { state: "init", remoteState: "down", diagnostic: undefined, remoteDiagnostic: undefined }, "the peer has not answered yet"],
] as const satisfies readonly (readonly [string, Partial<BfdSessionStatus>, string])[]) {
  test(`a session that ${what} says why it is not up, to who asks for BFD, for the peer and for the status`, () => {
    const reporter = reporterOf([bfdStatus("tor", parts)]);
    assert.equal(reporter.bfd().sessions[0]?.because, because);
    const [tor, spine] = reporter.peers(undefined) as readonly PeerReport[];
    assert.deepEqual([tor?.notes, tor?.bfd?.state, spine?.notes, spine?.bfd], [[`BFD with tor is down: ${because}`], parts.state, [], null]);
    const status = reporter.status();
    assert.deepEqual([status.bfd, status.warnings], [{ configured: 1, up: 0 }, [`BFD with tor is down: ${because}`]]);
  });
}

test("what keeps all sessions from working is said once", () => {
  const problem = "another program on this host has UDP port 3784";
  const reporter = reporterOf([bfdStatus("tor", { state: "down", problem }), bfdStatus("spine", { state: "down", problem })], [problem]);
  assert.deepEqual(reporter.status().warnings, [problem]);
  assert.deepEqual(reporter.bfd().problems, [problem]);
});

test("a path that is up is no reason for a word", () => {
  const reporter = reporterOf([bfdStatus("tor")]);
  assert.deepEqual([reporter.status().bfd, reporter.status().warnings, (reporter.peers("tor") as readonly PeerReport[])[0]?.notes], [{ configured: 1, up: 1 }, [], []]);
});
