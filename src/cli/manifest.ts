/** Objects of Kubernetes as a file that kubectl applies. Pure. */
import { formatYaml, type YamlValue } from "./yaml.ts";

export type Manifest = {
  /** What a reader of the file is told. */
  readonly about: string | undefined;
  readonly object: { readonly [key: string]: YamlValue };
};

const HEAD = `What bmlb needs in the cluster: a namespace for its Leases, an account, and the rights of that account. Nothing more is used.
bmlb rbac | kubectl apply -f -`;

export function formatManifests(manifests: readonly Manifest[]): string {
  const documents = manifests.map(({ about, object }) => (about === undefined ? "" : `${comment(about)}\n`) + formatYaml(object));
  return `${comment(HEAD)}\n${documents.join("---\n")}`;
}

/** One list, which kubectl takes too. */
export function jsonOfManifests(manifests: readonly Manifest[]): string {
  return `${JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests.map(({ object }) => object) }, undefined, 2)}\n`;
}

function comment(text: string): string {
  return text.replace(/^/gm, "# ");
}
