import { newSessionId, type SessionId } from '../../src/base/ids.js';
import type { LegName, LegOptions, LegSlot, LegStats, MediaEvent } from '../../src/media/plane.js';
import { integerIn } from '../unit/media/seeded-random.js';
import type { DtmfChannel } from './dtmf-channel.js';
import { type PlannedPacket, type Press, planOf } from './dtmf-presses.js';
import type { SeenEvent } from './dtmf-reading.js';
import { BrowserWire, type DtmfWire, PhoneWire, type WirePacket } from './dtmf-wire.js';
import type { FakeClock } from './fake-clock.js';

/** Both ends of a call keep to frames of 20 ms, half a frame apart from each other. */
export const STEP_MS = 10;

export interface EndOptions {
  readonly presses: readonly Press[];
  /** For its own first numbers. */
  readonly random: () => number;
  /** On the way to the gateway. */
  readonly out: DtmfChannel;
  /** On the way back. */
  readonly in: DtmfChannel;
  /** Sends audio while it presses keys, too. */
  readonly talksOver?: boolean;
}

/** One end of a call: dials its keys over a bad path, and keeps what reaches it over another. */
export class StormEnd {
  /** What left the gateway toward this end, in order. */
  readonly left: SeenEvent[] = [];
  /** What of it arrived, in the order it did. */
  readonly arrived: SeenEvent[] = [];
  /** Audio that left the gateway toward this end, with the step in which it did. */
  readonly audio: { readonly atMs: number; readonly sequence: number; readonly timestamp: number }[] = [];
  /** Keys that the gateway says it saw this end press. */
  readonly told: { readonly digit: string; readonly durationMs: number }[] = [];
  /** Presses of which the gateway had every packet in time, so that it knows their lengths. */
  readonly whole = new Set<number>();
  packetsSent = 0;
  packetsHeard = 0;
  private readonly plan: readonly PlannedPacket[];
  private readonly sequenceAtStart: number;
  private readonly timestampAtStart: number;
  private readonly phaseMs: number;
  private readonly waiting = new Map<number, WirePacket[]>();
  private readonly coming = new Map<number, SeenEvent[]>();
  private next = 0;
  private stepMs = 0;
  private newestPress: number | undefined;
  private lastArrivalMs = 0;

  constructor(
    readonly wire: DtmfWire,
    readonly options: EndOptions,
    leg: LegName,
  ) {
    const { random, presses, talksOver } = options;
    this.plan = planOf(presses, 8000, 100, talksOver);
    this.sequenceAtStart = integerIn(random, 0, 0xffff);
    this.timestampAtStart = integerIn(random, 0, 2 ** 32 - 1);
    this.phaseMs = leg === 'a' ? 0 : STEP_MS;
    wire.onPacket = (packet) => this.hear(packet);
  }

  get lengthMs(): number {
    return (this.plan.at(-1)?.atMs ?? 0) + 4 * STEP_MS;
  }

  /** When each press begins, in time of this call. */
  get startsMs(): readonly number[] {
    const starts: number[] = [];
    for (const { press, marker, atMs } of this.plan) if (press !== undefined && marker) starts.push(atMs + this.phaseMs);
    return starts;
  }

  /** Sends what is due at `atMs` of this call: its own frames, then those that fell behind. */
  step(atMs: number): void {
    this.stepMs = atMs;
    for (let packet = this.plan[this.next]; packet !== undefined && packet.atMs + this.phaseMs <= atMs; packet = this.plan[this.next]) {
      this.dispatch(packet, atMs);
      this.next += 1;
    }
    for (const packet of this.waiting.get(atMs) ?? []) this.send(packet);
    this.waiting.delete(atMs);
    this.arrived.push(...(this.coming.get(atMs) ?? []));
    this.coming.delete(atMs);
  }

