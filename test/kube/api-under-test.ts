/**
 * A Kubernetes API server as the tests see it: the simulator (test/kube/simulator/) or a real kube-apiserver with a proxy in front
 * (test/kube/real/). Contract tests are written against this face and run unchanged against both.
 *
 * Types only: what starts a server stands in the two folders beside this file.
 */

/** The media type of the two patches that the product sends, and the one that kubectl prefers. */
export type PatchType = "application/merge-patch+json" | "application/json-patch+json" | "application/strategic-merge-patch+json";

/**
 * Who is asking.
 *  - `admin`: group system:masters, may do everything.
 *  - `bmlb`: what the shipped Role grants: get, list, watch of services, endpointslices, nodes and namespaces; update and patch of
 *    services/status; create of events (events.k8s.io); leases without restriction and get of the secret bmlb-fleet in the
 *    namespace bmlb-system.
 *  - `nobody`: authenticated, and allowed nothing: every request to a resource is 403.
 */
export type User = "admin" | "bmlb" | "nobody";

/**
 * How a kubeconfig proves who is asking.
 *  - `certificate`: client-certificate-data and client-key-data.
 *  - `token`: a bearer token in the file.
 *  - `token-file`: a bearer token in a file of its own (`tokenFile`), with the trailing newline that such files have.
 *  - `exec`: a command that prints an ExecCredential (client.authentication.k8s.io/v1) with a token.
 */
export type CredentialForm = "certificate" | "token" | "token-file" | "exec";

/**
 * What is wrong with the server, from the moment that `fault()` resolves until the next `fault()`.
 *  - `none`: nothing. Requests held by `freeze` or `slow` are let go; some of them are still carried out, as after a real thaw.
 *  - `freeze`: TCP connections are accepted and keep-alives answered (by the kernel), and nothing else is: a TLS handshake or a
 *    request hangs, a running watch stays open and silent.
 *  - `refuse`: new TCP connections are refused, and those that exist are closed, as when the process was killed.
 *  - `reset`: every connection, existing or new, is answered with RST.
 *  - `slow`: each answer, and each event of a watch, comes about a second late, in order.
 *  - 429: every new request is answered 429 with `Retry-After: 1` and a Status; running watches go on.
 *  - 500, 503: every new request is answered so with a Status; running watches go on.
 *  - `silent-watch`: requests are answered, but a watch delivers nothing, neither event nor bookmark, and stays open beyond its
 *    timeoutSeconds. Events held back are not delivered later: they are lost to that watch, as after an etcd restore.
 */
export type Fault = "none" | "freeze" | "refuse" | "reset" | "slow" | 429 | 500 | 503 | "silent-watch";

export interface ApiUnderTest {
  /** `https://ADDRESS:PORT`, without a slash at the end. */
  readonly url: string;
  /** The certificate of the authority that signed the server's certificate, as PEM text. */
  readonly ca: string;
  /** Writes a kubeconfig and returns its path. The file, and what it points to, is gone after `stop()`. */
  kubeconfig(user: User, form: CredentialForm): Promise<string>;
  /**
   * Sends one request as `admin`, past every fault, and returns what the server said; a refusal is an answer, not an exception.
   * @param path with its query, for example `/api/v1/services?limit=1`
   * @param contentType of the body; `application/json` when left out. For PATCH name one of {@link PatchType}
   */
  request(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown, contentType?: string): Promise<{ readonly status: number; readonly body: unknown }>;
  /** Breaks the server, or mends it. */
  fault(fault: Fault): Promise<void>;
  /**
   * Forgets the history up to now: a watch that resumes from before gets 410, and so does a list that goes on from before. On a real
   * server its process is started anew for that, and every connection breaks.
   */
  compact(): Promise<void>;
  /** Ends everything that was started and removes every file. Idempotent. */
  stop(): Promise<void>;
}
