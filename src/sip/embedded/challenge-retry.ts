import type { DigestClient, DigestTarget } from './digest-client.js';
import type { HeaderFields, HeaderLine, SipResponseMessage } from './message.js';

/** Two proxies and the peer, and a nonce gone stale meanwhile: no honest way asks more often. */
const maxRounds = 4;

/** The digest side of one request: what to send along, and whether a refusal is worth another try. */
export class ChallengeRetry {
  private lines: readonly HeaderLine[];
  private readonly unasked: boolean;
  private readonly asked = new Map<string, number>();
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
    if (this.digest === undefined) return false;
    if (response.status !== 401 && response.status !== 407) {
      this.learn(response);
      return false;
    }
    if (this.rounds >= maxRounds) return false;
    this.rounds += 1;
    const first = this.digest.answer(response, this.target, this.asked);
    const lines = first ?? (this.unasked && this.rounds === 1 ? this.digest.answer(response, this.target, this.asked) : undefined);
    if (lines === undefined) return false;
    this.lines = lines;
    return true;
  }

  /** Takes what a success says of the next nonce. */
  learn(response: SipResponseMessage): void {
    if (response.status >= 200 && response.status < 300) this.digest?.learn(response.headers);
  }

  addTo(headers: HeaderFields): void {
    for (const { name, value } of this.lines) headers.add(name, value);
  }
}
