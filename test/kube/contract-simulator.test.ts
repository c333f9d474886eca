import { contract } from "./contract/index.ts";
import { startSimulator } from "./simulator/index.ts";

contract("the API server simulator", async () => {
  const simulator = await startSimulator();
  return Object.assign(simulator, { forget: () => simulator.compact() });
});
