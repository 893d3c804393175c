import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

const read = (name: string): string => readFileSync(new URL(`../vectors/tls/${name}`, import.meta.url), 'utf8');
const cert = read('loopback.crt');

/** Self-signed certificate for `localhost` and the loopback addresses, trusted by itself. For tests only. */
export const testTls = { cert, key: read('loopback.key'), ca: cert, verifyPeer: true } as const;

/** Another one for the same places that also speaks for the SIP domain `carrier.example`; its own authority. */
export const renewedTls = { cert: read('renewed.crt'), key: read('renewed.key'), ca: read('renewed.crt'), verifyPeer: true } as const;

/** Of the public key of `testTls`, as browsers are told to trust it. */
export const testKeyHash = createHash('sha256')
  .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
  .digest('base64');
