export * from "./answers.ts";
export * from "./control.ts";
export type * from "./exposition.ts";
export { isListenedOn } from "./listen.ts";
export * from "./metrics.ts";
export * from "./reporter.ts";
export type * from "./reports.ts";
export * from "./samples.ts";
export * from "./socket.ts";
