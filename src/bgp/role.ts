/**
 * BGP roles and Only to Customer (RFC 9234): what two autonomous systems are to each other, and where routes may go. Pure.
 *
 * There is no strict mode: a router that says no role is taken as one whose role fits (4.2, SHOULD). A VIP must not go dark because
 * a router is too old to say what it is, and one that asks for our role refuses the session itself.
 */
import { BgpError, OPEN_ERROR, OPEN_SUBCODE, type Open, type PathAttributes, notification } from "../wire/index.ts";

/** Of the local AS toward the remote one (RFC 9234 4). */
export type BgpRole = "provider" | "rs" | "rs-client" | "customer" | "peer";

const ROLES: readonly BgpRole[] = ["provider", "rs", "rs-client", "customer", "peer"]; // 0–4, RFC 9234 table 1

/** What the other side must be: RFC 9234 table 2. */
const COUNTERPART: Readonly<Record<BgpRole, BgpRole>> = { provider: "customer", customer: "provider", rs: "rs-client", "rs-client": "rs", peer: "peer" };

/** The value in the capability. */
export function roleCode(role: BgpRole): number {
  return ROLES.indexOf(role);
}

/** "rs-client", or "role 7" for one that is not assigned. */
export function describeRole(code: number): string {
  return ROLES[code] ?? `role ${code}`;
}

/** The role that an external peer says it has; undefined if it says none. Throws BgpError 2/11 if it does not go with ours (RFC 9234 4.2). */
export function agreeOnRoles(ours: BgpRole | undefined, { capabilities }: Open): string | undefined {
  const said = [...new Set(capabilities.flatMap((capability) => (capability.name === "role" ? [capability.role] : [])))];
  const theirs = said.map(describeRole);
  if (said.length > 1) throw mismatch(`it says that it is ${theirs.join(" and ")} at once`);
  const [only] = theirs;
  if (ours === undefined || only === undefined || only === COUNTERPART[ours]) return only;
  throw mismatch(`it says that it is ${only}, and to our role ${ours} it must be ${COUNTERPART[ours]}`);
}

/** The Only to Customer attribute of a route that we originate (RFC 9234 5, egress 1); undefined: it has none. */
export function onlyToCustomer(ours: BgpRole | undefined, localAsn: number): number | undefined {
  return ours === "provider" || ours === "rs" || ours === "peer" ? localAsn : undefined;
}

/** Whether a received route has come where it must not (RFC 9234 5, ingress 1 and 2). Absence is no leak: nothing is sent on from here. */
export function isLeak(ours: BgpRole | undefined, remoteAsn: number, { onlyToCustomer: marked }: PathAttributes): boolean {
  if (marked === undefined) return false;
  return ours === "provider" || ours === "rs" || (ours === "peer" && marked !== remoteAsn);
}

function mismatch(problem: string): BgpError {
  return new BgpError(notification(OPEN_ERROR, OPEN_SUBCODE.ROLE_MISMATCH), problem);
}
