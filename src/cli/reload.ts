/** `bmlb reload`: has the daemon read its configuration again, and says what came of it. It is the unit's ExecReload. */
import { order } from "./ask.ts";
import { printable } from "./printable.ts";

type Terminal = { readonly out: (text: string) => void; readonly err: (text: string) => void };

/** Returns the exit status. Throws AskError. */
export async function reload(socket: string, output: "text" | "json", { out, err }: Terminal): Promise<number> {
  const report = await order(socket, "/v1/reload");
  if (output === "json") out(`${JSON.stringify(report, undefined, 2)}\n`);
  else {
    const { changes, problems, warnings } = printable(report);
    const said = [...problems, ...warnings.map((warning) => `warning: ${warning}`), ...(report.applied ? [] : ["bmlb: nothing was applied: what was in force before stays in force"])];
    err(said.map((line) => `${line}\n`).join(""));
    if (report.applied) out(changes.length === 0 ? "nothing changed\n" : changes.map((change) => `${change}\n`).join(""));
  }
  return report.applied ? 0 : 1;
}
