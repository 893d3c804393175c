import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

/** A certificate chain with its key, as PEM texts. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

/** The names a certificate speaks for, lower case: its DNS names and the domains of its `sip:` URIs (RFC 5922 §7.1). */
function namesOf(cert: string): readonly string[] {
  const parts = (new X509Certificate(cert).subjectAltName ?? '').split(', ');
  return parts.flatMap((part) => /^(?:DNS:|URI:sip:)([^;?@]+)$/i.exec(part)?.[1]?.toLowerCase() ?? []);
}

/** Which of several certificates a client is shown: the first that speaks for the name it asked for (SNI, RFC 6066 §3). */
export class CertificateChoice {
  private readonly byName = new Map<string, SecureContext>();

  /** Throws what Node says of a certificate or key that cannot be used. */
  constructor(certificates: readonly CertificateAndKey[], ca: string | undefined) {
    for (const { cert, key } of certificates) {
      const context = createSecureContext({ cert, key, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) });
      for (const name of namesOf(cert)) if (!this.byName.has(name)) this.byName.set(name, context);
    }
  }

  /** Undefined when none speaks for the name; a wildcard stands for one label (RFC 6125 §6.4.3). */
  for(name: string): SecureContext | undefined {
    const asked = name.toLowerCase();
    return this.byName.get(asked) ?? this.byName.get(asked.replace(/^[^.]+/, '*'));
  }
}
