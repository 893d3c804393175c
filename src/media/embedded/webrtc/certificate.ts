import { X509Certificate } from 'node:crypto';
import { RTCDtlsTransport } from 'werift';

/** What we prove ourselves with in DTLS: a self-signed certificate, made anew with each worker (RFC 8827 §6.5). */
export interface DtlsCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly signatureHash: { readonly hash: 4; readonly signature: 1 | 3 };
  /** SHA-256 of the certificate, upper-case hexadecimal with colons (RFC 8122 §5). */
  readonly fingerprint: string;
}

export async function makeDtlsCertificate(): Promise<DtlsCertificate> {
  const made = await RTCDtlsTransport.SetupCertificate();
  return {
    certPem: made.certPem,
    keyPem: made.privateKey,
    signatureHash: made.signatureHash,
    fingerprint: new X509Certificate(made.certPem).fingerprint256,
  };
}
