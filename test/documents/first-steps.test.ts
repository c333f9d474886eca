/** The README's first steps, as far as they can be judged without a cluster; test/kube/rbac-real.test.ts runs the kubeconfig on a real one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { documents } from "../../scripts/documents/index.ts";
import { KUBECONFIG_TEMPLATE } from "../../scripts/documents/program-page.ts";
import { formatProblem } from "../../src/config/index.ts";
import { loadFiles, PATH } from "../config/loading.ts";
import { firstSteps } from "./first-steps.ts";

const README = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

for (const way of ["first-steps-l2", "first-steps-bgp"] as const) {
  const steps = firstSteps(README, way);
  const typed = steps.map(({ text }) => text).join("");

  test(`${way} goes from the package to the answer, in ten commands`, () => {
    assert.deepEqual(steps.map(({ seat }) => seat), ["nodes", "kubectl", "nodes", "kubectl", "client"]);
    assert.match(typed, /^apt install \.\/bmlb_\*\.deb\n/);
    assert.match(typed, /^curl "http:.*\n$/m);
    const withoutFiles = typed.replace(/(?<=<<END\n).*?^END$/gms, "").replace(/'apiVersion.*?^'/gms, "''").replace(/^for .*?^done$/gms, "for");
    const commands = withoutFiles.split("\n").filter((line) => line !== "");
    assert.equal(commands.length, 10, commands.join("\n"));
  });

  test(`${way} is what a shell understands`, () => {
    execFileSync("sh", ["-n"], { input: typed, stdio: ["pipe", "pipe", "inherit"] });
  });

  test(`the file of ${way} and the shipped one are a configuration without a warning`, () => {
    const [, file = ""] = /conf\.d\/first-steps\.toml <<END\n(.*?)^END$/ms.exec(typed) ?? [];
    const loaded = loadFiles({ [PATH]: documents().get("etc/config.toml") ?? "", "/etc/bmlb/conf.d/first-steps.toml": file.replace("$(hostname)", "worker-1") });
    assert.deepEqual([...(loaded.ok ? [] : loaded.problems), ...loaded.warnings].map(formatProblem), []);
    assert.ok(loaded.ok && loaded.config.host.node === "worker-1");
  });

  test(`the kubeconfig of ${way} is that of the man page`, () => {
    assert.ok(typed.includes(`-o go-template='${KUBECONFIG_TEMPLATE}' |`));
  });
}
