/** ARP request → reply, by the kernel's time stamps at the client's end of the cable: bmlb for a VIP, beside the kernel of the same host for its own address. */
import { join } from "node:path";
import { eventually, Fleet, Lab, type Host, type LabProcess } from "../lab/index.ts";
import { plain, quantile, type Row } from "./figure.ts";
import { readPcap } from "./pcap.ts";

const QUESTIONS = 2000; // of each kind

export async function measureArp(): Promise<readonly Row[]> {
  await using lab = await Lab.create("bench arp");
  const fleet = await Fleet.start(lab, ["worker-1"]);
  const vip = await fleet.serve("arp");
  const { ipv4: own } = await fleet.owner(vip);

  const delays = await ask(fleet.client.host, [vip, own]);
  const ours = delays.get(vip) ?? [];
  const kernels = delays.get(own) ?? [];
  if (ours.length < QUESTIONS * 0.99 || kernels.length < QUESTIONS * 0.99) throw new Error(`of ${QUESTIONS} questions bmlb answered ${ours.length} and the kernel ${kernels.length}`);
  return [
    plain("ARP request → reply, bmlb, p50", quantile(ours, 0.5), "µs"),
    plain("ARP request → reply, bmlb, p99", quantile(ours, 0.99), "µs"),
    plain("ARP request → reply, the kernel, p50", quantile(kernels, 0.5), "µs"),
    plain("ARP request → reply, the kernel, p99", quantile(kernels, 0.99), "µs"),
  ];
}

/** Asks for each address in turn, one question per 2 ms, and returns the delays in µs. */
async function ask(client: Host, addresses: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const file = client.path("arp.pcap");
  const recorder = await client.spawn(["tcpdump", "-i", "eth0", "-Z", "root", "-U", "-n", "--immediate-mode", "--time-stamp-precision=nano", "-w", file, "arp"], { name: "recorder" });
  await recorder.waitForLine(/listening on/, 5000);
  const asker = await client.spawn([process.execPath, join(import.meta.dirname, "programs", "ask-arp.ts"), JSON.stringify({ interface: "eth0", addresses, questions: QUESTIONS })], { name: "asker" });
  await ended(asker);
  await recorder.stop();

  const delays = new Map<string, number[]>(addresses.map((address) => [address, []]));
  const asked = new Map<string, bigint>();
  for (const { at, frame } of readPcap(file)) {
    if (frame.payload.type !== "arp") continue;
    const { operation, senderAddress, targetAddress } = frame.payload;
    if (operation === 1) asked.set(targetAddress, at);
    const from = asked.get(senderAddress);
    if (operation !== 2 || from === undefined) continue;
    asked.delete(senderAddress);
    delays.get(senderAddress)?.push(Number(at - from) / 1000);
  }
  return delays;
}

async function ended(program: LabProcess): Promise<void> {
  await eventually(`${program.name} is done`, 60_000, () => program.exit !== undefined);
  if (program.exit?.status !== 0) throw new Error(`${program.name} failed:\n${program.lastLines()}`);
}