  private dispatch(planned: PlannedPacket, atMs: number): void {
    const isEvent = planned.press !== undefined;
    const packet = {
      payloadType: isEvent ? this.wire.eventType : this.wire.audioType,
      sequence: this.sequenceAtStart + this.next,
      timestamp: this.timestampAtStart + planned.timestamp,
      marker: planned.marker,
      payload: planned.payload,
    };
    // The first words find the way: a source is believed once some packets of it have come.
    const delays = planned.press === undefined && this.next < 5 ? [0] : this.options.out.delaysMs(planned.press, planned.last);
    for (const delayMs of delays) {
      if (delayMs === 0) this.send(packet);
      else this.waiting.set(atMs + delayMs, [...(this.waiting.get(atMs + delayMs) ?? []), packet]);
    }
    if (planned.press !== undefined) this.noteArrival(planned.press, planned, delays, atMs);
  }

  /** A length is known when an end packet came at once, and no silence before it was long enough to give up. */
  private noteArrival(press: number, { payload }: PlannedPacket, delays: readonly number[], atMs: number): void {
    const first = press !== this.newestPress;
    if (!delays.includes(0)) return;
    const inTime = first || atMs - this.lastArrivalMs < 100;
    this.newestPress = press;
    this.lastArrivalMs = inTime ? atMs : Number.NEGATIVE_INFINITY;
    if (inTime && (payload.readUInt8(1) & 0x80) !== 0) this.whole.add(press);
  }

  private send(packet: WirePacket): void {
    this.packetsSent += 1;
    this.wire.send(packet);
  }

  private hear({ payloadType, sequence, timestamp, marker, payload }: WirePacket): void {
    this.packetsHeard += 1;
    if (payloadType !== this.wire.heardEventType) {
      this.audio.push({ atMs: this.stepMs, sequence, timestamp });
      return;
    }
    const event = { sequence, timestamp, marker, payload };
    this.left.push(event);
    const ends = this.left.filter((one) => one.timestamp === timestamp && (one.payload.readUInt8(1) & 0x80) !== 0).length;
    for (const delayMs of this.options.in.delaysMs(timestamp, ends === 3)) {
      if (delayMs === 0) this.arrived.push(event);
      else this.coming.set(this.stepMs + delayMs, [...(this.coming.get(this.stepMs + delayMs) ?? []), event]);
    }
  }
}

/** A call between two ends through the media plane. */
export interface StormCall {
  /** Of the leg at each end: one and the same, or those of two gateways in a row. */
  readonly sessions: Readonly<Record<LegName, SessionId>>;
  readonly ends: Readonly<Record<LegName, StormEnd>>;
}

export interface StormPlan {
  readonly kind: 'udp' | 'webrtc';
  readonly a: EndOptions;
  readonly b: EndOptions;
}

/** As much of the media plane, or of what runs in its workers, as a call needs. */
export interface CallMaker {
  open(session: SessionId): unknown;
  offer(session: SessionId, leg: LegSlot, options: LegOptions): Promise<string>;
  answer(session: SessionId, leg: LegSlot, offer: string, options: LegOptions): Promise<string>;
  accept(session: SessionId, leg: LegSlot, answer: string): Promise<void>;
}

const codecs = ['PCMA', 'PCMU'] as const;

/** Sets up one call; leg b is always a telephone. */
export async function openCall(media: CallMaker, { kind, a, b }: StormPlan): Promise<StormCall> {
  const session = newSessionId();
  const ssrc = (): number => integerIn(a.random, 1, 2 ** 32 - 1);
  await media.open(session);
  const first = await (kind === 'udp' ? callingPhone(media, session, ssrc()) : callingBrowser(media, session, ssrc()));
  const phone = await PhoneWire.open(ssrc());
  phone.take(await media.offer(session, 'b', { kind: 'udp', codecs, learnFrom: [] }));
  await media.accept(session, 'b', phone.sdp());
  return { sessions: { a: session, b: session }, ends: { a: new StormEnd(first, a, 'a'), b: new StormEnd(phone, b, 'b') } };
}

