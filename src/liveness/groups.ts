/** Where hellos go: link-local multicast groups, "bmlb" in each, and a port. */
import { address } from "../net/index.ts";

export const HELLO_GROUP_IPV6 = address("ff12::626d:6c62");
/** On segments where this host has no IPv6 link-local address, or another one is heard that has none. */
export const HELLO_GROUP_IPV4 = address("239.255.98.108");
/** Beside the metrics' 7472. */
export const HELLO_PORT = 7473;
