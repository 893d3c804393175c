import { createHash } from 'node:crypto';

/** What stands for a call's token wherever it must be known again and must not be told: its SHA-256, base64url. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
