/** The booted systems themselves: the other tests trust that a reboot is one, that a power cut is one, and that nothing is left of them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, labTest, whyNoBoot, whyNoLab, type Lab } from "../lab/index.ts";
import { directoryOf } from "../lab/namespace.ts";

for (const release of [12, 13] as const) {
  labTest(`Debian ${release} boots with nothing failed, on the segment, and as a machine of its own`, async (lab) => {
    const { near, far } = await twoHosts(lab);
    const system = await lab.boot(near, release);
    assert.equal(await system.sh("systemctl is-system-running"), "running\n");
    assert.match(await system.sh("cat /etc/debian_version"), new RegExp(`^${release}\\.`));
    assert.equal(await system.sh("hostname; cat /etc/machine-id"), `near\n${readFileSync(near.path("machine-id"), "utf8")}`);
    await system.sh("ip route get 10.7.0.2");
    assert.equal((await far.execToEnd(["ping", "-c", "1", "-W", "1", "10.7.0.1"])).status, 0);
    assert.deepEqual(await system.sh("sysctl -w net.ipv4.conf.eth0.arp_ignore=1"), "net.ipv4.conf.eth0.arp_ignore = 1\n");
  }, { skip: whyNoBoot() });

  labTest(`what was written on Debian ${release} is there after a reboot and after a power cut, what the kernel kept is not`, async (lab) => {
    const { near, far } = await twoHosts(lab);
    const system = await lab.boot(near, release);
    const reached = async (): Promise<boolean> => (await far.execToEnd(["ping", "-c", "1", "-W", "0.3", "10.7.0.1"])).status === 0;
    for (const outage of ["reboot", "power cut"] as const) {
      await system.sh(`echo '${outage}' >/root/note; ip route add unreachable 10.9.0.0/24; logger --tag test 'before the ${outage}'; journalctl --sync`);
      const boot = await system.sh("journalctl --list-boots --quiet | wc -l");
      if (outage === "reboot") await system.reboot();
      else {
        await system.powerCut();
        assert.equal(await reached(), false);
        await system.boot();
      }
      assert.equal(await system.sh("cat /root/note"), `${outage}\n`);
      assert.equal(await system.sh("ip route show 10.9.0.0/24"), "");
      assert.equal(Number(await system.sh("journalctl --list-boots --quiet | wc -l")), Number(boot) + 1);
      assert.match(await system.journal("--identifier=test", "--output=cat"), new RegExp(`before the ${outage}`));
      assert.ok(await reached());
    }
  }, { skip: whyNoBoot() });
}

test("of a booted system whose test was killed nothing is left: no process, no mount, no control group, no file", { skip: whyNoLab() ?? whyNoBoot() ?? false }, async () => {
  const program = `
    import { Lab } from ${JSON.stringify(join(import.meta.dirname, "..", "lab", "index.ts"))};
    const lab = await Lab.create("crash");
    await lab.segment("lan", { ipv4: "10.7.0.0/24" });
    await lab.boot(await lab.host("one", { lan: { ipv4: "10.7.0.1" } }), 12);
    console.log(lab.id);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const id = await new Promise<string>((resolve) => child.stdout.once("data", (data: Buffer) => { resolve(String(data).trim()); }));
  assert.notDeepEqual(tracesOf(id), []);
  child.kill("SIGKILL");
  await eventually("nothing is left", 15_000, () => {
    assert.deepEqual(tracesOf(id), []);
    return true;
  });
});

async function twoHosts(lab: Lab) {
  await lab.segment("lan", { ipv4: "10.7.0.0/24" });
  return { near: await lab.host("near", { lan: { ipv4: "10.7.0.1" } }), far: await lab.host("far", { lan: { ipv4: "10.7.0.2" } }) };
}

/** Everything on the machine that has the lab's id in its name. */
function tracesOf(id: string): readonly string[] {
  const named = ["/run/netns", "/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"].flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []));
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(commandLine);
  return [...named, ...mounts, ...processes].filter((text) => text.includes(id)).concat(existsSync(directoryOf(id)) ? [directoryOf(id)] : []);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // it has just ended
  }
}
