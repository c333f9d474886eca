/**
 * Capabilities (RFC 5492), one row each. Pure.
 *
 * To understand another one, add its type and its row. What has no row is kept as "unknown" and ignored (RFC 5492 3).
 */
import { BgpError } from "./error.ts";
import { type AfiSafi, familyOfAfiSafi } from "./family.ts";
import { OPEN_ERROR, OPEN_SUBCODE, notification } from "./notification.ts";
import { Reader, concat, u16s, u32s } from "./octets.ts";

//  0      1        2
//  | Code | Length | Value (variable) |

export type Capability =
  | ({ readonly name: "multiprotocol" } & AfiSafi)
  | { readonly name: "route-refresh" }
  | { readonly name: "extended-next-hop"; readonly encodings: readonly (AfiSafi & { readonly nextHopAfi: number })[] }
  | { readonly name: "extended-message" }
  | { readonly name: "role"; readonly role: number }
  | {
      readonly name: "graceful-restart";
      readonly restarting: boolean;
      /** The N bit: a Cease, too, keeps the routes (RFC 8538 2). */
      readonly notification: boolean;
      readonly restartSeconds: number;
      readonly families: readonly (AfiSafi & { readonly forwarding: boolean })[];
    }
  | { readonly name: "four-octet-as"; readonly asn: number }
  | { readonly name: "enhanced-route-refresh" }
  | { readonly name: "long-lived-graceful-restart"; readonly families: readonly (AfiSafi & { readonly forwarding: boolean; readonly staleSeconds: number })[] }
  | { readonly name: "fqdn"; readonly hostname: string; readonly domain: string }
  | { readonly name: "software-version"; readonly version: string }
  | { readonly name: "route-refresh-cisco" }
  | { readonly name: "unknown"; readonly code: number; readonly value: Uint8Array };

type Named<N extends Capability["name"]> = Extract<Capability, { readonly name: N }>;

type Row<N extends Capability["name"]> = {
  readonly code: number;
  readonly name: N;
  /** Whether a value of that many octets can be one. */
  readonly length: (octets: number) => boolean;
  /** A malformed one: is the OPEN refused (2/0), or the capability taken as unknown? */
  readonly onError: "refuse" | "ignore";
  /** Undefined if it is malformed. */
  readonly decode: (value: Reader) => Named<N> | undefined;
  readonly encode: (capability: Named<N>) => Uint8Array;
};

/** A row with its name forgotten, so that all of them fit one table. */
type AnyRow = Pick<Row<Capability["name"]>, "code" | "name" | "length" | "onError"> & {
  readonly decode: (value: Reader) => Capability | undefined;
  readonly encode: (capability: Capability) => Uint8Array;
};

function row<N extends Capability["name"]>(fields: Row<N>): AnyRow {
  return {
    ...fields,
    encode: (capability) => (isNamed(capability, fields.name) ? fields.encode(capability) : new Uint8Array(0)),
  };
}

function isNamed<N extends Capability["name"]>(capability: Capability, name: N): capability is Named<N> {
  return capability.name === name;
}

const exactly = (wanted: number) => (octets: number) => octets === wanted;
const nonZeroMultipleOf = (unit: number) => (octets: number) => octets > 0 && octets % unit === 0;
const atLeast = (least: number) => (octets: number) => octets >= least;

/** A capability that says all by being there. */
function flag(code: number, name: "route-refresh" | "extended-message" | "enhanced-route-refresh" | "route-refresh-cisco", onError: AnyRow["onError"] = "refuse"): AnyRow {
  return {
    code,
    name,
    length: exactly(0),
    onError,
    decode: () => ({ name }),
    encode: () => new Uint8Array(0),
  };
}

