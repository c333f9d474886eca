/**
 * A certificate authority for one test run, made by openssl: certificates for servers (by address) and for clients, as Kubernetes
 * reads them: the common name is the user, each organisation is a group.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const DAYS_VALID = "3";

/** PEM texts. */
export type KeyPair = { readonly certificate: string; readonly key: string };

export class Authority {
  /** The authority's own certificate as PEM text. */
  readonly certificate: string;
  readonly #folder: string;
  #issued = 0;

  private constructor(folder: string, certificate: string) {
    this.#folder = folder;
    this.certificate = certificate;
  }

  /** Makes the authority's key in `folder`, which must be private and stay for as long as certificates are issued. */
  static async make(folder: string): Promise<Authority> {
    await writeFile(join(folder, "openssl.cnf"), "[req]\ndistinguished_name = name\n[name]\n");
    await newCertificate(folder, "ca", "/CN=bmlb test authority", ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"], []);
    return new Authority(folder, await readFile(join(folder, "ca.crt"), "utf8"));
  }

  /** A certificate for a server that is reached by these addresses or names. */
  server(names: readonly string[]): Promise<KeyPair> {
    const alternatives = names.map((name) => (isIP(name) === 0 ? `DNS:${name}` : `IP:${name}`)).join(",");
    return this.#issue("/CN=kube-apiserver", [`subjectAltName=${alternatives}`, "extendedKeyUsage=serverAuth"]);
  }

  client(user: string, groups: readonly string[]): Promise<KeyPair> {
    const subject = [...groups.map((group) => `/O=${group}`), `/CN=${user}`].join("");
    return this.#issue(subject, ["extendedKeyUsage=clientAuth"]);
  }

  async #issue(subject: string, extensions: readonly string[]): Promise<KeyPair> {
    this.#issued += 1;
    const name = `issued-${this.#issued}`;
    const signedBy = ["-CA", join(this.#folder, "ca.crt"), "-CAkey", join(this.#folder, "ca.key")];
    await newCertificate(this.#folder, name, subject, ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", ...extensions], signedBy);
    const [certificate, key] = await Promise.all([readFile(join(this.#folder, `${name}.crt`), "utf8"), readFile(join(this.#folder, `${name}.key`), "utf8")]);
    return { certificate, key };
  }
}

/** Writes `name`.crt and `name`.key into the folder. */
async function newCertificate(folder: string, name: string, subject: string, extensions: readonly string[], signedBy: readonly string[]): Promise<void> {
  await run("openssl", [
    ...["req", "-x509", "-config", join(folder, "openssl.cnf"), "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.crt`), "-days", DAYS_VALID, "-subj", subject],
    ...extensions.flatMap((extension) => ["-addext", extension]),
    ...signedBy,
  ]);
}
