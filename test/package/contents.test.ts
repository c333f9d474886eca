/** The package as a file: what is in it, with which modes, what it depends on, and what lintian says of it. Nothing is installed. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { run, runToEnd } from "../lab/run.ts";
import { packageFile } from "./deb.ts";

const tools = ["/usr/bin/dpkg-deb", "/usr/bin/lintian"].filter((tool) => !existsSync(tool));
const skip = tools.length > 0 ? `not installed: ${tools.join(", ")}; npm run package installs them` : false;

/** What its users look for, as dpkg-deb lists it. */
const PARTS = [
  ["/usr/bin/bmlb", "lrwxrwxrwx"],
  ["/usr/lib/bmlb/bmlb", "-rwxr-xr-x"],
  ["/usr/lib/bmlb/node", "-rwxr-xr-x"],
  ["/usr/lib/systemd/system/bmlb.service", "-rw-r--r--"],
  ["/usr/lib/sysusers.d/bmlb.conf", "-rw-r--r--"],
  ["/usr/lib/tmpfiles.d/bmlb.conf", "-rw-r--r--"],
  ["/etc/bmlb/config.toml", "-rw-r--r--"],
  ["/usr/share/man/man8/bmlb.8.gz", "-rw-r--r--"],
  ["/usr/share/man/man5/bmlb.toml.5.gz", "-rw-r--r--"],
  ["/usr/share/bash-completion/completions/bmlb", "-rw-r--r--"],
  ["/usr/share/zsh/vendor-completions/_bmlb", "-rw-r--r--"],
  ["/usr/share/fish/vendor_completions.d/bmlb.fish", "-rw-r--r--"],
  ["/usr/share/doc/bmlb/changelog.gz", "-rw-r--r--"],
  ["/usr/share/doc/bmlb/copyright", "-rw-r--r--"],
  ["/usr/share/doc/bmlb/examples/gateway.conf", "-rw-r--r--"],
] as const;

/** Every package that it may depend on, with the version of Ubuntu 24.04 as it was released: older than in Debian 13, and not bootable in our tests. */
const UBUNTU_24_04: Readonly<Record<string, string>> = {
  iproute2: "6.1.0-1ubuntu6",
  libc6: "2.39-0ubuntu8",
  "libgcc-s1": "14-20240412-0ubuntu1",
  "libpcap0.8": "1.10.4-4.1ubuntu3", // provided, with this version, by libpcap0.8t64
  "libstdc++6": "14-20240412-0ubuntu1",
  nftables: "1.0.9-1build1",
  systemd: "255.4-1ubuntu8",
};

test("lintian finds no error and no warning, as scripts/package demands", { skip, timeout: 180_000 }, async () => {
  const { status, stdout, stderr } = await runToEnd(["lintian", "--allow-root", "--tag-display-limit", "0", "--fail-on", "error,warning", packageFile()], { timeoutMs: 170_000 });
  assert.equal(status, 0, stdout + stderr);
});

test("everything is there, belongs to root, and is writable for root alone", { skip }, async () => {
  const listed = (await run(["dpkg-deb", "--contents", packageFile()])).trim().split("\n").map((line) => {
    const [mode = "", owner = "", , , , path = ""] = line.split(/\s+/);
    return { mode, owner, path: path.replace(/^\.\//, "/") };
  });
  const modes = new Map(listed.map(({ path, mode }) => [path, mode]));
  for (const [path, mode] of PARTS) assert.equal(modes.get(path), mode, path);
  for (const { mode, owner, path } of listed) {
    assert.equal(owner, "root/root", path);
    assert.match(mode, /^(?:l|[-d]rw[x-]r-[x-]r-[x-])/, path);
    assert.match(path, /^\/$|^\/(?:etc|usr)\//, "nothing where /usr is merged, nothing of the building machine");
    assert.doesNotMatch(path, /\/compiled\/|\.map$|\.ts$/, "what is made at installation, or not needed");
  }
});

test("the operator's file alone is a conffile", { skip }, async () => {
  assert.equal((await run(["dpkg-deb", "--info", packageFile(), "conffiles"])).trim(), "/etc/bmlb/config.toml");
});

test("all that it depends on is in Ubuntu 24.04, too, and not older there than it needs", { skip }, async () => {
  const depends = (await run(["dpkg-deb", "--field", packageFile(), "Depends"])).trim().split(/,\s*/);
  assert.ok(depends.length >= 5, depends.join());
  for (const dependency of depends) {
    const { name = "", least } = /^(?<name>[a-z0-9+.-]+)(?: \(>= (?<least>[^)]+)\))?/.exec(dependency)?.groups ?? {};
    const there = UBUNTU_24_04[name];
    assert.ok(there !== undefined, `${dependency}: look it up in Ubuntu 24.04, and add it here`);
    if (least !== undefined) await run(["dpkg", "--compare-versions", there, "ge", least]);
  }
});
