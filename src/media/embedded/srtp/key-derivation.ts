/** SRTP session keys from a master key (RFC 3711 §4.3.1), key derivation rate 0. */
import { createCipheriv } from 'node:crypto';

/** Master key and salt of one direction, as DTLS-SRTP gives them (RFC 5764 §4.2). */
export interface SrtpMasterKey {
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** 14 bytes. */
  readonly salt: Uint8Array;
}

export interface SrtpSessionKeys {
  readonly encryption: Buffer;
  readonly authentication: Buffer;
  readonly salt: Buffer;
}

const label = { srtp: 0, srtcp: 3 } as const;

/** The three keys of SRTP (labels 0, 1, 2) or SRTCP (labels 3, 4, 5; RFC 3711 §4.3.2). */
export function deriveSessionKeys(master: SrtpMasterKey, protocol: 'srtp' | 'srtcp'): SrtpSessionKeys {
  const first = label[protocol];
  return {
    encryption: derive(master, first, 16),
    authentication: derive(master, first + 1, 20),
    salt: derive(master, first + 2, 14),
  };
}

/** The label stands in byte 7 of the 14 that are XORed with the salt; the counter follows in two more. */
function derive(master: SrtpMasterKey, labelByte: number, bytes: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.set(master.salt, 0);
  counter[7] = (counter[7] ?? 0) ^ labelByte;
  const cipher = createCipheriv('aes-128-ctr', master.key, counter);
  return cipher.update(Buffer.alloc(bytes));
}
