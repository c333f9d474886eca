import assert from "node:assert/strict";
import { before, test } from "node:test";
import { addressesBeside } from "../../src/linux/index.ts";
import { address } from "../../src/net/index.ts";
import { enterNewNamespace, ip } from "./namespace.ts";

before(() => {
  enterNewNamespace();
  ip("addr add 192.0.2.255/32 dev lo");
  ip("addr add 2001:db8:ff::1/128 dev lo");
  ip("link add v0 type veth peer name v1");
  ip("addr add 192.0.2.1/24 dev v0");
  ip("addr add 2001:db8::1/64 dev v0 nodad");
  ip("link set v1 up");
  ip("link set v0 up");
});

test("the addresses beside one are those of its interface", () => {
  const { ipv4, ipv6 } = addressesBeside(address("2001:db8::1"), undefined);
  assert.deepEqual([ipv4, ipv6], ["192.0.2.1", "2001:db8::1"]);
});

test("a session from the loopback interface offers the address that others can reach there, never 127.0.0.1 or ::1", () => {
  assert.deepEqual(addressesBeside(address("2001:db8:ff::1"), undefined), { ipv4: "192.0.2.255", ipv6: "2001:db8:ff::1", linkLocal: undefined });
  ip("addr del 192.0.2.255/32 dev lo");
  assert.equal(addressesBeside(address("2001:db8:ff::1"), undefined).ipv4, undefined);
});

test("an address that is not here has none beside it", () => {
  assert.deepEqual(addressesBeside(address("192.0.2.77"), undefined), { ipv4: undefined, ipv6: undefined, linkLocal: undefined });
});
