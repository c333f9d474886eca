export * from "./cluster.ts";
export * from "./objects.ts";
