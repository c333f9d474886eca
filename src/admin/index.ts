export * from "./metrics.ts";
export type * from "./reports.ts";
export * from "./socket.ts";
