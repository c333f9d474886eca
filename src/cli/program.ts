/**
 * The commands, their options, and what each does: `bmlb run` is the daemon, the rest is for people and, with --json, for scripts.
 * The man page and the completions are made from what `buildProgram` returns.
 */
import { Argument, Command } from "commander";
import type { Reports } from "../admin/index.ts";
import { ask } from "./ask.ts";
import type { Shell } from "./completion.ts";
import { describeCommand } from "./describe.ts";
import { drain } from "./drain.ts";
import { printable } from "./printable.ts";
import type { RbacCommand } from "./rbac-command.ts";
import { reload } from "./reload.ts";
import { allUp, showBfd } from "./show-bfd.ts";
import { allEstablished, showPeers } from "./show-peers.ts";
import { showRoutes } from "./show-routes.ts";
import { showExplanations, showHosts, showPools, showStatus, showVips } from "./show.ts";

const DEFAULT_CONFIG = "/etc/bmlb/config.toml";

/** What the commands need of the process that they run in. */
export type Surroundings = {
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Runs the daemon until it is told to stop; resolves with the exit status. */
  readonly run: (configPath: string) => Promise<number>;
  /** Checks a configuration; resolves with the exit status. */
  readonly check: (configPath: string, json: boolean) => Promise<number>;
};

type Output = { readonly json?: true; readonly socket: string };

/**
 * The program as a value: nothing is done, read or printed before it is given words to parse.
 * @param end takes the exit status of a command that has its own
 */
export function buildProgram(options: Surroundings, end: (status: number) => void): Command {
  const program = new Command("bmlb")
    .description("a load balancer for bare-metal Kubernetes that runs outside the cluster")
    .version(options.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: options.out, writeErr: options.err })
    .showSuggestionAfterError();

  program
    .command("run")
    .description("run the daemon in the foreground (systemd does this)")
    .option("-c, --config <file>", "configuration file", DEFAULT_CONFIG)
    .action(async ({ config }: { readonly config: string }) => {
      end(await options.run(config));
    });
  program
    .command("check")
    .description("check a configuration without starting anything")
    .option("-c, --config <file>", "configuration file", DEFAULT_CONFIG)
    .option("--json", "print JSON for scripts")
    .action(async ({ config, json }: { readonly config: string; readonly json?: true }) => {
      end(await options.check(config, json === true));
    });
  program
    .command("version")
    .description("print the version")
    .option("--json", "print JSON for scripts")
    .action(({ json }: { readonly json?: true }) => {
      options.out(json === true ? `${JSON.stringify({ version: options.version })}\n` : `bmlb ${options.version}\n`);
    });

  const runtime = options.environment["RUNTIME_DIRECTORY"] ?? "/run/bmlb";
  program
    .command("reload")
    .description("have the daemon read its configuration again")
    .option("--json", "print JSON for scripts")
    .option("--socket <path>", "control socket of the daemon", `${runtime}/control.sock`)
    .action(async ({ json, socket }: Output) => {
      end(await reload(socket, json === true ? "json" : "text", options));
    });

  for (const [name, description] of [
    ["drain", "have this host serve nothing that another host can, until it is undrained"],
    ["undrain", "have this host serve again"],
  ] as const) {
    program
      .command(name)
      .description(description)
      .option("--json", "print JSON for scripts")
      .option("--socket <path>", "control socket of the daemon", `${runtime}/control.sock`)
      .action(async ({ json, socket }: Output) => {
        end(await drain(name, socket, json === true ? "json" : "text", options.out));
      });
  }

  const defaultSocket = `${runtime}/bmlb.sock`;
  /** A command that prints what the daemon answers; its argument, if it has one, is the target. Its status says whether the answer `isFine`. */
  const question = <Path extends keyof Reports>(
    parent: Command,
    usage: string,
    description: string,
    path: Path,
    show: (report: Reports[Path], target: string | undefined) => string,
    isFine: (report: Reports[Path]) => boolean = () => true,
  ): void => {
    const command = parent.command(usage).description(description).option("--json", "print JSON for scripts").option("--socket <path>", "socket of the daemon", defaultSocket);
    command.action(async () => {
      const { json, socket } = command.opts<Output>();
      const target = command.args[0];
      const report = await ask(socket, path, target === undefined ? {} : { target });
      options.out(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : show(printable(report), target));
      end(isFine(report) ? 0 : 1);
    });
  };
  question(program, "status", "how this host is", "/v1/status", showStatus);
  question(program, "vips", "every VIP, who answers for it and to whom it is announced", "/v1/vips", showVips);
  question(program, "explain <namespace/name|ip>", "why an address does or does not answer here, and who should", "/v1/explain", showExplanations);
  question(program, "hosts", "the hosts of the fleet as this one sees them", "/v1/hosts", showHosts);
  question(program, "pools", "the pools and how full they are", "/v1/pools", showPools);
  const bgp = program.command("bgp").description("the BGP speaker").helpCommand(false);
  question(bgp, "peers [peer]", "the BGP sessions, or all about one; the status is 1 if one is not established", "/v1/bgp/peers", showPeers, allEstablished);
  question(bgp, "routes [peer]", "what was sent to a peer, or to all, with the attributes and for whom; and what waits, and for what", "/v1/bgp/routes", showRoutes);
  question(program, "bfd", "the paths to BGP peers that are watched by BFD; the status is 1 if one is not up", "/v1/bfd", showBfd, allUp);

  program
    .command("rbac")
    .description("print what the cluster must allow bmlb, as manifests for kubectl apply -f -")
    .option("--host <name>", "an account of its own for this host, which may write no other host's Lease; may be repeated", (name, names: readonly string[]) => [...names, name], [])
    .option("-c, --config <file>", "refuse addresses outside the pools of this configuration, and take the namespace from it")
    .option("--namespace <name>", "namespace of the Leases")
    .option("--json", "print JSON for scripts")
    .action(async (chosen: RbacCommand) => {
      const { printRbac } = await import("./rbac-command.ts");
      end(printRbac(chosen, options.out, options.err));
    });
  program
    .command("completion")
    .description("print what a shell needs to complete the commands of bmlb")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"] satisfies Shell[]))
    .action(async (shell: Shell) => {
      const { completionFor } = await import("./completion.ts");
      options.out(completionFor(shell, describeCommand(program)));
    });
  return program;
}