/** A call between two telephones through two gateways that have no telephone-events between them, only audio. */
export async function openCallOverTones(media: CallMaker, a: EndOptions, b: EndOptions): Promise<StormCall> {
  const sessions = { a: newSessionId(), b: newSessionId() };
  await media.open(sessions.a);
  await media.open(sessions.b);
  const first = await callingPhone(media, sessions.a, integerIn(a.random, 1, 2 ** 32 - 1));
  const between = { kind: 'udp', codecs, learnFrom: [], digits: 'tones' } as const;
  await media.accept(sessions.a, 'b', await media.answer(sessions.b, 'a', await media.offer(sessions.a, 'b', between), between));
  const phone = await PhoneWire.open(integerIn(b.random, 1, 2 ** 32 - 1));
  phone.take(await media.offer(sessions.b, 'b', { kind: 'udp', codecs, learnFrom: [] }));
  await media.accept(sessions.b, 'b', phone.sdp());
  return { sessions, ends: { a: new StormEnd(first, a, 'a'), b: new StormEnd(phone, b, 'b') } };
}

async function callingPhone(media: CallMaker, session: SessionId, ssrc: number): Promise<DtmfWire> {
  const phone = await PhoneWire.open(ssrc);
  phone.take(await media.answer(session, 'a', phone.sdp(), { kind: 'udp', codecs, learnFrom: [] }));
  return phone;
}

async function callingBrowser(media: CallMaker, session: SessionId, ssrc: number): Promise<DtmfWire> {
  const browser = new BrowserWire(ssrc);
  await browser.take(await media.answer(session, 'a', await browser.offer(), { kind: 'webrtc', codecs }));
  return browser;
}

/** Lets sockets hand over what was sent: some rounds of the event loop, and as many again as something still comes. */
async function deliver(calls: readonly StormCall[]): Promise<void> {
  const fewest = calls.some(({ sessions }) => sessions.a !== sessions.b) ? 4 : 2;
  const heard = (): number => calls.reduce((sum, { ends }) => sum + ends.a.packetsHeard + ends.b.packetsHeard, 0);
  for (let before = -1, rounds = 0; rounds < fewest || before !== heard(); rounds += 1) {
    before = heard();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** All calls from their first packet to the last digit, as fast as the machine can; the clock moves only here. */
export async function runCalls(clock: FakeClock, calls: readonly StormCall[], meanwhile: (atMs: number) => void = () => {}): Promise<void> {
  const longestMs = Math.max(...calls.flatMap(({ ends }) => [ends.a.lengthMs, ends.b.lengthMs]));
  // What a direction still has to send when its last packet has come: the keys that queued up, and their end.
  const tailMs = 4000;
  for (let atMs = 0; atMs < longestMs + tailMs; atMs += STEP_MS) {
    meanwhile(atMs);
    for (const { ends } of calls) {
      ends.a.step(atMs);
      ends.b.step(atMs);
    }
    await deliver(calls);
    clock.advance(STEP_MS);
    await deliver(calls);
  }
}

/** As `runCalls`, at the pace of life: `nowMs` is the clock that both ends go by. */
export async function runCallsLive(calls: readonly StormCall[], nowMs: () => number = () => performance.now()): Promise<void> {
  const longestMs = Math.max(...calls.flatMap(({ ends }) => [ends.a.lengthMs, ends.b.lengthMs]));
  const startedMs = nowMs();
  for (let atMs = 0; atMs < longestMs; atMs += STEP_MS) {
    const waitMs = startedMs + atMs - nowMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    for (const { ends } of calls) {
      ends.a.step(atMs);
      ends.b.step(atMs);
    }
  }
}

/** Hands the gateway's own account of a key to the end it came from. */
export function collectDigit(calls: readonly StormCall[], event: MediaEvent): void {
  if (event.type !== 'digit' || event.leg === 'c') return;
  const { session, leg, digit, durationMs } = event;
  calls.find(({ sessions }) => sessions[leg] === session)?.ends[leg].told.push({ digit, durationMs });
}

/** Packets the gateway took note of, whatever became of them. */
export const packetsSeen = ({ packetsReceived, dropped }: LegStats): number =>
  packetsReceived + Object.values(dropped).reduce((sum, count) => sum + count, 0);
