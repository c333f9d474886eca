/** bmlb(8): every command and option from the command line itself, and in prose how the daemon behaves. Pure. */
import { type CommandDescription, everyCommand, type OptionDescription } from "../../src/cli/describe.ts";
import { DIAGNOSTICS } from "./diagnostics.ts";
import { type Block, example, formatPage, item, paragraph, section, subsection } from "./roff.ts";

/** When what is written here by hand was last changed. */
const DATE = "2026-11-27";

export function programPage(program: CommandDescription): string {
  const blocks = [
    ...section("NAME", paragraph(`bmlb - ${program.summary}`)),
    ...section("SYNOPSIS", paragraph("`bmlb` <command> [<options>]")),
    ...DESCRIPTION,
    ...section("COMMANDS", paragraph("`bmlb run` is the daemon. The others are for people, and with `--json` for scripts; fields of that JSON may be added, and are never renamed.")),
    ...everyCommand(program).filter((command) => command.commands.length === 0).flatMap(commandBlocks),
    ...AFTERWARDS,
    ...section("DIAGNOSTICS", paragraph(LOG), ...DIAGNOSTICS.map(({ line, meaning }) => item(asWritten(line), meaning))),
    ...section("SEE ALSO", paragraph("`bmlb.toml`(5), `systemctl`(1), `journalctl`(1), `kubectl`(1)")),
  ];
  return formatPage({ name: "bmlb", section: 8, source: "bmlb", date: DATE, blocks });
}

function commandBlocks(command: CommandDescription): readonly Block[] {
  const [first, ...words] = command.path;
  const usage = [`\`${[first, ...words].join(" ")}\``, ...command.arguments.map(argumentUsage)].join(" ");
  const more = MORE[words.join(" ")];
  const about = `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.${more === undefined ? "" : ` ${more}`}`;
  const options = command.options.filter(({ flags }) => !flags.includes("--help"));
  return subsection(words.join(" "), paragraph(usage), paragraph(about), ...options.map(optionItem));
}

function argumentUsage({ name, optional, choices }: CommandDescription["arguments"][number]): string {
  const usage = choices.length > 0 ? choices.map((choice) => `\`${choice}\``).join("|") : `<${name}>`;
  return optional ? `[${usage}]` : usage;
}

function optionItem({ flags, value, summary, default: preset }: OptionDescription): Block {
  const term = flags.map((flag) => `\`${flag}\`${value === undefined ? "" : ` <${value}>`}`).join(", ");
  return item(term, `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.${preset === undefined ? "" : ` Default: \`${preset}\`.`}`);
}

/** All of a log line but what differs from line to line stands in it as it is. */
function asWritten(line: string): string {
  return line.replace(/<[^>]*>|[^<]+/g, (part) => (part.startsWith("<") ? part : `\`${part}\``));
}

/** What is worth saying of a command beyond its own line. */
const MORE: Readonly<Record<string, string>> = {
  run: "It stays in the foreground and logs to standard output; in the package `systemctl start bmlb` runs it.",
  check: "It reads every file of the configuration and those that it names, says all that is wrong at once, and warns of what is allowed and hardly meant.",
  explain: "For each way of announcing the address it says whether it is used here and why, and lists the hosts in the order in which they come to serve it. Given a Service it does so for each of its addresses.",
  drain: "On segments other hosts take its VIPs while it still answers; toward BGP peers its routes carry GRACEFUL_SHUTDOWN (RFC 8326) for 10 s and are then withdrawn, while the sessions stay. What no other host can serve it goes on serving. Neither a reload nor a restart ends it; after a start the host is drained again 5 s after it is ready.",
  undrain: "It is of its old rank at once, and takes its share of the VIPs as `failback` in `[fleet]` says.",
  vips: "A `?` stands for an owner that is not known here.",
  rbac: "Without options it prints one account for all hosts. With `--host` each named host gets an account of its own, `bmlb-host-`<name>, whose token is in the Secret of that name with `-token` after it; this needs Kubernetes 1.30 or later. With `-c` a policy bounds what a stolen credential could do: only addresses of the pools can be written into the status of a Service; this needs Kubernetes 1.31 or later, and is to be applied again when the pools change.",
  completion: "The package installs them where the shells look.",
};

const DESCRIPTION = section(
  "DESCRIPTION",
  paragraph(
    "`bmlb` turns ordinary Linux hosts into the load balancer of a bare-metal Kubernetes cluster. It is no pod: it reads Services through the Kubernetes API from outside, gives each Service of type LoadBalancer an address (a VIP) from its pools, agrees with the other hosts who answers for it, and makes the network send the traffic here: with ARP and NDP on a local segment, with BGP to routers. On nodes of the cluster kube-proxy then takes it to the endpoints.",
  ),
  paragraph(
    "The Kubernetes API says what should exist; the network says who is alive. Losing either one never moves or silences an address that works. Hosts say hello to each other on each segment, five times a second by default, and take over from one that falls silent in about 0.6 s, whether the API answers or not.",
  ),
  paragraph("One host at a time, the allocator, writes addresses into Services; the hosts elect it among themselves by a Lease. A host that is no allocator, and a fleet without any, goes on answering."),
);

