/** Every file that is made from the schema and the command line, by its path in the repository. Pure. */
import { SCHEMA } from "../../src/config/index.ts";
import { configFile } from "./config-file.ts";

export function documents(): ReadonlyMap<string, string> {
  return new Map([["etc/config.toml", configFile(SCHEMA)]]);
}
