/** The syntax of Kubernetes' names and labels (k8s.io/apimachinery/pkg/util/validation). Pure. */

/** Lower-case letters, digits and dashes; 1–63 characters (RFC 1123). */
export function isDnsLabel(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}

/** DNS labels with dots between them; at most 253 characters. */
export function isDnsSubdomain(name: string): boolean {
  return name.length <= 253 && name.split(".").every((label) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label));
}

/** "tier" or "example.com/tier". */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  const name = key.slice(slash + 1);
  return (slash === -1 || isDnsSubdomain(key.slice(0, slash))) && name !== "" && isLabelValue(name);
}

/** Also the empty text; at most 63 characters. */
export function isLabelValue(value: string): boolean {
  return /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/.test(value);
}
