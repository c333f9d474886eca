export * from "./ipam.ts";