const LOG =
  "The log goes to standard output, which under systemd is the journal: `journalctl -u bmlb`. There is one line for each fact that changed, a sentence and then key=value; a fleet that does nothing logs nothing. The lines below are worth knowing. Why a single address does not answer is not in the log but in the answer of `bmlb explain`.";

/** As in the README. */
export const KUBECONFIG_TEMPLATE = `apiVersion: v1
kind: Config
current-context: bmlb
contexts: [{name: bmlb, context: {cluster: bmlb, user: bmlb}}]
clusters:
  - name: bmlb
    cluster:
      server: https://API-SERVER:6443
      certificate-authority-data: {{index .data "ca.crt"}}
users:
  - name: bmlb
    user: {token: "{{base64decode .data.token}}"}
`;

const AFTERWARDS = [
  ...section(
    "EXIT STATUS",
    item("`0`", "All is well."),
    item("`1`", "It is not: the configuration is wrong, a session that was asked about is not up, or the daemon does not run or cannot answer. Standard error says why."),
    item("`2`", "The command line is wrong."),
    item("`78`", "`bmlb run` under systemd: the configuration cannot be used. systemd does not try again; `systemctl status bmlb` says what is wrong."),
  ),
  ...section(
    "SIGNALS",
    item("`SIGTERM`, `SIGINT`", "Stop: other hosts take over first (at most 3.5 s), while routers hear for 2 s by GRACEFUL_SHUTDOWN (RFC 8326) that this host leaves; then routes are withdrawn, sessions are closed, and the Lease is given back."),
    item("`SIGUSR2`", "Stop for a restart, which is what `systemctl restart` sends: the same, for a successor that follows at once. BGP peers with `graceful_restart` are told nothing and keep the routes until it has sent its own."),
    item("`SIGHUP`", "Read the configuration again, as `systemctl reload bmlb` does."),
    item("A second time the same signal", "Stop at once, without handing over."),
  ),
  ...section(
    "ENVIRONMENT",
    item("`STATE_DIRECTORY`", "Folder of what outlives the daemon. systemd sets it; without it `/var/lib/bmlb`."),
    item("`RUNTIME_DIRECTORY`", "Folder of the sockets. systemd sets it; without it `/run/bmlb`."),
    item("`CREDENTIALS_DIRECTORY`", "Where secrets named without a slash are looked for: those of `LoadCredential=` in a drop-in of the unit, see `bmlb.toml`(5)."),
    item("`NOTIFY_SOCKET`, `WATCHDOG_USEC`", "How systemd is told that the daemon is ready and alive."),
  ),
  ...section(
    "FILES",
    item("`/etc/bmlb/config.toml`, `/etc/bmlb/conf.d/*.toml`", "The configuration: `bmlb.toml`(5)."),
    item("`/etc/bmlb/kubeconfig`", "How this host reaches the cluster, unless the configuration names another. Readable by the group bmlb, and by no others."),
    item("`/run/bmlb/bmlb.sock`", "Where the daemon answers the other commands. Root and the group bmlb may ask."),
    item("`/run/bmlb/control.sock`", "Where the daemon takes orders: to reload, to drain. Root and the user bmlb may give it."),
    item("`/var/lib/bmlb/last-good-config.json`", "The last configuration that was valid, for a start with files that are wrong. No secrets are in it."),
    item("`/var/lib/bmlb/cluster.cache`", "The cluster as it was last seen, for a start while the API is away."),
    item("`/var/lib/bmlb/drained`", "Since when this host is drained; empty or missing: it is not."),
    item("`/var/lib/bmlb/bgp-restart`", "The BGP peers that keep the routes over a restart of the daemon."),
    item("`/var/lib/bmlb/fleet.key`", "The key of the fleet as the Secret bmlb-fleet had it."),
  ),
  ...section(
    "EXAMPLES",
    paragraph("An account in the cluster, and for every host a kubeconfig with its token:"),
    example(`bmlb rbac | kubectl apply -f -
kubectl -n bmlb-system get secret bmlb-token -o go-template='${KUBECONFIG_TEMPLATE}' |
  ssh root@HOST 'umask 027 && cat >/etc/bmlb/kubeconfig'`),
    paragraph("Signed hellos, so that nobody on the segment can pretend to be a host:"),
    example(`kubectl -n bmlb-system create secret generic bmlb-fleet --from-literal=key="$(openssl rand -hex 32)"`),
    paragraph("Accounts of their own for two hosts, bounded to the pools of the configuration:"),
    example("bmlb rbac --host edge-1 --host edge-2 -c /etc/bmlb/config.toml | kubectl apply -f -"),
    paragraph("Why does the address of a Service not answer, and who should?"),
    example("bmlb explain shop/web"),
    paragraph("All addresses for which this host answers, for a script:"),
    example("bmlb vips --json | jq -r '.[] | select(.answered_on != []).address'"),
  ),
];
