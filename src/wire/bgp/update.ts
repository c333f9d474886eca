/**
 * Reading UPDATE messages (RFC 4271 4.3), with the error handling of RFC 7606. Pure.
 *
 * A speaker that installs nothing still has to find out whether a message is one: what only spoils routes is reported as a
 * problem, and only what RFC 7606 leaves to a session reset is thrown.
 */
import type { Family } from "../../net/index.ts";
import { OPTIONAL, TRANSITIVE, readAttributeHead } from "./attribute-header.ts";
import { attributeRow } from "./attribute-table.ts";
import { type Approach, type AttributeContext, type AttributeRow, Malformed, type PathAttributes } from "./attribute.ts";
import { BgpError } from "./error.ts";
import { MP_REACH_NLRI, MP_UNREACH_NLRI, type MultiprotocolContext, type MultiprotocolRoutes, decodeMpReach, decodeMpUnreach } from "./multiprotocol.ts";
import { type RouteField, routeField } from "./nlri.ts";
import { UPDATE_ERROR, UPDATE_SUBCODE, notification } from "./notification.ts";
import { Reader } from "./octets.ts";

//  0                         2                  2+w                         4+w               4+w+a
//  | Withdrawn Routes Length | Withdrawn Routes | Total Path Attribute Length | Path Attributes | NLRI |

export type UpdateContext = AttributeContext & MultiprotocolContext;

export type Update = {
  /** Routes that are withdrawn, and those that RFC 7606 has us treat so. Not copied from the message. */
  readonly withdrawn: readonly RouteField[];
  readonly reachable: readonly RouteField[];
  readonly attributes: PathAttributes;
  /** Set if the message ends the initial table of that family (RFC 4724 2). */
  readonly endOfRib: Family | undefined;
  readonly problems: readonly Problem[];
};

export type Problem = { readonly attribute: string; readonly approach: Approach; readonly text: string };

/** Decodes the body of an UPDATE, which the header check has made at least four octets long. Throws BgpError (code 3). */
export function decodeUpdate(body: Uint8Array, context: UpdateContext): Update {
  const reader = new Reader(body);
  const withdrawnLength = reader.u16();
  if (withdrawnLength + 2 > reader.left) throw malformedList("the withdrawn routes are longer than the message");
  const withdrawnOctets = reader.take(withdrawnLength);
  const attributesLength = reader.u16();
  if (attributesLength > reader.left) throw malformedList("the path attributes are longer than the message");
  const received = decodeAttributes(reader.take(attributesLength), context);
  const withdrawn = networks(withdrawnOctets);
  const nlri = networks(reader.rest());

  const { attributes, reach, unreach } = received;
  const announces = nlri.count > 0 || isFilled(reach);
  const found = nlri.count === 0 && reach !== undefined ? received.problems.filter(({ answer }) => answer.subcode !== UPDATE_SUBCODE.INVALID_NEXT_HOP) : received.problems; // RFC 4760 3
  const problems = announces ? [...found, ...missing(received, nlri, context)] : found;
  const spoilt = problems.find((problem) => problem.approach === "treat-as-withdraw");
  // RFC 7606 5.2: with no route to withdraw we cannot be sure that the message was understood, unless withdrawing is all that it does.
  if (spoilt !== undefined && !announces && received.describesRoutes) throw new BgpError(spoilt.answer, `${spoilt.attribute}: ${spoilt.text}`);

  const reachable = [nlri, ...fields(reach)].filter((field) => field.count > 0);
  const lost = [withdrawn, ...fields(unreach)].filter((field) => field.count > 0);
  return {
    withdrawn: spoilt === undefined ? lost : [...lost, ...reachable],
    reachable: spoilt === undefined ? reachable : [],
    attributes,
    endOfRib: endOfRib(body, received),
    problems: problems.map(({ attribute, approach, text }) => ({ attribute, approach, text })),
  };
}

/** A problem with what to answer should it cost the session. */
type Finding = Problem & { readonly answer: ReturnType<typeof notification> };

