import { encodeG711, type G711Law } from '../codec/g711.js';
import type { Digit } from '../dtmf/digit.js';
import { InbandGenerator } from '../dtmf/inband-generator.js';
import { RTP_HEADER_BYTES } from '../rtp/rtp-packet.js';
import { addTimestamp } from '../rtp/serial-number.js';
import type { DigitGone, DigitSender, DigitStream, QueuedDigit } from './digit-sender.js';
import type { RelayFormat } from './relay-format.js';

const SAMPLES_PER_MS = 8;
/** Packets as everybody sends them (RFC 3551 §4.2). */
const FRAME_MS = 20;
const FRAME_SAMPLES = FRAME_MS * SAMPLES_PER_MS;
/** ITU-T Q.24: a tone of 40 ms must be taken; so must a pause. */
const SHORTEST_MS = 40;
const DEFAULT_GAP_MS = 40;
/** In a pause longer than this the audio comes back. */
const LONGEST_SILENT_MS = 100;
const FALL_SAMPLES = 5 * SAMPLES_PER_MS;
/** A held key sounds no longer than this. */
const LONGEST_MS = 600_000;
const QUEUE_LIMIT = 256;
/** A timer may fire this much early without the frame having to wait for another. */
const EARLY_MS = 1;

interface Press {
  readonly press: number;
  readonly digit: Digit;
  readonly gapMs: number;
  knownMs: number;
  held: boolean;
}

interface Sounding {
  readonly press: Press;
  /** Samples made. */
  position: number;
  /** Where it falls silent; infinity while the key is held. */
  endSample: number;
  packets: number;
}

/** Frames one behind the other, without a hole. */
interface Run {
  timestamp: number;
  /** When the next frame is due. */
  atMs: number;
  marker: boolean;
}

/**
 * Digits as tones in the audio of a leg that takes no events. Tone and a short pause go out in frames of their
 * own, which stand in the stream where the relayed audio would: same SSRC, next sequence number, and the
 * timestamp at which the last audio ended. So it does not matter whether audio arrives meanwhile.
 */
export class ToneSender implements DigitSender {
  private readonly generator = new InbandGenerator({}, { onSent: () => {} });
  private readonly samples = new Int16Array(FRAME_SAMPLES);
  private readonly queue: Press[] = [];
  private current: Sounding | undefined;
  private live: Press | undefined;
  /** Of the silence behind a tone. */
  private pauseSamples = 0;
  /** The rest of a longer pause, in which audio goes on. */
  private waitMs = 0;
  private freeAtMs = Number.NEGATIVE_INFINITY;
  private run: Run | undefined;
  private law: G711Law = 'PCMU';
  private payloadType = 0;

  constructor(private readonly deps: { readonly stream: DigitStream; readonly onGone: (gone: DigitGone) => void }) {}

  setFormat({ codec, sendPayloadType }: RelayFormat): void {
    this.law = codec;
    this.payloadType = sendPayloadType;
  }

  get busy(): boolean {
    return this.current !== undefined || this.pauseSamples > 0 || this.queue.length > 0;
  }

  silences(nowMs: number): boolean {
    return this.current !== undefined || this.pauseSamples > 0 || (this.queue.length > 0 && nowMs >= this.freeAtMs);
  }

  takes(): boolean {
    return true;
  }

  begin(press: number, digit: Digit): boolean {
    this.release();
    const begun: Press = { press, digit, gapMs: DEFAULT_GAP_MS, knownMs: 0, held: true };
    if (!this.add(begun)) return false;
    this.live = begun;
    return true;
  }

  lengthen(durationMs: number): void {
    if (this.live !== undefined) this.live.knownMs = Math.max(this.live.knownMs, durationMs);
  }

  end(durationMs: number): void {
    this.lengthen(durationMs);
    this.release();
  }

  enqueue({ press, digit, durationMs, gapMs = DEFAULT_GAP_MS }: QueuedDigit): boolean {
    return this.add({ press, digit, gapMs: Math.max(SHORTEST_MS, gapMs), knownMs: durationMs, held: false });
  }

  /** There is no tone for it. */
  flash(): boolean {
    return false;
  }

  clear(): readonly number[] {
    const lost = [...(this.current === undefined ? [] : [this.current.press]), ...this.queue].map(({ press }) => press);
    this.queue.length = 0;
    this.current = undefined;
    this.live = undefined;
    this.run = undefined;
    this.pauseSamples = 0;
    return lost;
  }

  nextDueMs(): number | undefined {
    if (!this.busy) return undefined;
    return this.run?.atMs ?? Math.max(this.freeAtMs, this.deps.stream.sender.audioEndMs());
  }

  pump(nowMs: number): void {
    for (;;) {
      const dueMs = this.nextDueMs();
      if (dueMs === undefined || nowMs + EARLY_MS < dueMs) return;
      this.sendFrame(nowMs);
      // After a stall the key's end may have come and not been read: it is looked for before the next frame.
      if (this.live !== undefined) return;
    }
  }

