import type { Digit } from '../dtmf/digit.js';
import { type DtmfDecoded, DtmfDecoder } from '../dtmf/dtmf-decoder.js';
import type { LegOutput } from './leg-output.js';
import type { RelayFrame, RelayOutcome, RelayStage } from './relay-stage.js';

/** Audio stays silent this long after a digit, one packet beyond its last end packet, for what of its tone is still on the way. */
const GUARD_MS = 60;

/** A key press that arrived, told once, when its length is known. */
export interface RelayedDigit {
  readonly digit: Digit;
  readonly durationMs: number;
  /** It went out as events on the other leg too. */
  readonly relayed: boolean;
}

/**
 * Takes telephone-events out of a direction: each press is decoded, and encoded anew on the other leg
 * with that leg's payload type, clock and timestamps (RFC 4733 §2.5.1, §2.5.2; decision: milliseconds inside).
 * While a press is under way the audio of this direction is silenced (§2.5.2.2: never event and tone both).
 */
export class DtmfSplit implements RelayStage {
  private readonly decoder: DtmfDecoder;
  private relaying = false;
  private silentUntilMs = Number.NEGATIVE_INFINITY;
  private nowMs = 0;

  constructor(
    options: { readonly clockRateHz: number },
    private readonly deps: { readonly output: LegOutput; readonly onDigit: (digit: RelayedDigit) => void },
  ) {
    this.decoder = new DtmfDecoder(options, { onDecoded: (decoded) => this.take(decoded) });
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
  close(): void {
    this.decoder.flush();
  }

  private silences(nowMs: number): boolean {
    return (this.decoder.active && this.relaying) || nowMs < this.silentUntilMs;
  }

  private take({ type, digit, durationMs, volume }: DtmfDecoded): void {
    const { output } = this.deps;
    if (type === 'start') this.relaying = output.beginDigit(digit, volume);
    if (this.relaying && type !== 'end') output.lengthenDigit(durationMs);
    if (type !== 'end') return;
    if (this.relaying) {
      output.endDigit(durationMs);
      this.silentUntilMs = this.nowMs + GUARD_MS;
    }
    this.deps.onDigit({ digit, durationMs, relayed: this.relaying });
  }
}
