/**
 * The names of a configuration: of hosts, pools and peers, of things in Kubernetes, of interfaces; labels, selectors and shell
 * patterns over them. Pure.
 */
import type { Glob } from "./config.ts";
import { splitGlob } from "./glob.ts";
import { isDnsLabel, isDnsSubdomain, isLabelKey, isLabelValue } from "./label.ts";
import { parseGlob } from "./parse-glob.ts";
import { parseLabelSelector } from "./parse-selector.ts";
import { pathOf, quote } from "./problem.ts";
import type { LabelSelector } from "./selector.ts";
import { type Item, type Parsed, type ValueType, mismatch, parsedText } from "./value.ts";

const LABEL_RULE = "1 to 63 lower-case letters, digits and dashes, a letter or digit at both ends";

export const dnsLabel: ValueType<string> = parsedText(LABEL_RULE, (name) => {
  if (isDnsLabel(name)) return { value: name };
  return { error: isDnsLabel(name.toLowerCase()) ? `must be in lower case: ${quote(name.toLowerCase())}` : `must be ${LABEL_RULE}` };
});

/** The name of a Kubernetes namespace; patterns are a likely mistake. */
export const namespace: ValueType<string> = parsedText(`the name of a namespace: ${LABEL_RULE}`, (name) => {
  if (isDnsLabel(name)) return { value: name };
  return { error: /[*?[]/.test(name) ? "is a pattern; namespaces are exact names here, namespace_selectors choose by label" : `is no namespace: ${LABEL_RULE}` };
});

const SUBDOMAIN_RULE = "lower-case letters, digits, dashes and dots, a letter or digit at both ends, at most 253 characters";

/** The name of a Kubernetes Node. */
export const nodeName: ValueType<string> = parsedText(`the name of a Kubernetes node: ${SUBDOMAIN_RULE}`, (name) =>
  isDnsSubdomain(name)
    ? { value: name }
    : { error: `is no name of a Kubernetes node: ${SUBDOMAIN_RULE}` },
);

export const loadBalancerClass: ValueType<string> = parsedText('a class such as "bmlb.io/bmlb"', (name) =>
  isLabelKey(name) ? { value: name } : { error: 'is no load balancer class; write a name, with or without a domain before it, such as "bmlb.io/bmlb"' },
);

const NAME_RULE = "1 to 253 letters, digits, dots, dashes and underscores, a letter or digit at both ends";

/** True for what may name a pool, an advertisement, a peer, a profile, a community. */
function isName(name: string): boolean {
  return /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(name);
}

/** The name that a table gives itself. */
export const ownName: ValueType<string> = parsedText(`a name: ${NAME_RULE}`, (name) => (isName(name) ? { value: name } : { error: `is no name: use ${NAME_RULE}` }));

/** A name that must exist elsewhere; whether it does is found out later, so that the nearest can be named. */
export const reference: ValueType<string> = parsedText("a name", (name) => (name === "" ? { error: "" } : { value: name }));

export const glob: ValueType<Glob> = parsedText('a name or shell pattern such as "edge-*"', parseGlob);

/** Over the names of hosts: a letter that no such name has would silently make the pattern mean nobody. */
export const hostGlob: ValueType<Glob> = parsedText('the name of a host or a shell pattern such as "edge-*"', (text) => {
  const parsed = parseGlob(text);
  const strange = "error" in parsed ? undefined : splitGlob(text).find((token) => token.type === "literal" && !/[a-z0-9-]/.test(token.char));
  if (strange === undefined) return parsed;
  if (isHostPattern(text.toLowerCase())) return { error: `means no host: their names are in lower case; write ${quote(text.toLowerCase())}` };
  return { error: `means no host: their names have lower-case letters, digits and dashes only${text.includes(".") ? "; write the name without its domain" : ""}` };
});

function isHostPattern(text: string): boolean {
  return splitGlob(text).every((token) => token.type !== "literal" || /[a-z0-9-]/.test(token.char));
}

export const selector: ValueType<LabelSelector> = parsedText('a label selector such as "team=web,tier in (edge)"', parseLabelSelector);

/** Where an interface is named exactly. */
export const interfaceName: ValueType<string> = parsedText("the name of an interface", (name) =>
  isInterfaceName(name) ? { value: name } : { error: "is no interface: 1 to 15 characters without blanks and slashes" },
);

/** IFNAMSIZ is 16 with the zero at the end. */
export function isInterfaceName(name: string): boolean {
  return /^[^\s/\p{C}]{1,15}$/u.test(name) && name !== "." && name !== "..";
}

/** Labels as Kubernetes has them: `{ rack = "r1" }`. */
export const labels: ValueType<readonly Item<readonly [string, string]>[]> = {
  allowed: 'a table of labels such as { rack = "r1" }',
  read(node, report) {
    if (node.type !== "table") return mismatch(labels.allowed, node, report);
    const items: Item<readonly [string, string]>[] = [];
    for (const [key, value] of node.entries) {
      if (!isLabelKey(key)) report(value.place, `${quote(key)} is no label key: a domain and a slash may come before 1 to 63 letters, digits, dots, dashes and underscores`);
      else if (value.type !== "string") mismatch("a text in quotes", value, report);
      else if (!isLabelValue(value.value)) report(value.place, `${quote(value.value)} is no label value: at most 63 letters, digits, dots, dashes and underscores, a letter or digit at both ends`);
      else items.push({ value: [key, value.value], place: value.place });
    }
    return items;
  },
};

/** The named values of a table whose keys are the operator's: [bgp.communities]. Names differ in more than case. */
export function named<T>(what: string, allowed: string, parse: (name: string, value: string) => Parsed<T>): ValueType<readonly Item<readonly [string, T]>[]> {
  return {
    allowed,
    read(node, report) {
      if (node.type !== "table") return mismatch(allowed, node, report);
      const items: Item<readonly [string, T]>[] = [];
      const taken = new Map<string, string>();
      for (const [name, value] of node.entries) {
        const twin = taken.get(name.toLowerCase());
        taken.set(name.toLowerCase(), name);
        if (twin !== undefined) report(value.place, `differs from ${pathOf("", twin)} in case only; names are compared without regard to case`);
        else if (!isName(name)) report(value.place, `${quote(name)} is no name for ${what}: use ${NAME_RULE}`);
        else if (value.type !== "string") mismatch("a text in quotes", value, report);
        else {
          const parsed = parse(name, value.value);
          if ("error" in parsed) report(value.place, parsed.error);
          else items.push({ value: [name, parsed.value], place: value.place });
        }
      }
      return items;
    },
  };
}
