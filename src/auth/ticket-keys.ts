import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportJWK, type JSONWebKeySet } from 'jose';
import { GatewayError, messageOf } from '../base/errors.js';

/** The only two ways to sign a ticket. Each key is for one of them, so that neither is taken for the other (RFC 8725 §3.1). */
export type TicketAlgorithm = 'EdDSA' | 'HS256';

/** A key that tickets are checked with. */
export interface TicketKey {
  /** Name of the key (`kid`). */
  readonly id: string;
  readonly algorithm: TicketAlgorithm;
  readonly verify: KeyObject;
  /** Only this site's tickets are signed with it; any site's when absent: then it is the gateway's own. */
  readonly site?: string;
}

/** A key of the gateway, that tickets are signed with. */
export interface SigningKey extends TicketKey {
  readonly sign: KeyObject;
}

export type TicketKeyErrorInfo = { readonly code: 'ticket-key-unusable'; readonly key: string };

/** Bytes an HMAC key must have (RFC 7518 §3.2). */
const leastSecretBytes = 32;

function unusable(id: string, why: string, cause?: unknown): GatewayError<TicketKeyErrorInfo> {
  return new GatewayError<TicketKeyErrorInfo>({ code: 'ticket-key-unusable', key: id }, `ticket key "${id}" ${why}`, { cause });
}

function secretKey(id: string, text: string): KeyObject {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length < leastSecretBytes)
    throw unusable(id, `has ${bytes.length} bytes; HS256 needs at least ${leastSecretBytes} (openssl rand -base64 48)`);
  return createSecretKey(bytes);
}

function ed25519(id: string, read: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (thrown) {
    throw unusable(id, `cannot be read: ${messageOf(thrown)}`, thrown);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unusable(id, 'is no Ed25519 key (openssl genpkey -algorithm ed25519)');
  return key;
}

/** A key of the gateway out of its secret: PEM of a private Ed25519 key, or the text of an HMAC key. Throws when it is neither. */
export function signingKey(id: string, algorithm: TicketAlgorithm, secret: string): SigningKey {
  if (algorithm === 'HS256') {
    const key = secretKey(id, secret);
    return { id, algorithm, sign: key, verify: key };
  }
  const sign = ed25519(id, () => createPrivateKey(secret));
  return { id, algorithm, sign, verify: createPublicKey(sign) };
}

/** A key of a website's back end: PEM of a public Ed25519 key, or the text of an HMAC key. Throws when it is neither. */
export function siteKey(site: string, id: string, algorithm: TicketAlgorithm, text: string): TicketKey {
  const verify = algorithm === 'HS256' ? secretKey(id, text) : ed25519(id, () => createPublicKey(text));
  return { id, algorithm, verify, site };
}

/** A key for one life of the gateway: its tickets end with a restart. */
export function passingKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { id: 'passing', algorithm: 'EdDSA', sign: privateKey, verify: publicKey };
}

/** The gateway's public keys, for whoever wants to check its tickets (RFC 7517 §5). HMAC keys are never among them. */
export async function publicKeySet(keys: readonly TicketKey[]): Promise<JSONWebKeySet> {
  const shown = keys.filter(({ algorithm, site }) => algorithm === 'EdDSA' && site === undefined);
  return {
    keys: await Promise.all(shown.map(async ({ id, verify }) => ({ ...(await exportJWK(verify)), kid: id, use: 'sig', alg: 'EdDSA' }))),
  };
}
