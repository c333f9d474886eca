/**
 * OPEN (RFC 4271 4.2 and 6.2; capabilities: RFC 5492; long parameters: RFC 9072; identifier: RFC 6286; AS 0: RFC 7607). Pure.
 *
 * What any OPEN must satisfy is checked here; whether it is the one that this peer should send, in bgp/.
 */
import { type Ipv4, addressFromBytes, addressToBytes } from "../../net/index.ts";
import { AS_TRANS } from "./as-path.ts";
import { type Capability, decodeCapabilities, encodeCapability } from "./capability.ts";
import { BgpError } from "./error.ts";
import { OPEN_ERROR, OPEN_SUBCODE, notification } from "./notification.ts";
import { Reader, concat, u16s } from "./octets.ts";

//  0         1                      3           5                9                  10
//  | Version | My Autonomous System | Hold Time | BGP Identifier | Opt Parm Length | Optional Parameters |

const VERSION = 4;
const LONGEST_PARAMETERS = 255;
const CAPABILITIES = 2; // Optional Parameter type (RFC 5492 4)
const EXTENDED_LENGTH = 255; // RFC 9072 2

export type Open = {
  /** From the four-octet AS capability if there is one (RFC 6793 4.1), else My Autonomous System. */
  readonly asn: number;
  /** Seconds; 0, or at least 3. */
  readonly holdSeconds: number;
  readonly identifier: Ipv4;
  readonly capabilities: readonly Capability[];
};

/** The body of the message. Throws RangeError if the capabilities do not fit 255 octets: ours always do. */
export function encodeOpen({ asn, holdSeconds, identifier, capabilities }: Open): Uint8Array {
  const triples = concat(...capabilities.map(encodeCapability));
  const parameters = triples.length === 0 ? triples : concat(Uint8Array.of(CAPABILITIES, triples.length), triples);
  if (parameters.length > LONGEST_PARAMETERS) throw new RangeError(`capabilities of ${triples.length} octets`);
  return concat(
    Uint8Array.of(VERSION),
    u16s(asn > 0xffff ? AS_TRANS : asn, holdSeconds),
    addressToBytes(identifier),
    Uint8Array.of(parameters.length),
    parameters,
  );
}

/** Decodes the body of an OPEN, which the header check has made at least ten octets long. Throws BgpError (code 2). */
export function decodeOpen(body: Uint8Array): Open {
  const reader = new Reader(body);
  const version = reader.u8();
  if (version !== VERSION) throw refused(OPEN_SUBCODE.UNSUPPORTED_VERSION, `version ${version} is not supported`, u16s(VERSION));
  const myAutonomousSystem = reader.u16();
  const holdSeconds = reader.u16();
  const identifier = addressFromBytes(reader.take(4)) as Ipv4;
  const capabilities = decodeParameters(reader);
  const asn = capabilities.find((capability) => capability.name === "four-octet-as")?.asn ?? myAutonomousSystem;
  if (myAutonomousSystem === 0 || asn === 0) throw refused(OPEN_SUBCODE.BAD_PEER_AS, "AS 0 cannot be a peer's");
  if (myAutonomousSystem !== asn && myAutonomousSystem !== AS_TRANS) {
    throw refused(OPEN_SUBCODE.BAD_PEER_AS, `it says that it is AS ${myAutonomousSystem}, and in its four-octet AS capability AS ${asn}`);
  }
  if (holdSeconds === 1 || holdSeconds === 2) throw refused(OPEN_SUBCODE.UNACCEPTABLE_HOLD_TIME, `a hold time of ${holdSeconds} s is not allowed`);
  if (identifier === "0.0.0.0") throw refused(OPEN_SUBCODE.BAD_IDENTIFIER, "the BGP Identifier is 0");
  return { asn, holdSeconds, identifier, capabilities };
}

function decodeParameters(reader: Reader): Capability[] {
  const length = reader.u8();
  if (length === 0 && reader.left === 0) return [];
  // RFC 9072 2: the type of the first parameter, not the length before it, tells which encoding this is.
  const extended = length !== 0 && reader.peek() === EXTENDED_LENGTH;
  const total = extended ? extendedLength(reader) : length;
  if (total !== reader.left) throw malformed(`the optional parameters should be ${total} octets, and are ${reader.left}`);
  const capabilities: Capability[] = [];
  while (reader.left > 0) {
    if (reader.left < (extended ? 3 : 2)) throw malformed("an optional parameter is cut off");
    const type = reader.u8();
    const size = extended ? reader.u16() : reader.u8();
    if (size > reader.left) throw malformed(`optional parameter ${type} is longer than the message`);
    if (type !== CAPABILITIES) throw refused(OPEN_SUBCODE.UNSUPPORTED_PARAMETER, `optional parameter ${type} is not supported`);
    capabilities.push(...decodeCapabilities(reader.take(size)));
  }
  return capabilities;
}

function extendedLength(reader: Reader): number {
  reader.u8();
  if (reader.left < 2) throw malformed("the extended length of the optional parameters is cut off");
  return reader.u16();
}

function malformed(problem: string): BgpError {
  return refused(OPEN_SUBCODE.UNSPECIFIC, problem);
}

function refused(subcode: number, problem: string, data?: Uint8Array): BgpError {
  return new BgpError(notification(OPEN_ERROR, subcode, data), problem);
}
