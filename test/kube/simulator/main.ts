/**
 * The simulator as a process of its own, started by {@link SimulatorProcess} and commanded over IPC.
 */
import type { ApiUnderTest, CredentialForm, Fault, User } from "../api-under-test.ts";
import { obey } from "../child.ts";
import type { StorageState } from "./api.ts";
import type { Population } from "./bootstrap.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";

let simulator: Simulator | undefined;

function running(): Simulator {
  if (simulator === undefined) throw new Error("the simulator has not been started");
  return simulator;
}

obey({
  start: async (options: SimulatorOptions) => {
    simulator = await startSimulator(options);
    return { url: simulator.url, ca: simulator.ca };
  },
  kubeconfig: ([user, form]: readonly [User, CredentialForm]) => running().kubeconfig(user, form),
  request: (parameters: Parameters<ApiUnderTest["request"]>) => running().request(...parameters),
  fault: (fault: Fault) => running().fault(fault),
  compact: () => running().compact(),
  backup: () => running().backup(),
  restore: (backup: number) => running().restore(backup),
  populate: (population: Population) => running().populate(population),
  depopulate: (namespace: string) => running().depopulate(namespace),
  requests: () => running().requests(),
  rotateToken: (user: User) => running().rotateToken(user),
  setStorage: (state: StorageState) => running().setStorage(state),
  endWatches: () => running().endWatches(),
  stop: () => running().stop(),
});
