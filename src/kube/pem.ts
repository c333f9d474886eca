/** Certificates and keys in PEM, looked at before they are used: node:https throws, sometimes where nobody can catch it. Opens no file. */
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";

/** One certificate, several, or a key. */
export type Pem = string | Buffer;

const CERTIFICATE = /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[^]*?-----END (TRUSTED |X509 )?CERTIFICATE-----/g;

/** What OpenSSL has against these; undefined if nothing. Each is PEM. */
export function certificateProblem(ca: Pem | undefined, cert: Pem | undefined, key: Pem | undefined): string | undefined {
  if (ca !== undefined) {
    const written = String(ca).match(CERTIFICATE) ?? [];
    if (written.length === 0) return "certificate-authority holds no PEM certificate";
    if (!written.some(isCertificate)) return "certificate-authority holds a certificate that is damaged";
  }
  try {
    createSecureContext({ ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) });
    return undefined;
  } catch (error) {
    return `client certificate and key cannot be used: ${(error as Error).message}`;
  }
}

/** Unix ms between which a certificate is valid; undefined if it is none. */
export function validity(cert: Pem): { readonly begins: number; readonly ends: number } | undefined {
  try {
    const { validFrom, validTo } = new X509Certificate(cert);
    const [begins, ends] = [Date.parse(validFrom), Date.parse(validTo)];
    return Number.isNaN(begins) || Number.isNaN(ends) ? undefined : { begins, ends };
  } catch {
    return undefined;
  }
}

function isCertificate(pem: string): boolean {
  return validity(pem) !== undefined;
}
