/** From the start of the process to its first announcement on the wire, with what an earlier run left on disk: the API answering, and frozen. */
import { eventually, Fleet, Lab, now } from "../lab/index.ts";
import { atMost, median, type Row } from "./figure.ts";

const ROUNDS = 5;

export async function measureStart(): Promise<readonly Row[]> {
  await using lab = await Lab.create("bench start");
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const vip = await fleet.serve("start");
  await fleet.kept(fleet.member(), vip);
  const answering = await rounds(fleet, vip);
  await fleet.api.fault("freeze");
  const frozen = await rounds(fleet, vip);
  return [
    atMost("start → first announcement, warm cache, median", median(answering), "ms", 1000),
    atMost("the same with the API frozen", median(frozen), "ms", 1000),
  ];
}

async function rounds(fleet: Fleet, vip: string): Promise<readonly number[]> {
  const capture = await fleet.lab.capture(fleet.lan, "arp");
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const member = fleet.member();
    await eventually("the VIP is served", 15_000, async () => ((await fleet.vip(member, vip))?.answered_on.length ?? 0) > 0);
    await member.daemon.kill();
    const began = now();
    await fleet.restart(member.name);
    const claim = await capture.waitFor(`${vip} is announced`, 15_000, ({ at, payload }) => at > began && payload.type === "arp" && payload.senderAddress === vip && payload.targetAddress === vip);
    times.push(claim.at - began);
  }
  await capture.stop();
  return times;
}
