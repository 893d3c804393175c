import type { Digit } from '../../../../src/media/dtmf/digit.js';
import type { DigitGone, UnsentCause } from '../../../../src/media/relay/digit-sender.js';
import { LegOutput } from '../../../../src/media/relay/leg-output.js';
import type { LegKind, RelayFormat } from '../../../../src/media/relay/relay-format.js';
import { type HeardPast, RelayPath } from '../../../../src/media/relay/relay-path.js';
import type { RelayOutcome } from '../../../../src/media/relay/relay-stage.js';
import type { RelayedDigit } from '../../../../src/media/relay/relayed-digit.js';
import { RtpPacket, writeRtpHeader } from '../../../../src/media/rtp/rtp-packet.js';

export interface Left {
  readonly atMs: number;
  readonly index: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payloadType: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

export const BROWSER: RelayFormat = {
  codec: 'PCMU',
  sendPayloadType: 0,
  receivePayloadTypes: [
    { payloadType: 0, format: 'PCMU' },
    { payloadType: 126, format: 'telephone-event' },
  ],
  telephoneEvent: { clockRateHz: 8000, sendPayloadType: 126, sendEventMask: 0xffff },
  direction: 'sendrecv',
};

export const TRUNK: RelayFormat = {
  codec: 'PCMA',
  sendPayloadType: 8,
  receivePayloadTypes: [
    { payloadType: 0, format: 'PCMU' },
    { payloadType: 8, format: 'PCMA' },
    { payloadType: 101, format: 'telephone-event' },
  ],
  telephoneEvent: { clockRateHz: 8000, sendPayloadType: 101, sendEventMask: 0xffff },
  direction: 'sendrecv',
};

export interface RigOptions {
  readonly from?: LegKind;
  readonly to?: LegKind;
  readonly receiving?: RelayFormat | undefined;
  readonly sending?: RelayFormat | undefined;
  readonly ownSsrc?: number;
  readonly echoOf?: LegOutput;
  readonly marksAudio?: boolean;
  readonly past?: HeardPast;
}

/** One direction with everything that leaves it kept, and a time that only moves when told. */
export class RelayRig {
  readonly left: Left[] = [];
  readonly digits: RelayedDigit[] = [];
  readonly sent: DigitGone[] = [];
  readonly unsent: [number, UnsentCause][] = [];
  readonly flashes: boolean[] = [];
  readonly passedOver: string[] = [];
  /** Presses with these digits are copies, each once. */
  readonly copies: Digit[] = [];
  private presses = 0;
  readonly output: LegOutput;
  readonly path: RelayPath;
  nowMs = 0;

  constructor({ from = 'webrtc', to = 'udp', ownSsrc, echoOf, marksAudio = true, past = {}, ...formats }: RigOptions = {}) {
    this.output = new LegOutput(
      { kind: to, marksAudio, stream: { clockRateHz: 8000, ssrc: 0xabcd, initialSequence: 100, initialTimestamp: 0 } },
      {
        sink: (buffer, offset, length, index) => this.keep(buffer, offset, length, index),
        onDigitSent: (sent) => this.sent.push(sent),
        onDigitUnsent: (press, why) => this.unsent.push([press, why]),
      },
    );
    const options = { kind: from, past, ...(ownSsrc === undefined ? {} : { ownSsrc }) };
    this.path = new RelayPath(options, {
      output: this.output,
      ...(echoOf === undefined ? {} : { echoOf }),
      presses: { begin: () => this.begin(), isCopy: (digit) => this.isCopy(digit) },
      onDigit: (digit) => this.digits.push(digit),
      onFlash: ({ relayed }) => this.flashes.push(relayed),
      onPassedOver: (why) => this.passedOver.push(why),
      onPassedOn: (gone) => this.sent.push(gone),
    });
    this.output.setFormat('sending' in formats ? formats.sending : TRUNK);
    this.path.setFormat('receiving' in formats ? formats.receiving : BROWSER);
  }

  /** Hands in one packet now. */
  input(payloadType: number, sequence: number, timestamp: number, payload: Buffer, ssrc = 1): RelayOutcome {
    const buffer = Buffer.alloc(12 + payload.length);
    writeRtpHeader(buffer, 0, false, payloadType, sequence & 0xffff, timestamp >>> 0, ssrc);
    payload.copy(buffer, 12);
    const packet = new RtpPacket();
    if (!packet.parse(buffer)) throw new Error('the rig made a broken packet');
    return this.path.input(packet, this.nowMs);
  }

  /** Audio number `n` of a steady 20 ms stream. */
  audio(n: number, payloadType = 0): RelayOutcome {
    return this.input(payloadType, n, n * 160, Buffer.alloc(160, n & 0xff));
  }

  /** Lets timers fire in steps of a millisecond up to `toMs`. */
  runTo(toMs: number): void {
    for (; this.nowMs < toMs; this.nowMs += 1) {
      if ((this.path.nextDueMs() ?? Number.POSITIVE_INFINITY) <= this.nowMs) this.path.tick(this.nowMs);
      if ((this.output.nextDueMs() ?? Number.POSITIVE_INFINITY) <= this.nowMs) this.output.pump(this.nowMs);
    }
  }

  private begin(): number {
    this.presses += 1;
    return this.presses;
  }

  private isCopy(digit: Digit): boolean {
    const place = this.copies.indexOf(digit);
    if (place >= 0) this.copies.splice(place, 1);
    return place >= 0;
  }

  private keep(buffer: Buffer, offset: number, length: number, index: number): void {
    const packet = new RtpPacket();
    if (!packet.parse(buffer, offset, length)) throw new Error('a broken packet left');
    const { sequenceNumber: sequence, timestamp, marker, payloadType, ssrc, payloadOffset, payloadLength } = packet;
    const payload = Buffer.from(buffer.subarray(payloadOffset, payloadOffset + payloadLength));
    this.left.push({ atMs: this.nowMs, index, sequence, timestamp, marker, payloadType, ssrc, payload });
  }
}
