export * from "./tcp-socket.ts";
export * from "./notify.ts";
export * from "./addresses-beside.ts";
export * from "./links.ts";
export * from "./link-watcher.ts";
export * from "./frame-socket.ts";
export * from "./files.ts";
export * from "./machine.ts";
