/**
 * Who the DTLS client is. werift's server takes the client's certificate, CertificateVerify and
 * Finished without checking them, and a certificate is public: its fingerprint alone proves nothing.
 * So the handshake it has kept is checked here: the certificate fits the fingerprint of the SDP
 * (RFC 8122 §5, RFC 8827 §6.5), the client holds its key (RFC 5246 §7.4.8), and both sides have seen
 * the same handshake (RFC 5246 §7.4.9).
 */
import { createHash, createHmac, timingSafeEqual, verify, X509Certificate } from 'node:crypto';

/** A handshake message as it was hashed: DTLS header without fragmentation, then the body (RFC 6347 §4.2.6). */
export interface HandshakeMessage {
  readonly type: number;
  readonly body: Buffer;
  readonly bytes: Buffer;
}

export interface ExpectedFingerprint {
  readonly algorithm: string;
  readonly value: string;
}

export type ProofResult = 'proved' | 'fingerprint-mismatch' | 'not-proved';

const handshakeType = { certificate: 11, certificateVerify: 15, finished: 20 } as const;

/** Hash and signature pairs offered in our CertificateRequest: SHA-256 with RSA and with ECDSA (RFC 5246 §7.4.1.4.1). */
const digestOfScheme: ReadonlyMap<number, string> = new Map([
  [0x0401, 'sha256'],
  [0x0403, 'sha256'],
]);

/** Hash functions of `a=fingerprint` (RFC 8122 §5); MD5 and MD2 are not taken. */
const digestOfFingerprint: Readonly<Record<string, string>> = {
  'sha-1': 'sha1',
  'sha-224': 'sha224',
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
};

/** Checks all three, for the client's side of a finished handshake. */
export function proveClient(
  transcript: readonly HandshakeMessage[],
  masterSecret: Buffer,
  expected: readonly ExpectedFingerprint[],
): ProofResult {
  const certificate = certificateOf(transcript);
  if (certificate === undefined || !fitsAny(certificate, expected)) return 'fingerprint-mismatch';
  if (!holdsKey(transcript, certificate)) return 'not-proved';
  return sawTheSame(transcript, masterSecret) ? 'proved' : 'not-proved';
}

/** Whether the certificate has one of the fingerprints; of several hash functions the strongest that is offered counts. */
export function fitsAny(certificate: Buffer, expected: readonly ExpectedFingerprint[]): boolean {
  const strength = Object.keys(digestOfFingerprint);
  const known = expected.filter(({ algorithm }) => strength.includes(algorithm.toLowerCase()));
  const best = Math.max(...known.map(({ algorithm }) => strength.indexOf(algorithm.toLowerCase())));
  return known
    .filter(({ algorithm }) => strength.indexOf(algorithm.toLowerCase()) === best)
    .some(({ algorithm, value }) => {
      const digest = digestOfFingerprint[algorithm.toLowerCase()] ?? 'sha256';
      return createHash(digest).update(certificate).digest('hex').toUpperCase() === value.replaceAll(':', '').toUpperCase();
    });
}

/** The first certificate of the client's list (RFC 5246 §7.4.2). */
function certificateOf(transcript: readonly HandshakeMessage[]): Buffer | undefined {
  const list = transcript.findLast(({ type }) => type === handshakeType.certificate)?.body;
  if (list === undefined || list.length < 6) return undefined;
  const length = list.readUIntBE(3, 3);
  return length > 0 && 6 + length <= list.length ? list.subarray(6, 6 + length) : undefined;
}

function holdsKey(transcript: readonly HandshakeMessage[], certificate: Buffer): boolean {
  const at = transcript.findLastIndex(({ type }) => type === handshakeType.certificateVerify);
  const body = transcript[at]?.body;
  if (body === undefined || body.length < 4) return false;
  const digest = digestOfScheme.get(body.readUInt16BE(0));
  const signature = body.subarray(4, 4 + body.readUInt16BE(2));
  if (digest === undefined) return false;
  return verify(digest, bytesOf(transcript.slice(0, at)), new X509Certificate(certificate).publicKey, signature);
}

function sawTheSame(transcript: readonly HandshakeMessage[], masterSecret: Buffer): boolean {
  // The client's comes first; the server's own, if it has been sent, is the last.
  const at = transcript.findIndex(({ type }) => type === handshakeType.finished);
  const body = transcript[at]?.body;
  if (body === undefined || body.length !== 12) return false;
  const seed = Buffer.concat([
    Buffer.from('client finished', 'ascii'),
    createHash('sha256')
      .update(bytesOf(transcript.slice(0, at)))
      .digest(),
  ]);
  return timingSafeEqual(firstOfPrf(masterSecret, seed).subarray(0, 12), body);
}

/** The first 32 bytes of P_SHA256 (RFC 5246 §5), more than a Finished needs. */
function firstOfPrf(secret: Buffer, seed: Buffer): Buffer {
  const a1 = createHmac('sha256', secret).update(seed).digest();
  return createHmac('sha256', secret).update(a1).update(seed).digest();
}

function bytesOf(messages: readonly HandshakeMessage[]): Buffer {
  return Buffer.concat(messages.map(({ bytes }) => bytes));
}