type Received = {
  readonly attributes: PathAttributes;
  readonly reach: MultiprotocolRoutes | undefined;
  readonly unreach: MultiprotocolRoutes | undefined;
  readonly problems: readonly Finding[];
  readonly seen: ReadonlySet<number>;
  /** There are others than MP_UNREACH_NLRI, whole or not. */
  readonly describesRoutes: boolean;
};

function decodeAttributes(octets: Uint8Array, context: UpdateContext): Received {
  const problems: Finding[] = [];
  const seen = new Set<number>();
  let attributes: PathAttributes = {};
  let reach: MultiprotocolRoutes | undefined;
  let unreach: MultiprotocolRoutes | undefined;
  let describesRoutes = false;
  const reader = new Reader(octets);
  while (reader.left > 0) {
    const start = reader.position;
    const head = readAttributeHead(reader);
    if (head?.code !== MP_UNREACH_NLRI) describesRoutes = true;
    if (head === undefined) {
      // RFC 7606 4: Total Attribute Length still tells where the NLRI begins.
      problems.push({ attribute: "path attributes", approach: "treat-as-withdraw", text: "an attribute is cut off", answer: LIST });
      break;
    }
    const { flags, code } = head;
    const value = reader.take(head.length);
    const whole = (): Uint8Array => reader.since(start).slice();
    if (code === MP_REACH_NLRI || code === MP_UNREACH_NLRI) {
      if (seen.has(code)) throw malformedList(`attribute ${code} appears twice`); // RFC 7606 3 (g)
      const routes = code === MP_REACH_NLRI ? decodeMpReach(value, context) : decodeMpUnreach(value, context);
      if (isIncorrect(routes)) throw new BgpError(notification(UPDATE_ERROR, UPDATE_SUBCODE.OPTIONAL_ATTRIBUTE, whole()), routes.problem); // RFC 7606 5.3
      // Its routes can be read, so that they can be withdrawn (RFC 7606 3 (c)).
      if ((flags & (OPTIONAL | TRANSITIVE)) !== OPTIONAL) problems.push({ attribute: MULTIPROTOCOL[code], ...wrongFlags(flags), answer: notification(UPDATE_ERROR, UPDATE_SUBCODE.ATTRIBUTE_FLAGS, whole()) });
      if (code === MP_REACH_NLRI) reach = routes;
      else unreach = routes;
    } else if (!seen.has(code)) {
      // Of several only the first counts (RFC 7606 3 (g)).
      const row = attributeRow(code);
      if (row === undefined) {
        if ((flags & OPTIONAL) === 0) {
          throw new BgpError(notification(UPDATE_ERROR, UPDATE_SUBCODE.UNRECOGNIZED_WELL_KNOWN, whole()), `well-known attribute ${code} does not exist`);
        }
      } else {
        const result = decodeAttribute(row, flags, value, context);
        if ("subcode" in result) problems.push({ attribute: row.name, ...result, answer: notification(UPDATE_ERROR, result.subcode, whole()) });
        else attributes = { ...attributes, ...result };
      }
    }
    seen.add(code);
  }
  return { attributes, reach, unreach, problems, seen, describesRoutes };
}

type Fault = { readonly approach: Approach; readonly text: string; readonly subcode: number };

function decodeAttribute(row: AttributeRow, flags: number, value: Uint8Array, context: AttributeContext): PathAttributes | Fault {
  if (row.from === "internal" && !context.internal) return discarded("an external peer sends it"); // RFC 7606 7.5, 7.9, 7.10
  if (row.from === "two-octet-as" && context.fourOctetAs) return discarded("a speaker of four-octet AS numbers sends it"); // RFC 6793 6
  if ((flags & (OPTIONAL | TRANSITIVE)) !== row.flags) {
    return { ...wrongFlags(flags), subcode: UPDATE_SUBCODE.ATTRIBUTE_FLAGS };
  }
  if (!row.length(value.length, context)) {
    return { approach: row.onError, text: `it is ${value.length} octets long`, subcode: UPDATE_SUBCODE.ATTRIBUTE_LENGTH };
  }
  const decoded = row.decode(new Reader(value), context);
  if (decoded instanceof Malformed) return { approach: row.onError, text: decoded.problem, subcode: INVALID[row.key] ?? UPDATE_SUBCODE.OPTIONAL_ATTRIBUTE };
  return decoded;
}

