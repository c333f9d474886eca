/** The completions in the shells that they are for, with a bmlb that answers as the daemon does, and with one that does not. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { VipReport } from "../../src/admin/index.ts";
import { runProgram } from "../../src/cli/index.ts";

const VIPS: readonly VipReport[] = [
  { address: "192.0.2.1", service: "shop/web", pool: "lan", answered_on: ["eth0"], announced_to: [], owners: { eth0: "h1" } },
  { address: "2001:db8::1", service: "shop/web", pool: "lan", answered_on: [], announced_to: [], owners: {} },
  { address: "2001:db8::2", service: null, pool: null, answered_on: [], announced_to: [], owners: {} },
];

const folder = mkdtempSync(join(tmpdir(), "bmlb-completion-"));
after(() => { rmSync(folder, { recursive: true }); });

async function completion(shell: string): Promise<string> {
  let out = "";
  const never = (): Promise<number> => Promise.reject(new Error("not this command"));
  assert.equal(await runProgram({ version: "", words: ["completion", shell], environment: {}, out: (text) => (out += text), err: (text) => assert.fail(text), run: never, check: never }), 0);
  return out;
}

/** What each shell offers for a line; the one under test is in `file`. */
const SHELLS: Readonly<Record<string, (file: string, line: string, path: string) => readonly string[]>> = {
  bash(file, line, path) {
    const script = 'source "$1"; COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=$\' \\t\\n"\\\'><=;|&(:\'; _bmlb; printf "%s\\n" "${COMPREPLY[@]}"';
    return linesOf(execFileSync("bash", ["--norc", "-c", script, "bash", file, line], { encoding: "utf8", env: { ...process.env, PATH: path } }));
  },
  fish(file, line, path) {
    const script = "source $argv[1]; complete -C $argv[2]";
    return linesOf(execFileSync("fish", ["--no-config", "-c", script, file, line], { encoding: "utf8", env: { ...process.env, PATH: path, HOME: folder } })).map((offer) => offer.split("\t")[0] ?? "");
  },
  /** Its completion runs in its line editor only, which wants a terminal. */
  zsh(file, line, path) {
    const offers = join(folder, "offers");
    rmSync(offers, { force: true });
    writeFileSync(join(folder, ".zshrc"), ZSHRC);
    const env = { ...process.env, PATH: path, ZDOTDIR: folder, FILE: file, LINE: line, OFFERS: offers };
    spawnSync("script", ["-qec", "zsh -i", "/dev/null"], { env, stdio: ["ignore", "ignore", "ignore"], timeout: 20_000 });
    return existsSync(offers) ? linesOf(readFileSync(offers, "utf8")) : [];
  },
};

const ZSHRC = `PROMPT=
autoload -Uz compinit
compinit -D -u
source $FILE
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits
  builtin compadd -A hits "$@"
  print -l -- $hits >>$OFFERS
}
zle-line-init() {
  BUFFER=$LINE
  CURSOR=$#BUFFER
  zle complete-word
  exit 0
}
zle -N zle-line-init
`;

const COMMANDS = ["bgp", "check", "completion", "explain", "hosts", "pools", "rbac", "run", "status", "version", "vips"];

for (const [shell, offersOf] of Object.entries(SHELLS)) {
  const skip = spawnSync(shell, ["--version"]).error === undefined ? false : `${shell} is not installed`;
  describe(`the completion for ${shell}`, { skip }, () => {
    const file = join(folder, `completion.${shell}`);
    const program = (text: string): string => {
      const bin = mkdtempSync(join(folder, "bin-"));
      writeFileSync(join(bin, "bmlb"), text);
      chmodSync(join(bin, "bmlb"), 0o755);
      return `${bin}:${process.env["PATH"] ?? ""}`;
    };
    const answering = program(`#!/bin/sh\n[ "$*" = "vips --json" ] && cat <<'END'\n${JSON.stringify(VIPS, undefined, 2)}\nEND\n`);
    const offers = (line: string, path = answering): readonly string[] => offersOf(file, line, path).toSorted();
    before(async () => {
      writeFileSync(file, await completion(shell));
      writeFileSync(join(folder, "config.toml"), "");
    });

    test("knows every command", () => {
      const offered = offers("bmlb ");
      for (const command of COMMANDS) assert.ok(offered.includes(command), `${command} is not among ${offered.join(" ")}`);
      assert.deepEqual(offers("bmlb ch"), ["check"]);
    });

    test("knows the commands within one, and the choices of an argument", () => {
      assert.deepEqual(offers("bmlb bgp p"), ["peers"]);
      assert.deepEqual(offers("bmlb completion z"), ["zsh"]);
      assert.deepEqual(offers("bmlb completion "), ["bash", "fish", "zsh"]);
    });

    test("knows the options of a command, and no other's", () => {
      assert.ok(offers("bmlb rbac --").includes("--namespace"));
      assert.ok(!offers("bmlb rbac --").includes("--socket"));
      assert.ok(offers("bmlb bgp peers --").includes("--socket"));
      assert.ok(offers("bmlb vips --json --").includes("--socket"), "also after another option");
    });

    test("knows that -c is followed by a file, and --host by nothing it could know", () => {
      assert.deepEqual(offers(`bmlb check -c ${folder}/conf`).map((offer) => offer.split("/").at(-1)), ["config.toml"]);
      assert.deepEqual(offers("bmlb rbac --host "), []);
      assert.ok(offers(`bmlb check -c ${folder}/config.toml --`).includes("--json"), "and goes on after it");
    });

    test("explain is offered what the daemon knows", () => {
      assert.deepEqual(offers("bmlb explain "), ["192.0.2.1", "2001:db8::1", "2001:db8::2", "shop/web"]);
      assert.deepEqual(offers("bmlb explain sh"), ["shop/web"]);
    });

    test("an IPv6 address goes on after a colon", () => {
      // bash inserts what follows the last colon, where that ends a word; the others the whole word.
      assert.deepEqual(offers("bmlb explain 2001:db8::").map((offer) => offer.replace(/^2001:db8::/, "")), ["1", "2"]);
    });

    test("nothing is said where the daemon does not answer", () => {
      const silent = program("#!/bin/sh\necho 'bmlb: bmlb is not running here' >&2\nexit 1\n");
      assert.deepEqual(offers("bmlb explain 1", silent), []);
    });
  });
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}
