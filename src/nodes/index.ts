export * from "./fitness.ts";
