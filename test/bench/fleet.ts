/** The network that most benchmarks need: hosts with bmlb and a client on one segment, and an API server beside them. */
import type { NewEndpoint } from "../kube/workloads.ts";
import type { SimulatedApi } from "../kube/simulator/index.ts";
import { eventually, type Daemon, type Host, Lab, type Segment, type TomlValue } from "../lab/index.ts";

export type BenchMember = { readonly name: string; readonly address: string; readonly host: Host; /** The one that was started last. */ daemon: Daemon };

export type Fleet = AsyncDisposable & {
  readonly lab: Lab;
  readonly lan: Segment;
  readonly api: SimulatedApi;
  readonly members: readonly BenchMember[];
  readonly client: Host;
  /** Starts bmlb anew on a host where it has ended; returns as soon as the process runs. */
  restart(name: string): Promise<void>;
};

export async function startFleet(name: string, names: readonly string[], settings: Readonly<Record<string, TomlValue>> = {}): Promise<Fleet> {
  const lab = await Lab.create(name);
  try {
    const lan = await lab.segment("lan", { ipv4: "10.7.0.0/16" });
    const api = await lab.api(await lab.host("control-plane", { lan: { ipv4: "10.7.0.2" } }));
    const client = await lab.host("client", { lan: { ipv4: "10.7.0.100" } });
    const kubeconfig = await api.kubeconfig("bmlb", "token");
    const members: BenchMember[] = [];
    const start = async (host: Host): Promise<Daemon> =>
      await lab.daemon(host, {
        config: { host: { node: host.name }, kubernetes: { kubeconfig }, pool: [{ name: "bench", addresses: ["10.7.64.0/18"] }], l2: [{ name: "bench" }], ...settings },
      });
    for (const [index, host] of names.entries()) {
      const address = `10.7.0.${11 + index}`;
      await api.workloads.createNode(host, { ip: address });
      const machine = await lab.host(host, { lan: { ipv4: address } }, { forwarding: true });
      members.push({ name: host, address, host: machine, daemon: await start(machine) });
    }
    for (const member of members) await member.daemon.ready();
    return {
      lab,
      lan,
      api,
      members,
      client,
      restart: async (host) => {
        const member = members.find((one) => one.name === host);
        if (member === undefined) throw new Error(`no host ${host}`);
        member.daemon = await start(member.host);
      },
      [Symbol.asyncDispose]: async () => {
        await lab[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** Makes a Service in the namespace default with these pods behind it, and returns its address. */
export async function serve(fleet: Fleet, name: string, pods: readonly NewEndpoint[]): Promise<string> {
  await fleet.api.workloads.createService({ name, ports: [{ port: 80, targetPort: 8080 }] });
  await fleet.api.workloads.setEndpoints({ name }, pods);
  return await eventually(`Service ${name} has an address`, 10_000, async () => (await fleet.api.workloads.addresses({ name }))[0]);
}
