export * from "./fitness.ts";
export * from "./seen.ts";
