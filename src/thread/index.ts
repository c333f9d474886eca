export * from "./channel.ts";
export * from "./pulse.ts";
export * from "./worker-thread.ts";
