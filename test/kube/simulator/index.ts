/**
 * The face of the API server simulator.
 */
export { type SimulatedApi, Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";
export { SimulatorProcess } from "./process.ts";
export type { Population } from "./bootstrap.ts";
export type { LoggedRequest } from "./server.ts";
