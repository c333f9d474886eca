/**
 * Set-ups that are wrong, one by one, and what the operator is told by `systemctl status` and the journal: the thing that is wrong, and what to
 * do about it. What makes the configuration unusable ends the start once; what may heal by itself does not keep the service from running.
 */
import assert from "node:assert/strict";
import { eventually, type BootedSystem } from "../lab/index.ts";
import { logOfThisStart, property, siteTest, status, type Site } from "./site.ts";

type Broken = {
  readonly what: string;
  readonly damage: (site: Site, system: BootedSystem) => Promise<void> | void;
  /** After the service was stopped; the configuration is mended anyhow. */
  readonly mend?: (site: Site, system: BootedSystem) => Promise<void> | void;
  /** Ends the start for good, or leaves a service that runs. */
  readonly leaves: "failed" | "active";
  /** What the journal says, as warning or worse. */
  readonly says: RegExp;
};

const edit = (from: string | RegExp, to: string) => (_site: Site, system: BootedSystem): void => {
  const before = system.read("/etc/bmlb/config.toml");
  const after = before.replace(from, to);
  assert.notEqual(after, before, "the test damages something");
  system.write("/etc/bmlb/config.toml", after, 0o644);
};

const editKubeconfig = (from: string | RegExp, to: string) => (_site: Site, system: BootedSystem): void => {
  const before = system.read("/etc/bmlb/kubeconfig");
  const after = before.replace(from, to);
  assert.notEqual(after, before, "the test damages something");
  system.write("/etc/bmlb/kubeconfig", after, 0o640);
};

const shell = (script: string) => async (_site: Site, system: BootedSystem): Promise<void> => {
  await system.sh(script);
};

/** A command that can be typed as it stands. */
const REMEDY = /"\/etc\/bmlb\/kubeconfig" cannot be read: permission denied for user bmlb; run: (?<command>chgrp bmlb \/etc\/bmlb\/kubeconfig && chmod 0640 \/etc\/bmlb\/kubeconfig)/;

