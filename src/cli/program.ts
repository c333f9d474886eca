/**
 * The command line: `bmlb run` is the daemon, the rest is for people and, with --json, for scripts.
 *
 * Exit status: 0 = fine, 1 = it is not, 2 = wrong usage.
 */
import { Command, CommanderError } from "commander";
import type { Reports } from "../admin/index.ts";
import { ask, AskError } from "./ask.ts";
import { printable } from "./printable.ts";
import { reload } from "./reload.ts";
import { showExplanations, showHosts, showPeers, showPools, showStatus, showVips } from "./show.ts";

export const DEFAULT_CONFIG = "/etc/bmlb/config.toml";

export type ProgramOptions = {
  readonly version: string;
  /** Words after the program's name. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Runs the daemon until it is told to stop; resolves with the exit status. */
  readonly run: (configPath: string) => Promise<number>;
  /** Checks a configuration; resolves with the exit status. */
  readonly check: (configPath: string, json: boolean) => Promise<number>;
};

type Output = { readonly json?: true; readonly socket: string };

/** Carries out one command; resolves with the exit status. */
export async function runProgram(options: ProgramOptions): Promise<number> {
  let status = 0;
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
      status = await options.run(config);
    });
  program
    .command("check")
    .description("check a configuration without starting anything")
    .option("-c, --config <file>", "configuration file", DEFAULT_CONFIG)
    .option("--json", "print JSON for scripts")
    .action(async ({ config, json }: { readonly config: string; readonly json?: true }) => {
      status = await options.check(config, json === true);
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
      status = await reload(socket, json === true ? "json" : "text", options);
    });

  const defaultSocket = `${runtime}/bmlb.sock`;
  /** A command that prints what the daemon answers; its argument, if it has one, is the target. */
  const question = <Path extends keyof Reports>(parent: Command, usage: string, description: string, path: Path, show: (report: Reports[Path]) => string): void => {
    const command = parent.command(usage).description(description).option("--json", "print JSON for scripts").option("--socket <path>", "socket of the daemon", defaultSocket);
    command.action(async () => {
      const { json, socket } = command.opts<Output>();
      const target = command.args[0];
      const report = await ask(socket, path, target === undefined ? {} : { target });
      options.out(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : show(printable(report)));
    });
  };
  question(program, "status", "how this host is", "/v1/status", showStatus);
  question(program, "vips", "every VIP, who answers for it and to whom it is announced", "/v1/vips", showVips);
  question(program, "explain <namespace/name|ip>", "why an address does or does not answer here, and who should", "/v1/explain", showExplanations);
  question(program, "hosts", "the hosts of the fleet as this one sees them", "/v1/hosts", showHosts);
  question(program, "pools", "the pools and how full they are", "/v1/pools", showPools);
  const bgp = program.command("bgp").description("the BGP speaker").helpCommand(false);
  question(bgp, "peers", "the BGP sessions", "/v1/bgp/peers", showPeers);

  try {
    await program.parseAsync(options.words, { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof AskError)) throw error;
    options.err(`bmlb: ${printable(error.message)}\n`);
    return 1;
  }
}
