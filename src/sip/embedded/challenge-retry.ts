import type { DigestClient, DigestTarget } from './digest-client.js';
import type { HeaderFields, HeaderLine, SipResponseMessage } from './message.js';

/** A first challenge and one more, for a nonce gone stale meanwhile (RFC 7616 §3.3). */
const maxRounds = 2;

/** The digest side of one request: what to send along, and whether a refusal is worth another try. */
export class ChallengeRetry {
  private lines: readonly HeaderLine[];
  private readonly unasked: boolean;
  private rounds = 0;

  constructor(
    private readonly digest: DigestClient | undefined,
    private readonly target: DigestTarget,
  ) {
    this.lines = digest?.authorise(target) ?? [];
    this.unasked = this.lines.length > 0;
  }

  /** True when the request should be sent again, with a new CSeq and what `addTo` then adds. */
  takes(response: SipResponseMessage): boolean {
    if (this.digest === undefined || (response.status !== 401 && response.status !== 407)) return false;
    if (this.rounds >= maxRounds) return false;
    this.rounds += 1;
    const first = this.digest.answer(response, this.target);
    const lines = first ?? (this.unasked && this.rounds === 1 ? this.digest.answer(response, this.target) : undefined);
    if (lines === undefined) return false;
    this.lines = lines;
    return true;
  }

  addTo(headers: HeaderFields): void {
    for (const { name, value } of this.lines) headers.add(name, value);
  }
}
