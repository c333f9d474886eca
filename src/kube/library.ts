/**
 * What we take of the client library to prove who we are by OIDC. In a file of its own, so that it is loaded when it is first needed:
 * with all its plug-ins it is slow to load, and what must listen first does without it.
 */
export { KubeConfig } from "@kubernetes/client-node";
