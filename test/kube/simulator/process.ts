/**
 * The simulator in a process and, if wanted, a network namespace of its own: it can be stopped by SIGSTOP or killed as a server can.
 */
import { fileURLToPath } from "node:url";
import type { CredentialForm, Fault, User } from "../api-under-test.ts";
import { CommandedChild } from "../child.ts";
import { removeFolder, temporaryFolder } from "../leftovers.ts";
import { Workloads } from "../workloads.ts";
import type { StorageState } from "./api.ts";
import type { Population } from "./bootstrap.ts";
import type { LoggedRequest } from "./server.ts";
import type { SimulatedApi, SimulatorOptions } from "./simulator.ts";

const PROGRAM = fileURLToPath(new URL("main.ts", import.meta.url));

export class SimulatorProcess implements SimulatedApi {
  readonly url: string;
  readonly ca: string;
  readonly workloads: Workloads;
  readonly #child: CommandedChild;
  readonly #folder: string;

  private constructor(child: CommandedChild, folder: string, { url, ca }: { readonly url: string; readonly ca: string }) {
    this.#child = child;
    this.#folder = folder;
    this.url = url;
    this.ca = ca;
    this.workloads = new Workloads(this);
  }

  /** @param namespace the name of a network namespace, whose loopback must be up if the simulator listens there */
  static async start(options: SimulatorOptions & { readonly namespace?: string } = {}): Promise<SimulatorProcess> {
    const { namespace, ...rest } = options;
    const child = CommandedChild.start("the simulator", PROGRAM, namespace);
    const folder = temporaryFolder("simulator");
    try {
      return new SimulatorProcess(child, folder, (await child.call("start", { ...rest, folder })) as { readonly url: string; readonly ca: string });
    } catch (error) {
      await child.stop();
      removeFolder(folder);
      throw error;
    }
  }

  /** For signals. While it is stopped by SIGSTOP no command is answered either, `request()` among them. */
  get pid(): number {
    return this.#child.pid;
  }

  kubeconfig(user: User, form: CredentialForm): Promise<string> {
    return this.#child.call("kubeconfig", [user, form]) as Promise<string>;
  }

  request(method: string, path: string, body?: unknown, contentType?: string): Promise<{ readonly status: number; readonly body: unknown }> {
    return this.#child.call("request", contentType === undefined ? [method, path, body] : [method, path, body, contentType]) as Promise<{ readonly status: number; readonly body: unknown }>;
  }

  async fault(fault: Fault): Promise<void> {
    await this.#child.call("fault", fault);
  }

  async compact(): Promise<void> {
    await this.#child.call("compact", undefined);
  }

  backup(): Promise<number> {
    return this.#child.call("backup", undefined) as Promise<number>;
  }

  async restore(backup: number): Promise<void> {
    await this.#child.call("restore", backup);
  }

  async populate(population: Population): Promise<void> {
    await this.#child.call("populate", population);
  }

  async depopulate(namespace: string): Promise<void> {
    await this.#child.call("depopulate", namespace);
  }

  requests(): Promise<readonly LoggedRequest[]> {
    return this.#child.call("requests", undefined) as Promise<readonly LoggedRequest[]>;
  }

  async rotateToken(user: User): Promise<void> {
    await this.#child.call("rotateToken", user);
  }

  async setStorage(state: StorageState): Promise<void> {
    await this.#child.call("setStorage", state);
  }

  async endWatches(): Promise<void> {
    await this.#child.call("endWatches", undefined);
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    removeFolder(this.#folder);
  }
}
