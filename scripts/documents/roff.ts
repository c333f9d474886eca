/**
 * Manual pages in roff with the macros of man(7), which man-db and mandoc both read. Pure.
 *
 * Text has two marks: `what is typed as it stands` becomes bold, <what something else is put for> becomes italic.
 */

export type Block =
  | { readonly type: "section" | "subsection"; readonly title: string }
  | { readonly type: "paragraph"; readonly text: string }
  /** A term and what is said of it, in one paragraph or more. */
  | { readonly type: "item"; readonly term: string; readonly text: readonly [string, ...string[]] }
  /** Lines as they stand. */
  | { readonly type: "example"; readonly text: string };

export type Page = {
  readonly name: string;
  readonly section: 5 | 8;
  /** What the manual is of: the foot of the page. */
  readonly source: string;
  /** ISO 8601; when the page was last changed. */
  readonly date: string;
  readonly blocks: readonly Block[];
};

/** Columns of a source line. */
const WIDTH = 78;

export function section(title: string, ...blocks: readonly Block[]): readonly Block[] {
  return [{ type: "section", title }, ...blocks];
}

export function subsection(title: string, ...blocks: readonly Block[]): readonly Block[] {
  return [{ type: "subsection", title }, ...blocks];
}

export function paragraph(text: string): Block {
  return { type: "paragraph", text };
}

export function item(term: string, ...text: readonly [string, ...string[]]): Block {
  return { type: "item", term, text };
}

export function example(text: string): Block {
  return { type: "example", text };
}

/** Throws RangeError for text that is not ASCII: not every reader of roff knows what its octets are. */
export function formatPage({ name, section: number, source, date, blocks }: Page): string {
  const head = ['.\\" Made by "npm run documents"; not to be edited.', `.TH ${name.toUpperCase()} ${number} ${date} "${source}"`];
  // Text is filled, and neither stretched to the margin nor broken within words: much of it is to be typed.
  const text = [...head, ".nr HY 0", ".nh", ".ad l", ...blocks.flatMap((block, i) => linesOf(block, blocks[i - 1]))].join("\n");
  const strange = /[^\x20-\x7e\n]/.exec(text);
  if (strange !== null) throw new RangeError(`${JSON.stringify(text.slice(Math.max(0, strange.index - 40), strange.index + 1))} is not ASCII`);
  return `${text}\n`;
}

function linesOf(block: Block, before: Block | undefined): readonly string[] {
  switch (block.type) {
    case "section":
      return [`.SH ${macroWord(block.title)}`];
    case "subsection":
      return [`.SS ${macroWord(block.title)}`];
    case "paragraph":
      // The first paragraph of a section begins with it.
      return before?.type === "section" || before?.type === "subsection" ? filled(block.text) : [".PP", ...filled(block.text)];
    case "item":
      return [".TP", guarded(inline(block.term)), ...filled(block.text[0]), ...block.text.slice(1).flatMap((text) => [".IP", ...filled(text)])];
    case "example":
      return [...(before?.type === "section" || before?.type === "subsection" ? [] : [".PP"]), ".RS 4", ".EX", ...block.text.split("\n").map((line) => guarded(literal(line))), ".EE", ".RE"];
  }
}

/** Lines of source, broken between words. */
function filled(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of inline(text).split(" ")) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].map(guarded);
}

/** A line of text that begins as a macro would is no macro. */
function guarded(line: string): string {
  return /^['.]/.test(line) ? `\\&${line}` : line;
}

function inline(text: string): string {
  return text.replace(/`([^`]*)`|<([^<>]*)>|[^`<]+|[`<]/g, (all, bold?: string, italic?: string) => {
    if (bold !== undefined) return `\\fB${literal(bold)}\\fR`;
    if (italic !== undefined) return `\\fI${literal(italic)}\\fR`;
    return prose(all);
  });
}

function prose(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("~", "\\(ti").replaceAll("^", "\\(ha");
}

/** What is copied from the screen must be what is typed: no typographic hyphens, quotes or accents. */
function literal(text: string): string {
  return prose(text).replaceAll("-", "\\-").replaceAll("'", "\\(aq").replaceAll("`", "\\(ga");
}

function macroWord(text: string): string {
  return /^[^\s"]+$/.test(text) ? text : `"${text.replaceAll('"', "\\(dq")}"`;
}
