/** bmlb.toml(5): every key from the schema, and in prose what holds for all of them. Pure. */
import { formatLiteral, type Key, type Table } from "../../src/config/index.ts";
import { whatWithout } from "./config-file.ts";
import { type Block, example, formatPage, item, paragraph, section, subsection } from "./roff.ts";

/** When what is written here by hand was last changed. */
const DATE = "2026-11-27";

export function configurationPage(schema: readonly Table[]): string {
  const blocks = [
    ...section("NAME", paragraph("bmlb.toml - configuration of bmlb, a load balancer for bare-metal Kubernetes")),
    ...section("SYNOPSIS", paragraph("`/etc/bmlb/config.toml`"), paragraph("`/etc/bmlb/conf.d/*.toml`")),
    ...DESCRIPTION,
    ...VALUES,
    ...section("TABLES", paragraph("In the order of the shipped file. In one file a `[table]` is given at most once, a `[[table]]` as often as there is something to say.")),
    ...schema.flatMap(tableBlocks),
    ...AGGREGATES,
    ...RELOAD,
    ...EXAMPLES,
    ...section("FILES", item("`/etc/bmlb/config.toml`", "The configuration. As shipped, it shows every key and says nothing yet."), item("`/etc/bmlb/conf.d/*.toml`", "More of it.")),
    ...section("SEE ALSO", paragraph("`bmlb`(8), `systemd.exec`(5)"), paragraph("TOML 1.0: https://toml.io/en/v1.0.0")),
  ];
  return formatPage({ name: "bmlb.toml", section: 5, source: "bmlb", date: DATE, blocks });
}

function tableBlocks(table: Table): readonly Block[] {
  const header = table.kind === "one" ? `[${table.path}]` : `[[${table.path}]]`;
  const notYet = table.notYet === undefined ? [] : [paragraph("Not supported yet: the table is checked, and then refused.")];
  return subsection(header, paragraph(table.doc), ...notYet, ...Object.entries(table.keys).map(([name, key]) => keyItem(name, key)));
}

function keyItem(name: string, key: Key<unknown>): Block {
  const shown = key.required === "no" && key.default !== undefined && formatLiteral(key.default) === formatLiteral(key.example) ? "" : ` Example: \`${formatLiteral(key.example)}\`.`;
  const facts = `Allowed: ${withoutMarks(key.type.allowed)}. ${withoutMarks(whatWithout(key))}${shown}`;
  const notYet = key.notYet === undefined ? [] : ["Not supported yet; leave it out."];
  return item(`\`${name}\``, withoutMarks(key.doc), facts, ...notYet);
}

