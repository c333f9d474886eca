/**
 * A plain HTTPS client for tests that look at the server's answers themselves: headers, connections, single lines of a watch.
 *
 * Uses nothing of the product: what is tested with it is the server.
 */
import { readFile } from "node:fs/promises";
import { Agent, request as send } from "node:https";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { ApiUnderTest, User } from "./api-under-test.ts";
import { asList, asText, at, type Json, type JsonObject } from "./simulator/json.ts";

export type WireAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string; readonly body: Json };

export type Credentials = { readonly certificate?: string; readonly key?: string; readonly token?: string };

export type WatchEvent = { readonly type: string; readonly object: JsonObject };

const PATIENCE_MS = 10_000;

/** What a kubeconfig that the tests wrote says of the user. */
export async function credentialsOf(api: ApiUnderTest, user: User, form: "certificate" | "token" | "token-file"): Promise<Credentials> {
  const config = JSON.parse(await readFile(await api.kubeconfig(user, form), "utf8")) as Json;
  const credential = at(asList(at(config, "users"))[0], "user");
  const decode = (field: string): string => Buffer.from(asText(at(credential, field)), "base64").toString();
  switch (form) {
    case "certificate":
      return { certificate: decode("client-certificate-data"), key: decode("client-key-data") };
    case "token":
      return { token: asText(at(credential, "token")) };
    case "token-file":
      return { token: (await readFile(asText(at(credential, "tokenFile")), "utf8")).trim() };
  }
}

export class WireClient {
  readonly #url: string;
  readonly #agent: Agent;
  readonly #token: string | undefined;

  /** Keeps one connection alive. */
  constructor(api: Pick<ApiUnderTest, "url" | "ca">, { certificate, key, token }: Credentials) {
    this.#url = api.url;
    this.#agent = new Agent({ ca: api.ca, keepAlive: true, maxSockets: 1, ...(certificate === undefined ? {} : { cert: certificate, key }) });
    this.#token = token;
  }

  static async as(api: ApiUnderTest, user: User, form: "certificate" | "token" | "token-file" = "certificate"): Promise<WireClient> {
    return new WireClient(api, await credentialsOf(api, user, form));
  }

  /** One request. Rejects if no answer has come after `patienceMs`. */
  async ask(method: string, path: string, body?: unknown, contentType = "application/json", patienceMs = PATIENCE_MS): Promise<WireAnswer> {
    const answer = await this.#send(method, path, body, contentType, patienceMs);
    const text = await textOf(answer);
    const isJson = answer.headers["content-type"]?.startsWith("application/json") === true;
    return { status: answer.statusCode ?? 0, headers: answer.headers, text, body: isJson ? (JSON.parse(text) as Json) : null };
  }

  /** Opens a watch on a connection of its own; `path` has everything but `watch=true`. Rejects if the server refuses it. */
  async watch(path: string): Promise<WireWatch> {
    const answer = await this.#send("GET", `${path}${path.includes("?") ? "&" : "?"}watch=true`, undefined, "application/json", PATIENCE_MS, new Agent({ ...this.#agent.options, keepAlive: false }));
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode ?? 0} ${await textOf(answer)}`);
    return new WireWatch(answer);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body: unknown, contentType: string, patienceMs: number, agent = this.#agent): Promise<IncomingMessage> {
    const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const authorization = this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` };
    const headers = { Accept: "application/json", ...authorization, ...(text === "" ? {} : { "Content-Type": contentType, "Content-Length": Buffer.byteLength(text) }) };
    return new Promise((resolve, reject) => {
      const request = send(new URL(path, this.#url), { method, agent, headers }, (answer) => {
        clearTimeout(patience);
        resolve(answer);
      });
      const patience = setTimeout(() => request.destroy(new Error(`no answer to ${method} ${path} within ${patienceMs} ms`)), patienceMs);
      request.on("error", (error) => {
        clearTimeout(patience);
        reject(error);
      });
      request.end(text);
    });
  }
}

/** A running watch: its events in order, and how it ended. */
export class WireWatch {
  readonly headers: IncomingHttpHeaders;
  readonly #answer: IncomingMessage;
  readonly #events: WatchEvent[] = [];
  #rest = "";
  #state: "open" | "ended" | "broken" = "open";
  #wake: () => void = () => undefined;

  constructor(answer: IncomingMessage) {
    this.#answer = answer;
    this.headers = answer.headers;
    answer.setEncoding("utf8");
    answer.on("data", (text: string) => { this.#take(text); });
    answer.on("end", () => { this.#finish("ended"); });
    answer.on("error", () => { this.#finish("broken"); });
    answer.on("close", () => { this.#finish(answer.complete ? "ended" : "broken"); });
  }

  /** "ended" by the server as it should be, or "broken" as a connection breaks. */
  get state(): "open" | "ended" | "broken" {
    return this.#state;
  }

  /** How many events have come and were not taken. */
  get pending(): number {
    return this.#events.length;
  }

  /** The next event of one of these types (any, if none is given), passing over others. Rejects after `patienceMs`, or when the watch is over. */
  async next(types: readonly string[] = [], patienceMs = PATIENCE_MS): Promise<WatchEvent> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) if (types.length === 0 || types.includes(event.type)) return event;
      if (this.#state !== "open") throw new Error(`the watch is over (${this.#state})`);
      if (!(await this.#somethingUntil(deadline))) throw new Error(`no ${types.join(" or ") || "event"} within ${patienceMs} ms`);
    }
  }

  /** Resolves when the server has ended the watch or the connection has broken. Rejects after `patienceMs`. */
  async over(patienceMs = PATIENCE_MS): Promise<"ended" | "broken"> {
    const deadline = performance.now() + patienceMs;
    while (this.#state === "open") if (!(await this.#somethingUntil(deadline))) throw new Error(`the watch is still open after ${patienceMs} ms`);
    return this.#state;
  }

  close(): void {
    this.#answer.destroy();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#events.push(JSON.parse(line) as WatchEvent);
    this.#wake();
  }

  #finish(state: "ended" | "broken"): void {
    if (this.#state === "open") this.#state = state;
    this.#wake();
  }

  /** False if nothing happened until then. */
  #somethingUntil(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => { resolve(false); }, Math.max(0, deadline - performance.now()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = "";
  answer.setEncoding("utf8");
  for await (const piece of answer) text += String(piece);
  return text;
}
