/**
 * Sends ARP requests for each of some addresses in turn, one per 2 ms, and ends.
 * Usage: ask-arp.ts '{"interface":"eth0","addresses":["10.7.0.240"],"questions":1000}'
 */
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

interface Sending {
  open(device: string, filter: string, kernelBuffer: number, frame: Buffer): string;
  send(frame: Buffer, octets: number): void;
  close(): void;
}

const { Cap } = createRequire(import.meta.url)("cap") as { readonly Cap: new () => Sending };
const options = JSON.parse(process.argv[2] ?? "{}") as { readonly interface: string; readonly addresses: readonly string[]; readonly questions: number };

const own = networkInterfaces()[options.interface]?.find(({ family }) => family === "IPv4")?.address;
if (own === undefined) throw new Error(`${options.interface} has no IPv4 address`);
const mac = Buffer.from(readFileSync(`/sys/class/net/${options.interface}/address`, "latin1").trim().replaceAll(":", ""), "hex");

const sending = new Cap();
sending.open(options.interface, "ether proto 0x88b5", 1 << 16, Buffer.alloc(2048)); // hears nothing
for (let i = 0; i < options.questions; i++) {
  for (const address of options.addresses) {
    const frame = request(address);
    sending.send(frame, frame.length);
    await delay(2);
  }
}
await delay(200); // the last answers
sending.close();

function request(target: string): Buffer {
  return Buffer.concat([
    Buffer.from("ffffffffffff", "hex"), mac, Buffer.from("0806" + "0001" + "0800" + "06" + "04" + "0001", "hex"),
    mac, octets(own ?? ""), Buffer.alloc(6), octets(target),
  ]);
}

function octets(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}