/** The schema's sentences are plain text. */
function withoutMarks(text: string): string {
  if (/[`<>]/.test(text)) throw new RangeError(`${JSON.stringify(text)} would be read as marks`);
  return text;
}

const DESCRIPTION = [
  ...section(
    "DESCRIPTION",
    paragraph(
      "`bmlb`(8) reads `/etc/bmlb/config.toml`, a TOML 1.0 file in UTF-8, and then the files `conf.d/*.toml` in the folder beside it, in the order of their names. Hidden files are ignored. With `-c` <file>, `conf.d` is the folder beside that file.",
    ),
    paragraph(
      "All files together are one configuration. Tables in double brackets, such as `[[pool]]`, add up over the files. A single table may be continued in another file, but a key that is given twice, and a name that two pools or peers have, are errors: nobody could say which of them counts.",
    ),
    paragraph(
      "A key that is not listed here is an error, and so is one whose effect is not built yet: nothing is passed over in silence. `bmlb check` says everything that is wrong, each as one line `FILE:LINE: key: what was given, what is allowed`. It reads the files that the configuration names, and the kubeconfig, but it does not look at this machine's interfaces.",
    ),
    paragraph(
      "`[host]`, `[kubernetes]` and `[metrics]` are about one host. The rest is about the fleet, that is all hosts which share a namespace for their Leases, and should be the same on all of them.",
    ),
    paragraph("The least that works is a kubeconfig, one `[[pool]]`, and either an `[[l2]]` or a `[bgp]` with a `[[bgp.peer]]` and a `[[bgp.advertisement]]`; see `EXAMPLES`."),
  ),
];

const VALUES = [
  ...section("VALUES", paragraph("Values are taken as TOML has them and never converted: `\"64500\"` and `64500.0` are no integers.")),
  ...subsection("Durations", paragraph("A text of a number and one unit: `\"300ms\"`, `\"90s\"`, `\"5m\"`, `\"1h\"`. `\"0s\"` is allowed where it is said what it means. The timers of BGP count in whole seconds.")),
  ...subsection(
    "Addresses",
    paragraph(
      "A pool lists prefixes (`192.168.10.0/24`), ranges with both ends (`192.168.1.240-192.168.1.250`) and single addresses, IPv4 and IPv6. No address may be in two places. A prefix with host bits set is refused, and so are loopback, link-local, multicast and other addresses that no Service can have.",
    ),
  ),
  ...subsection(
    "Names and patterns",
    paragraph(
      "Pools, peers and advertisements have names that differ in more than upper and lower case. Pools and namespaces are referred to by their exact name. Hosts, peers and interfaces are referred to by shell patterns: `*` is any text, `?` any character, `[a-c]` one of those characters. A pattern for peers that fits none is an error; hosts and interfaces may be elsewhere, or come later.",
    ),
  ),
  ...subsection(
    "Selectors",
    paragraph(
      "A selector chooses by labels in kubectl's syntax: `\"tier=public\"`, `\"team=web,tier in (edge, dmz)\"`, `\"!legacy\"`, `\"zone notin (c)\"`. The parts of one selector must all fit; of a list of selectors one is enough. `host_selectors` look at `labels` of `[host]`, the others at the labels of Nodes, Namespaces and Services.",
    ),
  ),
  ...subsection(
    "Secrets",
    paragraph(
      "A secret never stands in the configuration: `kubeconfig`, `password_file` and `key_file` name files. A path with a slash in it is seen from the folder of the file that names it. A name without a slash is a systemd credential, looked for in `$CREDENTIALS_DIRECTORY`. What others than owner and group can read is refused, with the `chmod` to run. The package makes `/etc/bmlb` a folder of group `bmlb` in which new files get that group: mode 0640 is right for a secret there. The service sees nothing of `/root` and `/home`.",
    ),
    paragraph(
      'A kubeconfig that stays where only root can read it, as a credential: `systemctl edit bmlb`, there `LoadCredential=kubeconfig:/root/bmlb.kubeconfig` under `[Service]`, `kubeconfig = "kubeconfig"` in `[kubernetes]`, and a restart, at which systemd reads the file again; if it is not there, the start fails with status 243/CREDENTIALS. To check such a configuration while the service runs: `CREDENTIALS_DIRECTORY=/run/credentials/bmlb.service bmlb check`.',
    ),
    paragraph("No message, log line or status ever shows a secret, nor the value of a key that names one unless there is such a file."),
  ),
];

const AGGREGATES = section(
  "AGGREGATES",
  paragraph(
    "With `aggregation_length` below 32, or `aggregation_length_v6` below 128, routers are told one prefix of that length for all VIPs in it. It is never wider than the part of the pool that it is in: at the ends of a range it is cut to fit. A second `[[bgp.advertisement]]` with the whole length may tell the same routers the single addresses too, for example with `no-advertise`.",
  ),
  paragraph(
    "Traffic for addresses of the aggregate that no Service has comes here as well. So that it does not go back to the router and loop, the kernel gets an `unreachable` route for the aggregate before it is announced: in the main table, protocol 251, with a metric so high that any other route to the same prefix wins. It is put back if another program removes it, kept over a restart, and removed with the announcement. That takes CAP_NET_ADMIN, which the unit has with the drop-in for gateways only: `install -D -m 644 -t /etc/systemd/system/bmlb.service.d /usr/share/doc/bmlb/examples/gateway.conf`, then `systemctl daemon-reload` and `systemctl restart bmlb`. Without it the aggregate is not announced, and `bmlb explain`, `bmlb status` and the log say so.",
  ),
  paragraph(
    "A host announces the aggregate while it would announce one of the VIPs in it. With `externalTrafficPolicy: Local` it therefore draws the traffic for all of them, also for those without an endpoint on its node, whose traffic is lost there: such Services belong in a pool that is announced without aggregation. `link_bandwidth` has no effect on aggregates.",
  ),
);

const RELOAD = section(
  "RELOAD",
  paragraph(
    "`systemctl reload bmlb` reads the files again. What changed is applied; a session or an address that did not change is not touched. Files with an error change nothing: the reload fails, the old configuration stays in force, and `bmlb status` and the log say so. What a running daemon cannot change, such as its name or the kubeconfig, is refused in the same way, with a sentence that asks for a restart. Run `bmlb check` before.",
  ),
);

const EXAMPLES = section(
  "EXAMPLES",
  paragraph("Hosts that are nodes of the cluster and answer for addresses of their own network:"),
  example(`[host]
node = "worker-1"

[[pool]]
name = "lan"
addresses = ["192.168.1.240-192.168.1.250"]

[[l2]]`),
  paragraph("The same toward a router, as a file of its own, `/etc/bmlb/conf.d/bgp.toml`:"),
  example(`[bgp]
asn = 64500

[[bgp.peer]]
name = "tor-1"
address = "192.168.1.1"
asn = 64501

[[bgp.advertisement]]`),
  paragraph("A router whose path is watched by BFD, with silence of 300 ms noticed at both ends:"),
  example(`[[bfd]]
name = "fast"
receive_interval = "100ms"
transmit_interval = "100ms"

[bgp]
asn = 64500

[[bgp.peer]]
name = "tor-1"
address = "192.168.1.1"
asn = 64501
bfd = "fast"

[[bgp.advertisement]]`),
  paragraph(
    "A host between two routers, on links without any address of their own: each is known by the Router Advertisements on its interface, and IPv4 routes point to the link-local address of this host (RFC 8950). In FRR the other side is `neighbor swp1 interface remote-as external`; in BIRD, which needs our link-local address, it is `extended next hop on` and a `protocol radv` on the interface. This host advertises itself too, never as a default router.",
  ),
  example(`[bgp]
asn = 64500

[[bgp.peer]]
name = "tor-1"
interface = "eth1"
asn = "external"

[[bgp.peer]]
name = "tor-2"
interface = "eth2"
asn = "external"

[[bgp.advertisement]]`),
  paragraph("Two pools, one of them for the Services of a team, announced on different networks:"),
  example(`[[pool]]
name = "lan"
addresses = ["192.168.1.240-192.168.1.250"]

[[pool]]
name = "team-web"
addresses = ["203.0.113.0/27"]
namespace_selectors = ["team=web"]

[[l2]]
name = "lan"
pools = ["lan"]
interfaces = ["eth0"]

[[l2]]
name = "dmz"
pools = ["team-web"]
interfaces = ["eth1"]
hosts = ["edge-*"]`),
);
