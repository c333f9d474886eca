/**
 * GoBGP's API, the few calls that the benchmark needs: gRPC over HTTP/2, and protocol buffers by hand (api/gobgp.proto of GoBGP 3). Its own
 * command line is a new process for each order, and loads routes one by one or, from a file, not all of them.
 */
import { connect, type ClientHttp2Session } from "node:http2";
import { connect as netConnect } from "node:net";

export type ApiPath = { readonly nlri: Uint8Array; readonly attributes: readonly Uint8Array[] };

const PATHS_A_MESSAGE = 1000;
const IPV4_UNICAST = message(varint(1, 1), varint(2, 1)); // Family { afi = 1, safi = 2 }

export class GobgpApi {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  /** @param socket where gobgpd was told to listen */
  static connect(socket: string): GobgpApi {
    const session = connect("http://gobgp", { createConnection: () => netConnect(socket) });
    session.on("error", () => undefined); // each call tells
    return new GobgpApi(session);
  }

  /** AddPathStream: adds or replaces these; returns when they are in the table. */
  async add(paths: readonly ApiPath[]): Promise<void> {
    const messages: Uint8Array[] = [];
    for (let from = 0; from < paths.length; from += PATHS_A_MESSAGE) {
      // AddPathStreamRequest { paths = 3 }
      messages.push(message(...paths.slice(from, from + PATHS_A_MESSAGE).map((path) => field(3, encodePath(path)))));
    }
    await this.#call("AddPathStream", messages);
  }

  /** DeletePath of the whole family. */
  async deleteAll(): Promise<void> {
    await this.#call("DeletePath", [message(field(3, IPV4_UNICAST))]);
  }

  /** ResetPeer, soft and outward: all routes are judged again by the policies, and sent. */
  async resetOut(neighbor: string): Promise<void> {
    // ResetPeerRequest { address = 1, soft = 3, direction = 4: OUT }
    await this.#call("ResetPeer", [message(field(1, Buffer.from(neighbor)), varint(3, 1), varint(4, 1))]);
  }

  close(): void {
    this.#session.destroy();
  }

  #call(method: string, messages: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({ ":method": "POST", ":path": `/apipb.GobgpApi/${method}`, "content-type": "application/grpc", te: "trailers" });
      let said = "";
      const judge = (headers: Readonly<Record<string, string | string[] | number | undefined>>): void => {
        const status = headers["grpc-status"];
        if (status !== undefined && status !== "0") said = `${String(status)} ${String(headers["grpc-message"])}`;
      };
      stream.on("response", judge).on("trailers", judge).on("error", reject).resume();
      stream.on("close", () => {
        if (said === "") resolve();
        else reject(new Error(`gobgpd refused ${method}: ${said}`));
      });
      for (const body of messages) {
        const prefix = Buffer.alloc(5); // not compressed; length
        prefix.writeUInt32BE(body.length, 1);
        stream.write(Buffer.concat([prefix, body]));
      }
      stream.end();
    });
  }
}

/** Path { family = 9, nlri_binary = 20, pattrs_binary = 21 } */
function encodePath({ nlri, attributes }: ApiPath): Uint8Array {
  return message(field(9, IPV4_UNICAST), field(20, nlri), ...attributes.map((attribute) => field(21, attribute)));
}

function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function varint(number: number, value: number): Uint8Array {
  return Buffer.from([...digits(number << 3), ...digits(value)]);
}

function field(number: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([...digits((number << 3) | 2), ...digits(value.length)]), value]);
}

/** A number in groups of seven bits, the lowest first. */
function digits(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...digits(value >>> 7)];
}
