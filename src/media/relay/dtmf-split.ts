import type { Digit } from '../dtmf/digit.js';
import { type DtmfDecoded, DtmfDecoder, type DtmfDecoderOptions, type DtmfPast } from '../dtmf/dtmf-decoder.js';
import type { LegOutput } from './leg-output.js';
import type { RelayFrame, RelayOutcome, RelayStage } from './relay-stage.js';
import type { DigitListener } from './relayed-digit.js';

/** Audio stays silent this long after a digit, one packet beyond its last end packet, for what of its tone is still on the way. */
const GUARD_MS = 60;

/**
 * Takes telephone-events out of a direction: each press is decoded, and encoded anew on the other leg
 * with that leg's payload type, clock and timestamps (RFC 4733 §2.5.1, §2.5.2; decision: milliseconds inside).
 * While a press is under way the audio of this direction is silenced (§2.5.2.2: never event and tone both).
 */
export class DtmfSplit implements RelayStage {
  private readonly decoder: DtmfDecoder;
  private press = 0;
  private relaying = false;
  /** The press under way was asked for by other means already. */
  private copy = false;
  private silentUntilMs = Number.NEGATIVE_INFINITY;
  private nowMs = 0;

  constructor(
    options: DtmfDecoderOptions,
    private readonly deps: { readonly output: LegOutput } & DigitListener,
  ) {
    this.decoder = new DtmfDecoder(options, {
      onDecoded: (decoded) => this.take(decoded),
      onFlash: (durationMs) => deps.onFlash({ relayed: deps.output.flash(durationMs) }),
    });
  }

  process(frame: RelayFrame, nowMs: number): RelayOutcome | undefined {
    const { packet } = frame;
    if (frame.format === 'telephone-event') {
      this.nowMs = nowMs;
      const { buffer, payloadOffset, payloadLength } = packet;
      return this.decoder.receive(packet.ssrc, packet.timestamp, buffer, payloadOffset, payloadLength, nowMs) ? 'digit' : 'malformed';
    }
    return this.silences(nowMs) ? 'muted' : undefined;
  }

  nextDueMs(): number | undefined {
    return this.decoder.nextDueMs();
  }

  /** Ends a press whose packets stopped coming. */
  tick(nowMs: number): void {
    this.nowMs = nowMs;
    this.decoder.tick(nowMs);
  }

  /** Ends the press under way: no more will come through this stage. */
  close(): DtmfPast {
    return this.decoder.leave();
  }

  private silences(nowMs: number): boolean {
    return (this.decoder.active && (this.relaying || this.copy)) || nowMs < this.silentUntilMs;
  }

  private take({ type, digit, durationMs, volume }: DtmfDecoded): void {
    const { output, presses } = this.deps;
    if (type === 'start') {
      this.copy = presses.isCopy(digit, this.nowMs);
      this.press = this.copy ? 0 : presses.begin(digit);
      this.relaying = !this.copy && output.beginDigit(this.press, digit, volume);
    }
    if (this.relaying && type !== 'end') output.lengthenDigit(durationMs);
    if (type === 'end') this.end(digit, durationMs);
  }

  private end(digit: Digit, durationMs: number): void {
    const { press, relaying } = this;
    if (relaying) this.deps.output.endDigit(durationMs);
    if (relaying || this.copy) this.silentUntilMs = this.nowMs + GUARD_MS;
    if (this.copy) this.deps.onPassedOver('digit-copy');
    else this.deps.onDigit({ press, digit, by: 'rfc4733', durationMs, relayed: relaying });
  }
}
