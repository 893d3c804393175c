import type { Digit } from '../dtmf/digit.js';
import type { DtmfPast } from '../dtmf/dtmf-decoder.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';
import { AudioOut } from './audio-out.js';
import { DtmfSplit } from './dtmf-split.js';
import type { LegOutput } from './leg-output.js';
import { LoopGuard } from './loop-guard.js';
import { PayloadTypeFilter } from './payload-type-filter.js';
import { describeReceiving, describeSending, type LegKind, type RelayFormat } from './relay-format.js';
import { RelayFrame, type RelayOutcome, type RelayStage } from './relay-stage.js';
import type { DigitListener } from './relayed-digit.js';
import { ToneSplit } from './tone-split.js';

export interface RelayPathOptions {
  /** Of the leg that packets come from. */
  readonly kind: LegKind;
  /** SSRC of our own stream toward that same leg, to know our packets when they come back. */
  readonly ownSsrc?: number;
  /** What was heard of that leg on its way to somebody else. */
  readonly past?: HeardPast;
}

/** Of the digits a leg has sent: what still comes of the last one is not meant for whoever hears the leg from now on. */
export interface HeardPast {
  readonly events?: DtmfPast;
  readonly tone?: Digit;
}

/** The listener is called from `input`, `tick`, `setFormat` or `close`. */
export interface RelayPathDeps extends DigitListener {
  /** The sending side of the other leg. */
  readonly output: LegOutput;
  /** The sending side of this leg, whose tones may come back as an echo. */
  readonly echoOf?: LegOutput;
}

const OFFERED_CLOCK_HZ = 8000;

/** One direction of a call: loop guard > payload types > events > tones > audio out (see README.md here). */
export class RelayPath {
  private readonly frame = new RelayFrame();
  private stages: readonly RelayStage[] = [];
  private format: RelayFormat | undefined;
  private dtmf: DtmfSplit | undefined;
  private dtmfClockHz = 0;
  private tones: ToneSplit | undefined;
  private past: HeardPast;

  constructor(
    private readonly options: RelayPathOptions,
    private readonly deps: RelayPathDeps,
  ) {
    this.past = options.past ?? {};
  }

  /** Sets what the sending peer may send, after each offer and answer; undefined = nothing is taken. */
  setFormat(format: RelayFormat | undefined): void {
    this.format = format;
    const hasEvents = format?.receivePayloadTypes.some((received) => received.format === 'telephone-event') === true;
    // What we offered may come even where the answer left it out (RFC 3264 §5.1).
    this.setDtmf(hasEvents ? (format?.telephoneEvent?.clockRateHz ?? OFFERED_CLOCK_HZ) : 0);
    this.setTones(format?.digits === 'tones');
    this.stages = [
      new LoopGuard(this.options.ownSsrc),
      new PayloadTypeFilter(format?.receivePayloadTypes ?? []),
      ...(this.tones === undefined ? [] : [this.tones]),
      ...(this.dtmf === undefined ? [] : [this.dtmf]),
      new AudioOut(this.deps.output),
    ];
  }

  /** Passes one decrypted packet. `packet` is only read, and not kept. */
  input(packet: RtpPacket, nowMs: number): RelayOutcome {
    this.frame.packet = packet;
    for (const stage of this.stages) {
      const outcome = stage.process(this.frame, nowMs);
      if (outcome !== undefined) return this.settle(outcome, packet, nowMs);
    }
    return 'no-output';
  }

  /** When `tick` is due: a press is under way and may time out. */
  nextDueMs(): number | undefined {
    const eventMs = this.dtmf?.nextDueMs();
    const toneMs = this.tones?.nextDueMs();
    return eventMs === undefined || toneMs === undefined ? (eventMs ?? toneMs) : Math.min(eventMs, toneMs);
  }

  tick(nowMs: number): void {
    this.dtmf?.tick(nowMs);
    this.tones?.tick(nowMs);
    this.deps.output.pump(nowMs);
  }

  /** No more packets will come: a press under way ends with the length it has. What is known of it is for the path after this one. */
  close(): HeardPast {
    this.setDtmf(0);
    this.setTones(false);
    this.stages = [];
    return this.past;
  }

  /** The direction as one line of text. */
  describe(): string {
    const { output } = this.deps;
    const translates = this.format?.receivePayloadTypes.some(
      ({ format }) => format !== 'telephone-event' && output.format !== undefined && format !== output.format.codec,
    );
    return [
      describeReceiving(this.options.kind, this.format),
      ...(this.options.kind === 'webrtc' ? ['srtp'] : []),
      ...(this.dtmf === undefined && this.tones === undefined ? [] : ['dtmf']),
      ...(translates === true ? ['g711'] : []),
      ...(output.kind === 'webrtc' ? ['srtp'] : []),
      describeSending(output.kind, output.format),
    ].join(' > ');
  }

  /** What was taken out on purpose leaves no hole in the outgoing sequence; a digit's packets that are due go out now. */
  private settle(outcome: RelayOutcome, packet: RtpPacket, nowMs: number): RelayOutcome {
    if (outcome === 'audio' || outcome === 'loop' || outcome === 'sequence') return outcome;
    this.deps.output.sender.skip(packet.ssrc, packet.sequenceNumber);
    if (outcome === 'digit' || outcome === 'muted') this.deps.output.pump(nowMs);
    return outcome;
  }

  private setTones(listens: boolean): void {
    if (listens === (this.tones !== undefined)) return;
    const { tone, ...past } = this.past;
    const sounding = this.tones?.close();
    this.past = sounding === undefined ? past : { ...past, tone: sounding };
    this.tones = listens ? new ToneSplit(tone, { ...this.deps, echoOf: this.deps.echoOf }) : undefined;
  }

  private setDtmf(clockHz: number): void {
    if (clockHz === this.dtmfClockHz) return;
    if (this.dtmf !== undefined) this.past = { ...this.past, events: this.dtmf.close() };
    const { events } = this.past;
    this.dtmfClockHz = clockHz;
    this.dtmf =
      clockHz === 0 ? undefined : new DtmfSplit({ clockRateHz: clockHz, ...(events === undefined ? {} : { past: events }) }, this.deps);
  }
}
