/**
 * A stand-in for kube-proxy: makes a worker accept connections to a VIP and hand them to endpoints, as kube-proxy does for the address in a
 * Service's status. For tests and machines on which the real one is not to be had.
 */
import type { Host } from "./host.ts";

export type Endpoint = { readonly address: string; readonly port: number };

export type ServedVip = {
  readonly vip: string;
  readonly port: number;
  readonly protocol?: "tcp" | "udp";
  /** Of the family of the VIP, on this host or another. None: the connection is refused. */
  readonly endpoints: readonly Endpoint[];
};

/** Makes a worker serve exactly these VIPs; called again, it replaces what was there. */
export async function standIn(worker: Host, served: readonly ServedVip[]): Promise<void> {
  const file = worker.write("stand-in.nft", ruleset(served));
  await worker.exec(["nft", "-f", file]); // a file: nft of Debian 12 cannot read a socket
}

function ruleset(served: readonly ServedVip[]): string {
  const translate = served.filter((one) => one.endpoints.length > 0).map(translation);
  const refuse = served.filter((one) => one.endpoints.length === 0).map((one) => `${match(one)} reject`);
  return `table inet stand_in
delete table inet stand_in
table inet stand_in {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ${translate.join("\n    ")}
  }
  chain output {
    type nat hook output priority -100;
    ${translate.join("\n    ")}
  }
  chain input {
    type filter hook input priority filter;
    ${refuse.join("\n    ")}
  }
  chain forward {
    type filter hook forward priority filter;
    ${refuse.join("\n    ")}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ct status dnat fib saddr type != local masquerade
  }
}
`;
}

function match(one: ServedVip): string {
  return `${family(one)} daddr ${one.vip} ${one.protocol ?? "tcp"} dport ${one.port}`;
}

function translation(one: ServedVip): string {
  const choices = one.endpoints.map(({ address, port }, index) => `${index} : ${address} . ${port}`).join(", ");
  return `${match(one)} dnat ${family(one)} addr . port to numgen random mod ${one.endpoints.length} map { ${choices} }`;
}

function family(one: ServedVip): "ip" | "ip6" {
  return one.vip.includes(":") ? "ip6" : "ip";
}
