import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.js';
import { GatewayError, messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { TicketKey } from './ticket-keys.js';
import type { FetchedKeys } from './ticket-verifier.js';

export type SiteKeysErrorInfo = { readonly code: 'key-set-too-large' } | { readonly code: 'key-set-refused'; readonly status: number };

/** Where a site's back end publishes its keys. */
export interface KeySetSource {
  readonly site: string;
  /** https URL or path of a JWK set (RFC 7517 §5). */
  readonly url: string;
}

const timeoutMs = 5_000;
const maxBytes = 64 * 1024;
const maxKeys = 32;
/** A key nobody has heard of makes the set be read again, but not more often than this. */
const againAfterMs = 60_000;
/** Known keys are looked up again after so long, so that one the site has withdrawn serves no longer. */
const freshMs = 600_000;

interface Known {
  readonly url: string;
  keys: readonly TicketKey[];
  readAtMs: number | undefined;
  reading: Promise<void> | undefined;
}

/** Reads the public keys of websites, keeps them, and reads them again when a key is new. A set that cannot be read leaves the last one. */
export class SiteKeyFetcher implements FetchedKeys {
  private readonly known: ReadonlyMap<string, Known>;

  constructor(
    sources: readonly KeySetSource[],
    private readonly deps: { readonly clock: Pick<Clock, 'nowMs'>; readonly log: Log; readonly fetch?: typeof fetch },
  ) {
    this.known = new Map(sources.map(({ site, url }) => [site, { url, keys: [], readAtMs: undefined, reading: undefined }]));
  }

  async find(site: string, keyId: string): Promise<TicketKey | undefined> {
    const known = this.known.get(site);
    if (known === undefined) return undefined;
    const key = known.keys.find(({ id }) => id === keyId);
    const ageMs = known.readAtMs === undefined ? Number.POSITIVE_INFINITY : this.deps.clock.nowMs() - known.readAtMs;
    if (known.reading === undefined && ageMs >= (key === undefined ? againAfterMs : freshMs)) {
      known.reading = this.read(site, known).finally(() => {
        known.reading = undefined;
      });
    }
    await known.reading;
    return known.keys.find(({ id }) => id === keyId);
  }

  private async read(site: string, known: Known): Promise<void> {
    known.readAtMs = this.deps.clock.nowMs();
    try {
      const text = known.url.startsWith('/') ? await readFile(known.url, 'utf8') : await this.get(known.url);
      known.keys = keysOf(site, JSON.parse(text));
      this.deps.log.info({ site, keys: known.keys.length }, "a site's keys were read");
    } catch (thrown) {
      this.deps.log.warn({ site, error: messageOf(thrown) }, "a site's keys cannot be read; those known before stay");
    }
  }

  private async get(url: string): Promise<string> {
    const get = this.deps.fetch ?? fetch;
    const answer = await get(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: 'application/json' },
    });
    if (answer.ok) return await textOf(answer);
    await answer.body?.cancel();
    throw new GatewayError<SiteKeysErrorInfo>({ code: 'key-set-refused', status: answer.status }, `the server says ${answer.status}`);
  }
}

async function textOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    // Ends the download too: leaving the loop cancels the stream.
    if (bytes > maxBytes) break;
    chunks.push(chunk);
  }
  if (bytes > maxBytes) throw new GatewayError<SiteKeysErrorInfo>({ code: 'key-set-too-large' }, `it has more than ${maxBytes} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

/** Ed25519 keys with a name; whatever else stands in the set is left out. An HMAC key has no business in a published set. */
function keysOf(site: string, set: unknown): readonly TicketKey[] {
  const keys = (set as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) return [];
  return (keys as readonly unknown[]).slice(0, maxKeys).flatMap((jwk): readonly TicketKey[] => {
    if (typeof jwk !== 'object' || jwk === null) return [];
    const { kid, kty, crv, x } = jwk as Readonly<Record<string, unknown>>;
    if (typeof kid !== 'string' || kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') return [];
    try {
      return [{ id: kid, algorithm: 'EdDSA', verify: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }), site }];
    } catch {
      return [];
    }
  });
}
