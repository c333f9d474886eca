import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { MulticastGroups } from "../../src/linux/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { type Ipv6, address } from "../../src/net/index.ts";
import { enterNewNamespace, eventually, ip } from "./namespace.ts";

const group = (n: number): Ipv6 => address(`ff02::1:ff${(n >> 16).toString(16).padStart(2, "0")}:${(n & 0xffff).toString(16)}`) as Ipv6;
const groups = new MulticastGroups(silentLog);

/** What the kernel says. */
function joined(name: string, wanted: Ipv6): boolean {
  return ip(`maddr show dev ${name}`)
    .split("\n")
    .some((line) => line.trim().split(" ").slice(0, 2).join(" ") === `inet6 ${wanted}`);
}

before(() => {
  enterNewNamespace();
  ip("link add v0 type veth peer name v1");
  ip("link set v0 up");
  ip("link set v1 up");
});

after(() => {
  groups.close();
});

test("a group is in the card's filter while somebody wants it", async () => {
  groups.join("v0", group(1));
  groups.join("v0", group(1));
  await eventually("it is joined", () => joined("v0", group(1)));
  assert.ok(ip("maddr show dev v0").includes("33:33:ff:00:00:01"));
  groups.leave("v0", group(1)); // one still wants it
  groups.join("v0", group(2));
  await eventually("another is joined", () => joined("v0", group(2)));
  assert.ok(joined("v0", group(1)));
  groups.leave("v0", group(1));
  await eventually("it is left", () => !joined("v0", group(1)));
  groups.leave("v0", group(1)); // once too often
  groups.leave("v0", group(2));
});

test("left and joined again at once, it stays", async () => {
  groups.join("v0", group(3));
  await eventually("it is joined", () => joined("v0", group(3)));
  groups.leave("v0", group(3));
  groups.join("v0", group(3));
  groups.join("v0", group(4));
  await eventually("all that is known", () => joined("v0", group(4)));
  assert.ok(joined("v0", group(3)));
  groups.leave("v0", group(3));
  groups.leave("v0", group(4));
  await eventually("both are left", () => !joined("v0", group(3)) && !joined("v0", group(4)));
});

test("it is joined on the interface that is meant, and there alone", async () => {
  groups.join("v1", group(5));
  await eventually("it is joined", () => joined("v1", group(5)));
  assert.ok(!joined("v0", group(5)));
  groups.leave("v1", group(5));
});

test("an interface that comes later, or comes again, is joined when it is there", async () => {
  groups.join("w0", group(6));
  for (let time = 0; time < 2; time++) {
    ip("link add w0 type veth peer name w1");
    ip("link set w0 up");
    groups.renew("w0");
    await eventually("the group is joined", () => joined("w0", group(6)));
    groups.renew("w0");
    await eventually("to renew what is there does no harm", () => joined("w0", group(6)));
    ip("link del w0");
  }
  groups.leave("w0", group(6));
  groups.renew("w0");
});

test("more groups are held than the kernel grants one socket, without stopping the event loop", async () => {
  const limit = Number(readFileSync("/proc/sys/net/core/optmem_max", "latin1"));
  const many = Math.min(4_000, Math.ceil(limit / 40));
  const held = (): number => [...ip("maddr show dev v0").matchAll(/inet6 ff02::1:ff/g)].length;
  for (let n = 0; n < many; n++) groups.join("v0", group(n));
  assert.ok(held() < 3, "the kernel is told in later turns");
  await eventually(`${many} are joined`, async () => {
    await setTimeout(200); // to count them takes longer than to join them
    return held() >= many;
  });
  for (let n = 0; n < many; n++) groups.leave("v0", group(n));
  await eventually("all are left", async () => {
    await setTimeout(200);
    return held() < 3;
  });
});

test("after closing nothing is left", async () => {
  groups.join("v0", group(9));
  await eventually("it is joined", () => joined("v0", group(9)));
  groups.join("v0", group(10));
  groups.close();
  await eventually("all are left", () => !joined("v0", group(9)));
  assert.ok(!joined("v0", group(10)));
});
