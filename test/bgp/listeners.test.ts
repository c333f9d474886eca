/** Which passwords the sockets that accept sessions know. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Listeners } from "../../src/bgp/listeners.ts";
import type { BgpPeer } from "../../src/bgp/index.ts";
import type { Tcp } from "../../src/linux/index.ts";
import { silentLog } from "../../src/log/index.ts";
import { address } from "../../src/net/index.ts";
import { VirtualClock, VirtualWorld } from "../../src/time/index.ts";
import { PEER } from "./world.ts";

const ENDPOINTS = [{ address: address("::"), port: 179 }];
const on = (zone: string, password: string | undefined): BgpPeer => ({ ...PEER, name: zone, address: address("fe80::1"), zone, password });

/** Listeners, and the keys as the kernel keeps them: by address alone. */
function rig(): { readonly listeners: Listeners; readonly keys: Map<string, string> } {
  const keys = new Map<string, string>();
  const tcp: Tcp = {
    dial: () => assert.fail("nothing is dialled"),
    listen: () => ({
      setPassword: (remote, password) => {
        if (password === undefined) keys.delete(remote.address);
        else keys.set(remote.address, password);
      },
      close: () => undefined,
    }),
  };
  const listeners = new Listeners({ tcp, clock: new VirtualClock(new VirtualWorld()), log: silentLog }, () => undefined);
  return { listeners, keys };
}

test("one address on two links: the key stays as long as one of the peers has one", () => {
  const { listeners, keys } = rig();
  listeners.apply(ENDPOINTS, [on("eth0", "one"), on("eth1", "one")]);
  assert.deepEqual([...keys], [["fe80::1", "one"]]);
  listeners.peers([on("eth1", "one")]);
  assert.deepEqual([...keys], [["fe80::1", "one"]]);
  listeners.peers([on("eth1", "two")]);
  assert.deepEqual([...keys], [["fe80::1", "two"]]);
  listeners.peers([on("eth1", undefined)]);
  assert.deepEqual([...keys], []);
});

test("a router that is found late, or elsewhere, has its key on the sockets that listen", () => {
  const { listeners, keys } = rig();
  listeners.apply(ENDPOINTS, []);
  listeners.peers([on("eth0", "one")]);
  assert.deepEqual([...keys], [["fe80::1", "one"]]);
  listeners.peers([{ ...on("eth0", "one"), address: address("fe80::2") }]);
  assert.deepEqual([...keys], [["fe80::2", "one"]]);
  listeners.stop();
});
