/**
 * Connections through the proxy that a kubeconfig names: HTTP CONNECT (RFC 9110 9.3.6), itself with or without TLS, and SOCKS5 (RFC 1928), in
 * which the proxy looks up names, as kubectl has it.
 *
 * The client library's agents are not used: they write IPv6 addresses without brackets, cannot reach a proxy at one, trust only public
 * authorities for its certificate, keep the first client certificate for ever, and cut a SOCKS connection that is quiet for as long as
 * connecting may take, which is every watch.
 */
import { request as httpRequest } from "node:http";
import { Agent, type AgentOptions, type RequestOptions, request as httpsRequest } from "node:https";
import { isIP, isIPv6, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getCACertificates } from "node:tls";

/** How long a proxy may take to connect us, in ms. */
const PROXY_MS = 10_000;

/** By which the certificate of a proxy is judged: as the server's, or as a public one. */
type Trust = { readonly ca: RequestOptions["ca"]; readonly rejectUnauthorized: RequestOptions["rejectUnauthorized"] };

/** An error of the proxy's, not of the server behind it. */
class ProxyError extends Error {
  readonly code = "EPROXY";
}

/** As node's own, but every connection goes through the proxy. */
export class ProxiedAgent extends Agent {
  readonly #proxy: URL;

  constructor(proxy: URL, options: AgentOptions) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(options: RequestOptions, callback: (error: Error | null, stream: Duplex) => void): undefined {
    const [host, port] = [options.host ?? "", Number(options.port ?? 443)];
    connectThrough(this.#proxy, host, port, { ca: options.ca, rejectUnauthorized: options.rejectUnauthorized }).then(
      (socket) => {
        // Node's type says that a stream is returned; the TLS over an open socket is.
        const secure = super.createConnection({ ...options, socket } as RequestOptions) as Duplex;
        callback(null, secure);
      },
      (error: unknown) => {
        (callback as (error: Error) => void)(new ProxyError(`the proxy ${this.#proxy.protocol}//${this.#proxy.host} does not connect us to ${authority(host, port)}: ${(error as Error).message}`));
      },
    );
    return undefined;
  }
}

function connectThrough(proxy: URL, host: string, port: number, trust: Trust): Promise<Socket> {
  return proxy.protocol.startsWith("socks") ? connectBySocks(proxy, host, port) : connectByHttp(proxy, host, port, trust);
}

async function connectByHttp(proxy: URL, host: string, port: number, { ca, rejectUnauthorized }: Trust): Promise<Socket> {
  const target = authority(host, port);
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const hostname = withoutBrackets(proxy.hostname);
  const options: RequestOptions = {
    method: "CONNECT",
    hostname,
    // Else node would take the name in Host for the proxy's: RFC 6066 3 has no addresses.
    servername: isIP(hostname) === 0 ? hostname : "",
    port: proxy.port === "" ? (proxy.protocol === "https:" ? 443 : 80) : Number(proxy.port),
    path: target,
    agent: false,
    headers: { Host: target, "User-Agent": "bmlb", ...(credentials === ":" ? {} : { "Proxy-Authorization": `Basic ${Buffer.from(credentials).toString("base64")}` }) },
    ...(ca === undefined ? {} : { ca: [...getCACertificates("default"), ...[ca].flat().map(String)] }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
  return new Promise((resolve, reject) => {
    const request = (proxy.protocol === "https:" ? httpsRequest : httpRequest)(options);
    const timer = AbortSignal.timeout(PROXY_MS);
    const late = (): void => {
      request.destroy(new Error(`no answer within ${PROXY_MS / 1000} s`));
    };
    timer.addEventListener("abort", late);
    request.on("connect", ({ statusCode = 0, statusMessage = "" }, socket: Socket, head: Buffer) => {
      timer.removeEventListener("abort", late);
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new Error(`it answers ${statusCode} ${statusMessage}${statusCode === 407 ? "; write the user name and password into proxy-url, as in http://USER:PASSWORD@HOST:PORT" : ""}`));
    });
    request.on("error", (error) => {
      timer.removeEventListener("abort", late);
      reject(error);
    });
    request.end();
  });
}

async function connectBySocks(proxy: URL, host: string, port: number): Promise<Socket> {
  const { SocksClient } = await import("./socks.ts");
  const { socket } = await SocksClient.createConnection({
    command: "connect",
    proxy: {
      host: withoutBrackets(proxy.hostname),
      port: proxy.port === "" ? 1080 : Number(proxy.port),
      type: 5,
      ...(proxy.username === "" ? {} : { userId: decodeURIComponent(proxy.username), password: decodeURIComponent(proxy.password) }),
    },
    destination: { host, port },
    timeout: PROXY_MS,
  });
  return socket;
}

/** HOST:PORT of a URL. */
function authority(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}
