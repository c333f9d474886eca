export { Liveness } from "./liveness.ts";