const CAPABILITIES: readonly AnyRow[] = [
  row({
    code: 1, // RFC 4760 8: AFI(2) reserved(1) SAFI(1)
    name: "multiprotocol",
    length: exactly(4),
    onError: "refuse",
    decode: (value) => ({ name: "multiprotocol", afi: value.u16(), safi: value.u16() & 0xff }),
    encode: ({ afi, safi }) => u16s(afi, safi),
  }),
  flag(2, "route-refresh"), // RFC 2918 2
  row({
    code: 5, // RFC 8950 4: (AFI(2) SAFI(2) next hop AFI(2))*
    name: "extended-next-hop",
    length: nonZeroMultipleOf(6),
    onError: "ignore",
    decode: (value) => ({
      name: "extended-next-hop",
      encodings: Array.from({ length: value.left / 6 }, () => ({ afi: value.u16(), safi: value.u16(), nextHopAfi: value.u16() })),
    }),
    encode: ({ encodings }) => u16s(...encodings.flatMap(({ afi, safi, nextHopAfi }) => [afi, safi, nextHopAfi])),
  }),
  flag(6, "extended-message"), // RFC 8654 3
  row({
    code: 9, // RFC 9234 4.1
    name: "role",
    length: exactly(1),
    onError: "refuse",
    decode: (value) => ({ name: "role", role: value.u8() }),
    encode: ({ role }) => Uint8Array.of(role),
  }),
  row({
    code: 64, // RFC 4724 3: flags(4 bits) restart time(12 bits) (AFI(2) SAFI(1) flags(1))*
    name: "graceful-restart",
    length: (octets) => octets % 4 === 2,
    onError: "ignore",
    decode: (value) => {
      const head = value.u16();
      return {
        name: "graceful-restart",
        restarting: (head & 0x8000) !== 0,
        notification: (head & 0x4000) !== 0,
        restartSeconds: head & 0xfff,
        families: Array.from({ length: value.left / 4 }, () => ({ afi: value.u16(), safi: value.u8(), forwarding: (value.u8() & 0x80) !== 0 })),
      };
    },
    encode: ({ restarting, notification: n, restartSeconds, families }) =>
      concat(
        u16s((restarting ? 0x8000 : 0) | (n ? 0x4000 : 0) | restartSeconds),
        ...families.map(({ afi, safi, forwarding }) => u16s(afi, (safi << 8) | (forwarding ? 0x80 : 0))),
      ),
  }),
  row({
    code: 65, // RFC 6793 3
    name: "four-octet-as",
    length: exactly(4),
    onError: "refuse",
    decode: (value) => ({ name: "four-octet-as", asn: value.u32() }),
    encode: ({ asn }) => u32s(asn),
  }),
  flag(70, "enhanced-route-refresh"), // RFC 7313 3.1
  row({
    code: 71, // RFC 9494 3.1: (AFI(2) SAFI(1) flags(1) stale time(3))*
    name: "long-lived-graceful-restart",
    length: (octets) => octets % 7 === 0,
    onError: "ignore",
    decode: (value) => ({
      name: "long-lived-graceful-restart",
      families: Array.from({ length: value.left / 7 }, () => ({
        afi: value.u16(),
        safi: value.u8(),
        forwarding: (value.u8() & 0x80) !== 0,
        staleSeconds: (value.u8() << 16) | value.u16(),
      })),
    }),
    encode: ({ families }) =>
      concat(
        ...families.map(({ afi, safi, forwarding, staleSeconds }) => concat(u16s(afi, (safi << 8) | (forwarding ? 0x80 : 0)), Uint8Array.of(staleSeconds >> 16), u16s(staleSeconds & 0xffff))),
      ),
  }),
  row({
    code: 73, // draft-walton-bgp-hostname-capability: length(1) host name, length(1) domain name
    name: "fqdn",
    length: atLeast(2),
    onError: "ignore",
    decode: (value) => {
      const hostname = decodeText(value);
      const domain = decodeText(value);
      return hostname === undefined || domain === undefined ? undefined : { name: "fqdn", hostname, domain };
    },
    encode: ({ hostname, domain }) => concat(encodeText(hostname), encodeText(domain)),
  }),
  row({
    code: 75, // draft-abraitis-bgp-version-capability: length(1) text
    name: "software-version",
    length: atLeast(1),
    onError: "ignore",
    decode: (value) => {
      const version = decodeText(value);
      return version === undefined ? undefined : { name: "software-version", version };
    },
    encode: ({ version }) => encodeText(version),
  }),
  flag(128, "route-refresh-cisco", "ignore"), // before RFC 2918; FRR still sends it. With a value it is something else: nobody assigned 128
];

