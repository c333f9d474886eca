export * from "./planner.ts";
export * from "./queue.ts";
export * from "./reason.ts";
export * from "./vip.ts";
export type * from "./world.ts";
