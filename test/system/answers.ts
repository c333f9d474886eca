/** Who answers for an address, heard on the wire: what the tests of the whole daemon ask most. */
import { type Capture, eventually, type Fleet, type Member } from "../lab/index.ts";

const QUESTIONS = 5;

/** All hosts that answer an ARP request or Neighbor Solicitation for an address, over a few questions. */
export async function answerers(fleet: Fleet, capture: Capture, address: string): Promise<readonly string[]> {
  const from = capture.frames.length;
  for (let i = 0; i < QUESTIONS; i++) {
    await fleet.client.host.execToEnd(["ip", "neigh", "flush", "to", address]);
    await fleet.client.host.execToEnd(["ping", "-c", "1", "-W", "0.3", address]);
  }
  const macs = new Set<string>();
  for (const { source, payload } of capture.frames.slice(from)) {
    if (payload.type === "arp" && payload.operation === 2 && payload.senderAddress === address) macs.add(payload.senderMac);
    if (payload.type === "advertisement" && payload.target === address) macs.add(payload.linkLayerAddress ?? source);
  }
  return [...macs].map((mac) => fleet.members.find(({ host }) => host.link(fleet.lan).mac === mac)?.name ?? mac).sort();
}

/** Waits until exactly one host answers, and returns it. */
export async function soleAnswerer(fleet: Fleet, capture: Capture, address: string, withinMs = 15_000): Promise<Member> {
  return await eventually(`exactly one host answers for ${address}`, withinMs, async () => {
    const names = await answerers(fleet, capture, address);
    const [name] = names;
    if (names.length === 1 && name !== undefined) return fleet.member(name);
    throw new Error(names.length === 0 ? "nobody answers" : `${names.join(" and ")} answer`);
  });
}
