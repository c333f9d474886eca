/**
 * The kubeconfig files of the tests, in each form that a kubeconfig can prove who is asking.
 */
import { chmod, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GROUPS, newTokens, type Tokens } from "./access.ts";
import type { CredentialForm, User } from "./api-under-test.ts";
import type { Authority, KeyPair } from "./certificates.ts";

export class Kubeconfigs {
  readonly #folder: string;
  readonly #url: string;
  readonly #authority: Authority;
  #tokens: Tokens;
  readonly #certificates = new Map<User, Promise<KeyPair>>();

  /** @param folder a private one; everything is written there */
  constructor(folder: string, url: string, authority: Authority, tokens: Tokens) {
    this.#folder = folder;
    this.#url = url;
    this.#authority = authority;
    this.#tokens = tokens;
  }

  /** Writes one and returns its path. The same user and form again is the same file. */
  async write(user: User, form: CredentialForm): Promise<string> {
    const path = join(this.#folder, `kubeconfig-${user}-${form}`);
    await writeFile(path, kubeconfig(this.#url, this.#authority.certificate, user, await this.#credential(user, form)), { mode: 0o600 });
    return path;
  }

  /** The certificate by which a user proves who they are; made when first asked for. */
  certificate(user: User): Promise<KeyPair> {
    const made = this.#certificates.get(user) ?? this.#authority.client(user, GROUPS[user]);
    this.#certificates.set(user, made);
    return made;
  }

  /** Gives a user another token, in the file of `token-file` too, and returns it. */
  async newToken(user: User): Promise<string> {
    this.#tokens = { ...this.#tokens, [user]: newTokens()[user] };
    await this.#writeTokenFile(user);
    return this.#tokens[user];
  }

  /** Written beside and renamed, as kubelets do: a reader sees the old one or the new one. */
  async #writeTokenFile(user: User): Promise<string> {
    const path = join(this.#folder, `token-${user}`);
    await writeFile(`${path}.new`, `${this.#tokens[user]}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
    return path;
  }

  async #credential(user: User, form: CredentialForm): Promise<object> {
    switch (form) {
      case "certificate": {
        const { certificate, key } = await this.certificate(user);
        return { "client-certificate-data": base64(certificate), "client-key-data": base64(key) };
      }
      case "token":
        return { token: this.#tokens[user] };
      case "token-file":
        return { tokenFile: await this.#writeTokenFile(user) };
      case "exec": {
        const command = join(this.#folder, `credential-${user}`);
        const credential = { apiVersion: EXEC, kind: "ExecCredential", status: { token: this.#tokens[user] } };
        await writeFile(command, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(credential)}\nEND\n`);
        await chmod(command, 0o700);
        return { exec: { apiVersion: EXEC, command, interactiveMode: "Never" } };
      }
    }
  }
}

const EXEC = "client.authentication.k8s.io/v1";

/** JSON is YAML, and every reader of kubeconfigs takes it. */
function kubeconfig(url: string, ca: string, user: User, credential: object): string {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority-data": base64(ca) } }],
    users: [{ name: user, user: credential }],
    contexts: [{ name: "test", context: { cluster: "test", user } }],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
