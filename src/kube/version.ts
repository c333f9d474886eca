/** Comparing resourceVersions. Pure. */

/** True if `version` is certainly older. Versions are numbers in every released Kubernetes; one that is none is never older. */
export function isOlder(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined || !/^\d{1,20}$/.test(version) || !/^\d{1,20}$/.test(than)) return false;
  return BigInt(version) < BigInt(than);
}
