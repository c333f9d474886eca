/** `bmlb drain` and `bmlb undrain`: tell the daemon to serve nothing that another host can, or to serve again. */
import { order } from "./ask.ts";
import { printable } from "./printable.ts";

/** Returns the exit status: 1 if it is not so afterwards. Throws AskError. */
export async function drain(wanted: "drain" | "undrain", socket: string, output: "text" | "json", out: (text: string) => void): Promise<number> {
  const report = await order(socket, wanted === "drain" ? "/v1/drain" : "/v1/undrain");
  out(output === "json" ? `${JSON.stringify(report, undefined, 2)}\n` : `${report.drained ? "drained" : "not drained"}: ${printable(report).note}\n`);
  return report.drained === (wanted === "drain") ? 0 : 1;
}
