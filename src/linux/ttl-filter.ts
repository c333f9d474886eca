/**
 * Classic BPF programs that let a UDP socket take datagrams by their TTL or hop limit, which IP_MINTTL does for TCP alone, by their sender
 * and by the interface on which they came. Pure.
 */
import { type Address, type Family, addressToBytes } from "../net/index.ts";

/** What a datagram may be like to be taken. */
export type TtlRule = {
  /** The least TTL or hop limit. */
  readonly atLeast: number;
  /** Undefined: whoever it is from. */
  readonly source: Address | undefined;
  /** Index of an interface; undefined: whichever it came on. */
  readonly interface: number | undefined;
};

// linux/filter.h
const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_BYTE = 0x30; // BPF_LD | BPF_B | BPF_ABS
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const SKF_NET_OFF = -0x100000; // the IP header
const SKF_AD_IFINDEX = -0x1000 + 8;

const EVERYTHING = 0xffff_ffff;
/** BPF has room for 4096 instructions; of more rules only the least TTL counts. */
const MOST_RULES = 256;

// Where the IP header has what (RFC 791 3.1, RFC 8200 3).
const HEADER = { ipv4: { ttl: 8, source: 12 }, ipv6: { ttl: 7, source: 8 } } as const;

type Instruction = readonly [code: number, value: number];

/** A program that drops everything. */
export const NOTHING_PASSES = program([[RETURN, 0]]);

/** A program that takes what fits one of the rules at least, in the machine's byte order. */
export function ttlFilter(family: Family, rules: readonly TtlRule[]): Uint8Array {
  const few = rules.length <= MOST_RULES ? rules : [{ atLeast: Math.min(...rules.map(({ atLeast }) => atLeast)), source: undefined, interface: undefined }];
  return program([...few.flatMap((rule) => accept(family, rule)), [RETURN, 0]]);
}

/** Falls through to what follows if the datagram does not fit. */
function accept(family: Family, rule: TtlRule): Instruction[] {
  const { ttl, source } = HEADER[family];
  const tests: Instruction[] = [];
  if (rule.interface !== undefined) tests.push([LOAD_WORD, SKF_AD_IFINDEX], [JUMP_EQUAL, rule.interface]);
  if (rule.source !== undefined) {
    const octets = addressToBytes(rule.source);
    const view = new DataView(octets.buffer, octets.byteOffset);
    for (let at = 0; at < octets.length; at += 4) tests.push([LOAD_WORD, SKF_NET_OFF + source + at], [JUMP_EQUAL, view.getUint32(at)]);
  }
  return [...tests, [LOAD_BYTE, SKF_NET_OFF + ttl], [JUMP_AT_LEAST, rule.atLeast], [RETURN, EVERYTHING]];
}

/** struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; }: a jump that is not taken goes behind the next RETURN. */
function program(instructions: readonly Instruction[]): Uint8Array {
  const octets = new Uint8Array(8 * instructions.length);
  const [halves, words] = [new Uint16Array(octets.buffer), new Uint32Array(octets.buffer)];
  for (const [i, [code, value]] of instructions.entries()) {
    halves[4 * i] = code;
    words[2 * i + 1] = value;
    if (code !== JUMP_EQUAL && code !== JUMP_AT_LEAST) continue;
    octets[8 * i + 3] = instructions.findIndex(([other], at) => at > i && other === RETURN) - i;
  }
  return octets;
}
