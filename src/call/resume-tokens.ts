import { timingSafeEqual } from 'node:crypto';
import { randomToken } from '../base/ids.js';
import type { LegName } from '../media/plane.js';
import type { ExtraHeaders } from '../sip/port.js';
import { tokenDigest } from './token-digest.js';

/** Header in which a page is given the token of its call, and shows it to take the call back. */
export const resumeHeader = 'X-Call-Token';

const tokenBytes = 24;
/** A token outlives the next ones given out for the same leg: a page that is loaded anew again and again may not have heard of them. */
const keptPerLeg = 4;

/**
 * What a page shows to take up its call again after it was loaded anew: an INVITE with Replaces
 * (RFC 3891) names the dialog, and this proves that it was the page's own (ibid. §3 asks for a proof).
 */
export class ResumeTokens {
  private readonly tokens: Record<LegName, readonly string[]> = { a: [], b: [] };

  /** `onIssued` is told of each token by its digest. */
  constructor(private readonly onIssued: (leg: LegName, digest: string) => void = () => {}) {}

  /** A new token of the leg, in the header that carries it. */
  issue(leg: LegName): ExtraHeaders {
    const token = randomToken(tokenBytes);
    this.tokens[leg] = [token, ...this.tokens[leg]].slice(0, keptPerLeg);
    this.onIssued(leg, tokenDigest(token));
    return [[resumeHeader, token]];
  }

  /** Whether the token is one of the leg's, in the same time whichever it is. */
  takes(leg: LegName, given: string | undefined): boolean {
    const shown = Buffer.from(given ?? '');
    let found = false;
    for (const token of this.tokens[leg]) {
      const known = Buffer.from(token);
      if (known.length === shown.length && timingSafeEqual(known, shown)) found = true;
    }
    return found;
  }
}
