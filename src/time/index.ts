export * from "./backoff.ts";
export * from "./clock.ts";
export * from "./due.ts";
export * from "./random.ts";
export * from "./virtual.ts";
export * from "./within.ts";
