export * from "./program.ts";
export * from "./run-program.ts";