export function encodeCapability(capability: Capability): Uint8Array {
  const known = CAPABILITIES.find((candidate) => candidate.name === capability.name);
  const [code, value] = capability.name === "unknown" ? [capability.code, capability.value] : [known?.code ?? 0, known?.encode(capability) ?? new Uint8Array(0)];
  return concat(Uint8Array.of(code, value.length), value);
}

/** The capabilities of one Capabilities Optional Parameter. Throws BgpError 2/0 if one is cut off, or malformed where we depend on it. */
export function decodeCapabilities(octets: Uint8Array): Capability[] {
  const reader = new Reader(octets);
  const capabilities: Capability[] = [];
  while (reader.left > 0) {
    if (reader.left < 2) throw malformed("a capability is cut off");
    const code = reader.u8();
    const length = reader.u8();
    if (length > reader.left) throw malformed(`capability ${code} is longer than its parameter`);
    capabilities.push(decodeCapability(code, reader.take(length)));
  }
  return capabilities;
}

function decodeCapability(code: number, value: Uint8Array): Capability {
  const known = CAPABILITIES.find((candidate) => candidate.code === code);
  const capability = known?.length(value.length) === true ? known.decode(new Reader(value)) : undefined;
  if (capability !== undefined) return capability;
  if (known?.onError === "refuse") throw malformed(`capability ${code} (${known.name}) cannot be ${value.length} octets long`);
  return { name: "unknown", code, value: value.slice() };
}

/** Those that routers offer and we make nothing of (IANA, Capability Codes). */
const UNUSED: Readonly<Record<number, string>> = {
  3: "outbound-route-filtering", // RFC 5291
  67: "dynamic-capability", // draft-ietf-idr-dynamic-cap
  68: "multisession", // draft-ietf-idr-bgp-multisession
  69: "add-path", // RFC 7911
  74: "bfd-strict-mode", // draft-ietf-idr-bgp-bfd-strict-mode
  76: "paths-limit", // draft-abraitis-idr-addpath-paths-limit
  77: "link-local-next-hop", // draft-ietf-idr-linklocal-capability
  130: "outbound-route-filtering-cisco", // before RFC 5291
};

/** For people: "ipv4", "route-refresh", "four-octet-as", "add-path", "capability 200". */
export function describeCapability(capability: Capability): string {
  switch (capability.name) {
    case "multiprotocol":
      return familyOfAfiSafi(capability) ?? `afi ${capability.afi} safi ${capability.safi}`;
    case "graceful-restart":
      return `graceful-restart ${capability.restartSeconds}s${capability.restarting ? " restarting" : ""}`;
    case "unknown":
      return UNUSED[capability.code] ?? `capability ${capability.code}`;
    case "route-refresh":
    case "extended-next-hop":
    case "extended-message":
    case "role":
    case "four-octet-as":
    case "enhanced-route-refresh":
    case "long-lived-graceful-restart":
    case "fqdn":
    case "software-version":
    case "route-refresh-cisco":
      return capability.name;
  }
}

function malformed(problem: string): BgpError {
  return new BgpError(notification(OPEN_ERROR, OPEN_SUBCODE.UNSPECIFIC), problem);
}

function decodeText(value: Reader): string | undefined {
  if (value.left < 1) return undefined;
  const length = value.u8();
  return length > value.left ? undefined : new TextDecoder().decode(value.take(length));
}

function encodeText(text: string): Uint8Array {
  const into = new Uint8Array(64);
  const { written } = new TextEncoder().encodeInto(text, into);
  return concat(Uint8Array.of(written), into.subarray(0, written));
}