  /** The held key is held no more: its tone falls silent where its length says, or at once when that has passed. */
  private release(): void {
    const { live, current } = this;
    this.live = undefined;
    if (live === undefined) return;
    live.held = false;
    if (current?.press === live) current.endSample = Math.max(samplesOf(live), current.position + FALL_SAMPLES);
  }

  private add(press: Press): boolean {
    if (this.queue.length >= QUEUE_LIMIT) return false;
    this.queue.push(press);
    return true;
  }

  private sendFrame(nowMs: number): void {
    const { stream } = this.deps;
    const { sender } = stream;
    const run = this.run ?? this.startRun(nowMs);
    const gone = this.fill(run.atMs, nowMs);
    encodeG711(this.law, this.samples, stream.buffer, RTP_HEADER_BYTES);
    stream.send(
      sender.insertFrame(run.timestamp, FRAME_SAMPLES, run.atMs),
      run.timestamp,
      run.marker && stream.marksAudio,
      this.payloadType,
      FRAME_SAMPLES,
    );
    run.marker = false;
    run.timestamp = addTimestamp(run.timestamp, FRAME_SAMPLES);
    run.atMs += FRAME_MS;
    if (!this.silences(run.atMs)) this.run = undefined;
    for (const one of gone) this.deps.onGone(one);
  }

  private startRun(nowMs: number): Run {
    const { timestamp, atMs, afterSilence } = this.deps.stream.sender.nextFrame(nowMs, FRAME_MS);
    this.run = { timestamp, atMs, marker: afterSilence };
    return this.run;
  }

  /** Writes the next frame of tones and pauses; the digits that end in it come out. */
  private fill(startMs: number, nowMs: number): readonly DigitGone[] {
    const gone: DigitGone[] = [];
    let at = 0;
    while (at < FRAME_SAMPLES) {
      if (this.pauseSamples > 0) {
        at = this.pause(startMs, at);
        continue;
      }
      const tooSoon = Math.ceil((this.freeAtMs - startMs) * SAMPLES_PER_MS) - at;
      const sounding = tooSoon > 0 ? undefined : (this.current ?? this.startTone());
      if (sounding === undefined) {
        const end = tooSoon > 0 && this.queue.length > 0 ? Math.min(FRAME_SAMPLES, at + tooSoon) : FRAME_SAMPLES;
        this.samples.fill(0, at, end);
        at = end;
        continue;
      }
      const before = at;
      at = this.sound(sounding, at);
      if (at > before) sounding.packets += 1;
      this.deps.stream.sounded(sounding.press.digit, nowMs);
      if (sounding.position < sounding.endSample) continue;
      this.current = undefined;
      const { press, gapMs } = sounding.press;
      const silentMs = gapMs > LONGEST_SILENT_MS ? SHORTEST_MS : gapMs;
      this.pauseSamples = silentMs * SAMPLES_PER_MS;
      this.waitMs = gapMs - silentMs;
      gone.push({ press, as: 'inband', durationMs: sounding.endSample / SAMPLES_PER_MS, packets: sounding.packets });
    }
    return gone;
  }

  /** Fills the frame from `at` with the silence behind a tone, as far as it goes; returns where it stops. */
  private pause(startMs: number, at: number): number {
    const count = Math.min(FRAME_SAMPLES - at, this.pauseSamples);
    this.samples.fill(0, at, at + count);
    this.pauseSamples -= count;
    if (this.pauseSamples === 0) this.freeAtMs = startMs + (at + count) / SAMPLES_PER_MS + this.waitMs;
    return at + count;
  }

  private startTone(): Sounding | undefined {
    const press = this.queue.shift();
    if (press === undefined) return undefined;
    this.generator.clear();
    this.generator.enqueue(press.digit, LONGEST_MS, 0);
    this.current = { press, position: 0, endSample: press.held ? LONGEST_MS * SAMPLES_PER_MS : samplesOf(press), packets: 0 };
    return this.current;
  }

  /** Fills the frame from `at` with the tone, as far as it goes; returns where it stops. */
  private sound(sounding: Sounding, at: number): number {
    const count = Math.min(FRAME_SAMPLES - at, sounding.endSample - sounding.position);
    const part = this.samples.subarray(at, at + count);
    this.generator.read(part);
    for (let n = 0; n < count; n += 1) {
      const left = sounding.endSample - sounding.position - n - 0.5;
      if (left < FALL_SAMPLES) part[n] = Math.round((part[n] ?? 0) * (0.5 - 0.5 * Math.cos((Math.PI * left) / FALL_SAMPLES)));
    }
    sounding.position += count;
    return at + count;
  }
}

function samplesOf({ knownMs }: Press): number {
  return Math.round(Math.max(SHORTEST_MS, knownMs) * SAMPLES_PER_MS);
}
