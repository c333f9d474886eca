/** Writes a configuration, given as a value, as TOML 1.0. */

export type TomlValue = string | number | boolean | readonly TomlValue[] | { readonly [key: string]: TomlValue | undefined };

/** A table as TOML text. Keys whose value is undefined are left out. */
export function toToml(table: { readonly [key: string]: TomlValue | undefined }): string {
  const lines: string[] = [];
  writeTable(table, [], lines);
  return `${lines.join("\n")}\n`;
}

type Table = { readonly [key: string]: TomlValue | undefined };

function writeTable(table: Table, path: readonly string[], lines: string[]): void {
  // Values before tables: a key written after a header would belong to that table.
  for (const [key, value] of Object.entries(table)) {
    if (value !== undefined && !isTable(value) && !isTables(value)) lines.push(`${name(key)} = ${inline(value)}`);
  }
  for (const [key, value] of Object.entries(table)) {
    const here = [...path, name(key)];
    if (value !== undefined && isTable(value)) {
      lines.push("", `[${here.join(".")}]`);
      writeTable(value, here, lines);
    } else if (value !== undefined && isTables(value)) {
      for (const one of value) {
        lines.push("", `[[${here.join(".")}]]`);
        writeTable(one, here, lines);
      }
    }
  }
}

function inline(value: TomlValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (isTable(value)) return `{ ${Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [`${name(key)} = ${inline(one)}`])).join(", ")} }`;
  return `[${value.map(inline).join(", ")}]`;
}

function name(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

/** Whether a value is a table and not an array or a scalar. */
export function isTable(value: TomlValue): value is Table {
  return typeof value === "object" && !Array.isArray(value);
}

function isTables(value: TomlValue): value is readonly Table[] {
  return Array.isArray(value) && value.length > 0 && value.every((one: TomlValue) => isTable(one));
}
