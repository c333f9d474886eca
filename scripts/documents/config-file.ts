/**
 * etc/config.toml: the schema as a file that a newcomer edits without a manual. Pure.
 *
 * Two kinds of comment: "# " and a sentence is for the reader; "#" and no blank is a line of configuration that waits for its # to be
 * removed. Any of the latter has an effect that is built: what is "not supported yet" is left out.
 */
import { formatLiteral, type Key, type Table } from "../../src/config/index.ts";

const WIDTH = 110;

const HEAD = `
# The configuration of bmlb, which turns Linux hosts into the load balancer of a Kubernetes cluster.
#
#   FOR A FIRST START fill in what is marked >>> below:
#
#   1. [kubernetes]   kubeconfig: how this host reaches the cluster. Put the file at /etc/bmlb/kubeconfig.
#   2. [[pool]]       a name, and the addresses that Services may get.
#   3. [[l2]]         if hosts answer for them on their own network: the header alone is enough;
#      or [bgp]       if routers send the traffic here: asn, a [[bgp.peer]] and a [[bgp.advertisement]].
#   4. [host]         node, if this host is a node of the cluster.
#
#   Then "bmlb check" says everything that is missing or wrong at once, and "systemctl start bmlb" starts it.
#
# Every key that has an effect stands below, with what it does, what is allowed, and its default. A line that
# begins with # and no blank is configuration that waits: remove its # to use it, and the # of the [[table]]
# above it. It shows the default, or an example where the default is to have none. A [[table]] may be given
# several times.
#
# [host], [kubernetes] and [metrics] are this host's own; the rest should be the same on all hosts of a fleet.
# More files may stand in conf.d/ beside this one. Files, names, selectors and secrets: man bmlb.toml
`.trimStart();

/** What to fill in for a first start. */
const FIRST_START: Readonly<Record<string, string>> = {
  host: "On a node of the cluster: its name, in node. On a gateway: nothing.",
  kubernetes: 'A kubeconfig at the path below, mode 0640, group bmlb: bmlb(8) and the README show how to make it. Nothing to write here if it is there.',
  pool: "Needed: the header, name and addresses, with the # removed and addresses of your own.",
  l2: "Needed for hosts that answer on their own network: the header, with its # removed. Alone it announces all pools on all interfaces.",
  bgp: "Needed for routers: asn.",
  "bgp.peer": "Needed for routers: the header, name, address and asn of the router.",
  "bgp.advertisement": "Needed for routers: the header, with its # removed. Alone it announces all pools to all peers.",
};

export function configFile(schema: readonly Table[]): string {
  return [HEAD, ...schema.map(writeTable).filter((text) => text !== "")].join("\n");
}

function writeTable(table: Table): string {
  const keys = table.notYet === undefined ? Object.entries(table.keys).filter(([, key]) => key.notYet === undefined) : [];
  if (keys.length === 0) return "";
  const rule = `# ${"-".repeat(WIDTH - 2)}`;
  const first = FIRST_START[table.path];
  const header = table.kind === "one" ? `[${table.path}]` : `#[[${table.path}]]`;
  return [rule, comment(table.doc), ...(first === undefined ? [] : [comment(`>>> ${first}`)]), header, "", ...keys.map(([name, key]) => writeKey(name, key)), ""].join("\n");
}

function writeKey(name: string, key: Key<unknown>): string {
  return [comment(`${key.doc} Allowed: ${key.type.allowed}. ${whatWithout(key)}`), `#${name} = ${formatLiteral(shown(key))}`, ""].join("\n");
}

/** A list that is empty by default would teach nobody how to write one. */
function shown(key: Key<unknown>): NonNullable<Key<unknown>["default"]> {
  return key.default === undefined || isEmpty(key.default) ? key.example : key.default;
}

function isEmpty(value: NonNullable<Key<unknown>["default"]>): boolean {
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** What a reader is told of a key that is left out. */
export function whatWithout(key: Key<unknown>): string {
  if (key.required === "yes") return "Required.";
  return `Default: ${key.default === undefined ? (key.without ?? "none") : formatLiteral(key.default)}.`;
}

/** Lines of at most WIDTH characters, broken between words. */
function comment(text: string): string {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH && line !== "#") {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n");
}
