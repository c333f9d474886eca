export * from "./error.ts";
export * from "./ethernet.ts";
export * from "./arp.ts";
export * from "./ipv6.ts";
export * from "./ndp.ts";
export * from "./router-discovery.ts";
export * from "./bgp/index.ts";
export * from "./hello.ts";
