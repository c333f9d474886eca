/** keepalived, the program that the figures are compared with. Its configuration is the benchmark's own text. */
import type { Host } from "./host.ts";
import type { LabProcess } from "./run.ts";

export async function startKeepalived(host: Host, configuration: string): Promise<LabProcess> {
  const file = host.write("keepalived.conf", configuration, 0o644);
  // prettier-ignore
  const argv = [
    "keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file", file,
    "--pid", host.path("keepalived.pid"), "--vrrp_pid", host.path("vrrp.pid"),
  ];
  return await host.spawn(argv, { name: "keepalived" });
}
