/** The SOCKS client, in a file of its own, so that it is loaded only where a kubeconfig names such a proxy. */
export { SocksClient } from "socks";
