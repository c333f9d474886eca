export * from "./tcp-socket.ts";
export * from "./notify.ts";
