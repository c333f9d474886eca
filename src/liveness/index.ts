export { HELLO_PORT } from "./groups.ts";
export { Liveness, type LivenessOptions } from "./liveness.ts";