const BROKEN: readonly Broken[] = [
  { what: "no configuration at all", damage: shell("rm /etc/bmlb/config.toml"), leaves: "failed", says: /\/etc\/bmlb\/config\.toml/ },
  { what: "no pool", damage: edit(/\[\[pool\]\][^[]*/, ""), leaves: "failed", says: /config\.toml.*\[\[pool\]\]/ },
  { what: "a kubeconfig that is not there", damage: shell("rm /etc/bmlb/kubeconfig"), leaves: "failed", says: /config\.toml:\d+: kubernetes\.kubeconfig: .*\/etc\/bmlb\/kubeconfig/ },
  { what: "a kubeconfig that others may read", damage: shell("chmod 0644 /etc/bmlb/kubeconfig"), leaves: "failed", says: /\/etc\/bmlb\/kubeconfig.*chmod \S+ \/etc\/bmlb\/kubeconfig/ },
  { what: "a kubeconfig that the service may not read", damage: shell("chown root:root /etc/bmlb/kubeconfig"), leaves: "failed", says: REMEDY },
  {
    what: "a kubeconfig in root's home",
    damage: async (site, system) => {
      await system.sh("install -D -m 640 /etc/bmlb/kubeconfig /root/.kube/config");
      edit("/etc/bmlb/kubeconfig", "/root/.kube/config")(site, system);
    },
    leaves: "failed",
    says: /may not enter "\/root"; the service sees nothing of \/root and \/home, so keep it in \/etc\/bmlb/,
  },
  {
    what: "a file of conf.d written by an editor with umask 077",
    damage: shell("umask 077; mkdir -p /etc/bmlb/conf.d && echo '[metrics]' >/etc/bmlb/conf.d/metrics.toml"),
    mend: shell("rm -r /etc/bmlb/conf.d"),
    leaves: "failed",
    says: /run: chgrp bmlb \/etc\/bmlb\/conf\.d && chmod 0750 \/etc\/bmlb\/conf\.d/,
  },
  {
    what: "a credential plug-in where the service may run nothing",
    damage: async (site, system) => {
      await system.sh("install -D -m 755 /usr/bin/true /opt/cloud/plug-in");
      editKubeconfig(/"token": "[^"]+"/, '"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/opt/cloud/plug-in", "interactiveMode": "Never"}')(site, system);
    },
    leaves: "failed",
    says: /exec\.command: \/opt\/cloud\/plug-in may not be run .*\/usr\/local\/bin.*ExecPaths=/,
  },
  { what: "a file that is no TOML", damage: edit("[[pool]]", "[[pool]"), leaves: "failed", says: /config\.toml:\d+: / },
  { what: "a misspelt key", damage: edit("addresses", "adresses"), leaves: "failed", says: /config\.toml:\d+: pool\[0\]\.adresses: .*addresses/ },
  { what: "a password file that is not there", damage: edit('name = "router"', 'name = "router"\npassword_file = "router.password"'), leaves: "failed", says: /config\.toml:\d+: bgp\.peer\[0\]\.password_file: / },
  { what: "an interface that is not there", damage: edit("[[l2]]", '[[l2]]\ninterfaces = ["eth7"]'), leaves: "active", says: /eth7/ },
  {
    what: "a metrics port that another program has",
    damage: async (site, system) => {
      await site.lab.webserver(system.host, { address: "127.0.0.1", port: 7472, body: "somebody else" });
    },
    mend: async (_site, system) => {
      await system.host.processes.at(-1)?.stop();
    },
    leaves: "active",
    says: /127\.0\.0\.1:7472|7472/,
  },
  {
    what: "a state directory without room",
    damage: shell("install -d -o bmlb -g bmlb -m 0750 /var/lib/bmlb && mount -t tmpfs -o size=16k,mode=0750,uid=$(id -u bmlb),gid=$(id -g bmlb) tmpfs /var/lib/bmlb && dd if=/dev/zero of=/var/lib/bmlb/filler bs=4k 2>/dev/null; test -s /var/lib/bmlb/filler"),
    mend: shell("umount /var/lib/bmlb"),
    leaves: "active",
    says: /ENOSPC|no space left/i,
  },
  { what: "an API server that cannot be reached", damage: editKubeconfig(/https:\/\/[\d.]+:6443/, "https://10.7.0.99:6443"), leaves: "active", says: /10\.7\.0\.99/ },
  { what: "a token that the API server does not know", damage: editKubeconfig(/"token": "[^"]+"/, '"token": "stale"'), leaves: "active", says: /401|credentials|token/i },
  {
    what: "an API server that is somebody else",
    damage: (_site, system) => {
      // Another authority's certificate: any will do.
      const other = Buffer.from(system.read("/etc/ssl/certs/ca-certificates.crt").split(/(?<=-----END CERTIFICATE-----)/)[0] ?? "").toString("base64");
      editKubeconfig(/"certificate-authority-data": "[^"]+"/, `"certificate-authority-data": "${other}"`)(_site, system);
    },
    leaves: "active",
    says: /certificate/,
  },
];

siteTest("a set-up that is wrong", async (site, step) => {
  await site.both(async (system) => {
    await site.install(system);
  });

  for (const { what, damage, mend, leaves, says } of BROKEN) {
    await step(`${what}: the service is ${leaves}, and the journal says why`, async () => {
      await site.both(async (system) => {
        site.configure(system);
        await system.sh("rm -rf /var/lib/bmlb"); // a last good copy would be used instead
        await damage(site, system);
        try {
          const started = await system.shToEnd("systemctl start bmlb", { timeoutMs: 40_000 });
          assert.equal(started.status === 0, leaves === "active", `Debian ${system.release}: ${started.stderr}`);
          await eventually(`Debian ${system.release} says why`, 15_000, async () => {
            assert.match(await logOfThisStart(system, "--priority=warning"), says);
            return true;
          });
          assert.equal(await property(system, "ActiveState"), leaves);
          assert.equal(await property(system, "NRestarts"), "0");
          assert.doesNotMatch(await logOfThisStart(system), /^\s+at /m, "no stack for what the operator did");
          if (leaves === "failed") {
            assert.equal(await property(system, "ExecMainStatus"), "78");
            assert.match((await status(system)).stdout, says);
          } else {
            assert.match((await system.shToEnd("bmlb status")).stdout, says, "bmlb status knows of it");
          }
        } finally {
          await system.sh("systemctl stop bmlb; systemctl reset-failed bmlb 2>/dev/null || true");
          await mend?.(site, system);
        }
      });
    });
  }

  await step("the command that systemctl status prints for a kubeconfig that cannot be read is what helps", async () => {
    await site.both(async (system) => {
      site.configure(system);
      await system.sh("rm -rf /var/lib/bmlb; cp /etc/bmlb/kubeconfig /root/kubeconfig; chown root:root /root/kubeconfig; chmod 600 /root/kubeconfig; cp -p /root/kubeconfig /etc/bmlb/kubeconfig");
      assert.notEqual((await system.shToEnd("systemctl start bmlb")).status, 0);
      await system.sh(REMEDY.exec((await status(system)).stdout)?.groups?.["command"] ?? "false");
      await system.sh("systemctl start bmlb; systemctl stop bmlb");
    });
  });

  await step("a second daemon, started by hand: it ends at once, says what runs already, and disturbs nothing", async () => {
    await site.both(async (system) => {
      site.configure(system);
      await system.sh("systemctl start bmlb");
      const pid = await property(system, "MainPID");
      const { status: code, stdout, stderr } = await system.shToEnd("bmlb run");
      assert.equal(code, 1);
      assert.match(stdout + stderr, /another bmlb runs on this host/);
      assert.equal(await property(system, "MainPID"), pid);
      assert.equal((await system.shToEnd("bmlb status")).status, 0);
    });
  });

  await step("a file that was damaged after a good start: a restart goes on with the last good copy, and says so", async () => {
    await site.both(async (system) => {
      edit("addresses", "adresses")(site, system);
      await system.sh("systemctl restart bmlb");
      assert.equal(await property(system, "ActiveState"), "active");
      assert.match(await logOfThisStart(system, "--priority=err"), /adresses[\s\S]*last good|last good[\s\S]*adresses/);
      assert.match((await status(system)).stdout, /Status: "the configuration in force is not what its files say/);
    });
  });
});
