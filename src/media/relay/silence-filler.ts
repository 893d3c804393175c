import type { G711Law } from '../codec/g711.js';
import { RTP_HEADER_BYTES } from '../rtp/rtp-packet.js';
import type { DigitStream } from './digit-sender.js';

const FRAME_MS = 20;
const FRAME_BYTES = 160;
/** Browsers send audio all the time; whoever is quiet for so long has none to send, or no way to send it. */
const IDLE_MS = 400;
/** A timer may fire this much early without the frame having to wait for another. */
const EARLY_MS = 1;
/** What a line with nobody on it is in either law (ITU-T G.711 Tables 1a and 2a). */
const SILENCE: Readonly<Record<G711Law, number>> = { PCMU: 0xff, PCMA: 0xd5 };

/** The stream that silence goes out on. */
export interface SilenceStream extends Pick<DigitStream, 'sender' | 'buffer' | 'send'> {
  /** Audio must be silent now for a digit on its way out. */
  silencesAudio(nowMs: number): boolean;
  /** How audio is sent; undefined while it may not be. */
  readonly audioFormat: { readonly codec: G711Law; readonly sendPayloadType: number } | undefined;
}

/**
 * Silence in the place of a page's audio that has stopped: while it is loaded anew, looks for another
 * network, or holds a call that its carrier knows nothing of. Carriers end calls on which nothing comes for a
 * while. The frames stand in the stream where the audio would, and end with the first packet of audio.
 */
export class SilenceFiller {
  private heardAtMs: number | undefined;
  private dueMs: number | undefined;

  constructor(private readonly deps: { readonly stream: SilenceStream }) {}

  /** Audio came from the other leg. */
  heard(nowMs: number): void {
    this.heardAtMs = nowMs;
    this.dueMs = undefined;
  }

  /** To be called now and then: begins when audio that there was has stopped. */
  look(nowMs: number): void {
    const { heardAtMs } = this;
    if (heardAtMs === undefined || this.dueMs !== undefined || nowMs - heardAtMs < IDLE_MS) return;
    if (this.deps.stream.audioFormat !== undefined) this.dueMs = nowMs;
  }

  /** Undefined when no silence is being sent. */
  nextDueMs(): number | undefined {
    return this.dueMs;
  }

  pump(nowMs: number): void {
    const { stream } = this.deps;
    while (this.dueMs !== undefined && nowMs + EARLY_MS >= this.dueMs) {
      const format = stream.audioFormat;
      if (format === undefined) {
        this.dueMs = undefined;
        return;
      }
      this.dueMs = stream.silencesAudio(nowMs) ? nowMs + FRAME_MS : this.sendFrame(format, nowMs);
    }
  }

  /** Returns when the next one is due. */
  private sendFrame(format: NonNullable<SilenceStream['audioFormat']>, nowMs: number): number {
    const { sender, buffer } = this.deps.stream;
    const { timestamp, atMs } = sender.nextFrame(nowMs, FRAME_MS);
    if (atMs > nowMs + EARLY_MS) return atMs;
    buffer.fill(SILENCE[format.codec], RTP_HEADER_BYTES, RTP_HEADER_BYTES + FRAME_BYTES);
    this.deps.stream.send(sender.insertFrame(timestamp, FRAME_BYTES, atMs), timestamp, false, format.sendPayloadType, FRAME_BYTES);
    return atMs + FRAME_MS;
  }
}
