/** Program entry: finds out which command is wanted and loads only what that needs. */
import { runProgram } from "./cli/index.ts";

const version = process.env["BMLB_VERSION"] ?? "0.0.0-source";

process.title = "bmlb";

// Who reads only the first lines of a table (`| head`) is right to close the pipe.
let unwritten = 0;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") process.exitCode = unwritten = 1;
});

const status = await runProgram({
  version,
  words: process.argv.slice(2),
  environment: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  run: async (configPath) => (await import("./run.ts")).runDaemon({ configPath, version }),
  check: async (configPath, json) => (await import("./configuration.ts")).checkConfiguration(configPath, json),
});
process.exitCode = Math.max(status, unwritten);
