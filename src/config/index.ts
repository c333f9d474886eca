export * from "./config.ts";
export * from "./glob.ts";
export * from "./selector.ts";