const INVALID: Readonly<Partial<Record<keyof PathAttributes, number>>> = {
  origin: UPDATE_SUBCODE.INVALID_ORIGIN,
  asPath: UPDATE_SUBCODE.MALFORMED_AS_PATH,
  nextHop: UPDATE_SUBCODE.INVALID_NEXT_HOP,
};

/** RFC 7606 3 (c). */
function wrongFlags(flags: number): Pick<Fault, "approach" | "text"> {
  return { approach: "treat-as-withdraw", text: `its flags are 0x${flags.toString(16)}` };
}

const MULTIPROTOCOL = { [MP_REACH_NLRI]: "MP_REACH_NLRI", [MP_UNREACH_NLRI]: "MP_UNREACH_NLRI" } as const;

/**
 * The well-known attributes that must be there and are not (RFC 7606 3 (d)): NEXT_HOP only for the NLRI field, LOCAL_PREF only
 * within an AS (RFC 4271 5.1.5).
 */
function missing({ seen }: Received, nlri: RouteField, { internal }: AttributeContext): Finding[] {
  const mandatory = [
    { code: 1, name: "ORIGIN" },
    { code: 2, name: "AS_PATH" },
    ...(nlri.count > 0 ? [{ code: 3, name: "NEXT_HOP" }] : []),
    ...(internal ? [{ code: 5, name: "LOCAL_PREF" }] : []),
  ];
  return mandatory
    .filter(({ code }) => !seen.has(code))
    .map(({ code, name }) => ({
      attribute: name,
      approach: "treat-as-withdraw",
      text: "it is missing",
      answer: notification(UPDATE_ERROR, UPDATE_SUBCODE.MISSING_WELL_KNOWN, Uint8Array.of(code)),
    }));
}

/** An UPDATE that says nothing ends IPv4; one with nothing but an empty MP_UNREACH_NLRI ends that family (RFC 4724 2). */
function endOfRib(body: Uint8Array, { seen, unreach }: Received): Family | undefined {
  if (body.length === 4) return "ipv4";
  const [field] = fields(unreach);
  return seen.size === 1 && field?.count === 0 && isOnlyAttribute(body) ? field.family : undefined;
}

/** Neither withdrawn routes nor NLRI beside the attributes. */
function isOnlyAttribute(body: Uint8Array): boolean {
  const reader = new Reader(body);
  return reader.u16() === 0 && reader.u16() === reader.left;
}

/** Withdrawn Routes and NLRI are read alike (RFC 7606 3 (i)). */
function networks(octets: Uint8Array): RouteField {
  const field = routeField(octets, "ipv4");
  if (field === undefined) throw new BgpError(notification(UPDATE_ERROR, UPDATE_SUBCODE.INVALID_NETWORK), "a field of routes holds what is no IPv4 prefix");
  return field;
}

function fields(routes: MultiprotocolRoutes | undefined): RouteField[] {
  return routes === undefined || routes === "unspoken" || isIncorrect(routes) ? [] : [routes];
}

function isFilled(reach: MultiprotocolRoutes | undefined): boolean {
  return reach === "unspoken" || fields(reach).some((field) => field.count > 0);
}

function isIncorrect(routes: MultiprotocolRoutes): routes is { readonly problem: string } {
  return typeof routes === "object" && "problem" in routes;
}

function discarded(text: string): Fault {
  return { approach: "attribute-discard", text, subcode: UPDATE_SUBCODE.OPTIONAL_ATTRIBUTE };
}

const LIST = notification(UPDATE_ERROR, UPDATE_SUBCODE.MALFORMED_ATTRIBUTE_LIST);

function malformedList(problem: string): BgpError {
  return new BgpError(LIST, problem);
}
