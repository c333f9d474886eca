/** Label selectors in kubectl's syntax: "team=web,tier in (edge,core),!beta". Pure. */

export type Requirement =
  | { readonly key: string; readonly operator: "In" | "NotIn"; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: "Exists" | "DoesNotExist" };

/** All requirements must hold. */
export type LabelSelector = readonly Requirement[];

/** As Kubernetes does it: NotIn also holds where the label is absent. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return selector.every((requirement) => {
    const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
    switch (requirement.operator) {
      case "In":
        return value !== undefined && requirement.values.includes(value);
      case "NotIn":
        return value === undefined || !requirement.values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
    }
  });
}

/** True if any of the selectors selects; also if there is none. */
export function anySelects(selectors: readonly LabelSelector[], labels: Readonly<Record<string, string>>): boolean {
  return selectors.length === 0 || selectors.some((selector) => selects(selector, labels));
}

/** True if no labels at all can satisfy both. May be false where they cannot, never true where they can. */
export function selectorsExclude(a: LabelSelector, b: LabelSelector): boolean {
  return a.some((x) => b.some((y) => x.key === y.key && (requirementsExclude(x, y) || requirementsExclude(y, x))));
}

function requirementsExclude(x: Requirement, y: Requirement): boolean {
  switch (x.operator) {
    case "In":
      if (y.operator === "In") return !x.values.some((value) => y.values.includes(value));
      if (y.operator === "NotIn") return x.values.every((value) => y.values.includes(value));
      return y.operator === "DoesNotExist";
    case "Exists":
      return y.operator === "DoesNotExist";
    case "NotIn":
    case "DoesNotExist":
      return false;
  }
}
