/**
 * A call's media in one worker: leg a and leg b, and a relay path each way between them; a leg c, not
 * joined to anybody, while it is made ready to take the place of one. Packets pass
 * in the socket's own callback; timers run only while a digit is on its way, or silence in the place of a page.
 *
 * Audio of the trunk that comes before the browser's DTLS is up is dropped and counted as `before-dtls`
 * on the leg it came on: kept audio would play late for the rest of the call.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { GatewayError } from '../../base/errors.js';
import { randomToken, type SessionId } from '../../base/ids.js';
import {
  type DigitCarriage,
  type DigitToSend,
  type LegName,
  type LegOptions,
  type LegSlot,
  type LegStats,
  type MediaErrorInfo,
  type MediaEvent,
  otherLeg,
  type PressId,
  type SessionStats,
} from '../plane.js';
import { type HeardPast, RelayPath } from '../relay/relay-path.js';
import { RtpPacket } from '../rtp/rtp-packet.js';
import type { WantedAudio } from '../sdp/wanted-audio.js';
import type { LegSeat } from './leg.js';
import type { LegFactory, OpenLeg } from './leg-factory.js';
import { PressBook } from './press-book.js';
import type { LegTransportHandlers } from './transport/leg-transport.js';

export interface SessionDeps {
  readonly legs: LegFactory;
  readonly clock: Clock;
  readonly emit: (event: MediaEvent) => void;
}

interface Side extends OpenLeg {
  readonly seat: LegSeat;
  readonly options: LegOptions;
  /** Of our last offer, which its answer settles. */
  offered: DigitCarriage;
  /** Its digits, as whoever was on the other side until now heard them. */
  past: HeardPast;
}

/** Comfort noise (RFC 3389): not relayed, but a sign of life. */
const comfortNoise = 13;
/** `insertDTMF` bounds, W3C WebRTC §7.2. */
const digitBoundsMs = { min: 40, max: 6000 } as const;

export class Session {
  private readonly sides: { [slot in LegSlot]?: Side } = {};
  private readonly paths: { a?: RelayPath; b?: RelayPath } = {};
  private readonly packet = new RtpPacket();
  private readonly cname = randomToken(12);
  private readonly presses: PressBook;
  private telling: Timer | undefined;
  private pump: Timer | undefined;
  private pumpAtMs = Number.POSITIVE_INFINITY;
  private tail: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(
    readonly id: SessionId,
    private readonly deps: SessionDeps,
  ) {
    this.presses = new PressBook({ session: id }, deps);
  }

  get sockets(): number {
    return this.everySide().reduce((sum, { leg }) => sum + leg.sockets, 0);
  }

  offer(name: LegSlot, options: LegOptions): Promise<string> {
    return this.inTurn(async () => {
      const side = await this.sideFor(name, options);
      side.offered = options.digits ?? 'events';
      return side.negotiation.offer(wanted(options), options.direction ?? 'sendrecv');
    });
  }

  answer(name: LegSlot, offer: string, options: LegOptions): Promise<string> {
    return this.inTurn(async () => {
      const isNew = this.sides[name] === undefined;
      const side = await this.sideFor(name, options);
      try {
        const { sdp, audio } = await side.negotiation.answer(offer, wanted(options));
        side.leg.negotiated(audio, options.digits ?? 'events');
        this.refreshPaths();
        return sdp;
      } catch (thrown) {
        if (isNew) await this.free(name);
        throw thrown;
      }
    });
  }

  accept(name: LegSlot, answer: string): Promise<void> {
    return this.inTurn(async () => {
      const { leg, negotiation, offered } = this.sideOf(name);
      leg.negotiated(await negotiation.accept(answer), offered);
      this.refreshPaths();
    });
  }

  sendDigits(name: LegName, digits: readonly DigitToSend[]): Promise<readonly PressId[]> {
    return this.inTurn(async () => {
      const { leg } = this.sideOf(name);
      if (!digits.every(({ digit }) => leg.takes(digit))) throw wrongState(`leg ${name} cannot carry these digits`);
      const other = otherLeg(name);
      // A page that sends a press by INFO too, while it holds the key down, means the one that is being relayed.
      const down = digits.map(({ digit, origin }) => (origin === 'api' ? undefined : this.presses.takeDown(other, digit)));
      const fresh = digits.filter((_, at) => down[at] === undefined);
      const asked = this.presses.ask(fresh);
      this.presses.expectCopies(other, fresh, this.deps.clock.nowMs());
      for (const { press, digit, durationMs, gapMs } of asked)
        leg.sendDigit({ press, digit, durationMs: Math.min(digitBoundsMs.max, Math.max(digitBoundsMs.min, durationMs)), gapMs });
      // Whoever asked must know the numbers before anything is told of them.
      this.telling ??= this.deps.clock.after(0, () => this.tellAsked());
      this.schedule();
      const numbers = asked.map(({ press }) => press);
      return down.flatMap((press) => press ?? numbers.shift() ?? []);
    });
  }

  sendMessage(name: LegName, text: string): boolean {
    return this.sides[name]?.negotiation.transport.sendText(text) === true;
  }

  stats(path = this.describePaths()): SessionStats {
    const { a, b } = this.sides;
    return {
      session: this.id,
      path,
      ...(a === undefined ? {} : { a: a.leg.stats() }),
      ...(b === undefined ? {} : { b: b.leg.stats() }),
    };
  }

  /** `c` takes the place of `name`: the one that stays keeps its stream, and hears the other from its next packet on. */
  replace(name: LegName): Promise<LegStats | undefined> {
    return this.inTurn(async () => {
      const next = this.sideOf('c');
      const gone = await this.free(name);
      delete this.sides.c;
      this.sides[name] = next;
      next.seat.slot = name;
      this.joinPaths();
      return gone;
    });
  }

  drop(name: LegSlot): Promise<LegStats | undefined> {
    return this.inTurn(() => this.free(name));
  }

  /** Paths first, so that a press under way is told; then the legs with their goodbyes. */
  close(): Promise<SessionStats> {
    return this.inTurn(async () => {
      this.closed = true;
      const path = this.describePaths();
      this.partPaths();
      this.pump?.cancel();
      this.telling?.cancel();
      this.tellAsked();
      const stats = this.stats(path);
      await Promise.all(this.everySide().map(({ leg }) => leg.close()));
      return stats;
    });
  }

  /** The worker's coarse timer. */
  tick(nowMs: number): void {
    if (this.closed) return;
    for (const side of this.everySide()) this.tickSide(side, nowMs);
    const { a, b } = this.sides;
    fillSilence(a, b, nowMs);
    fillSilence(b, a, nowMs);
    this.schedule();
  }

  private tellAsked(): void {
    this.telling = undefined;
    this.presses.tellAsked();
  }

  private describePaths(): readonly string[] {
    return [this.paths.a, this.paths.b].flatMap((path) => (path === undefined ? [] : [path.describe()]));
  }

  private everySide(): readonly Side[] {
    const { a, b, c } = this.sides;
    return [a, b, c].filter((side) => side !== undefined);
  }

  private tickSide(side: Side, nowMs: number): void {
    const overdue = side.negotiation.overdue(nowMs);
    if (overdue !== undefined) this.deps.emit({ type: 'leg-failed', session: this.id, leg: side.seat.slot, ...overdue });
    side.leg.tick(nowMs);
  }

  /** One request after another: a re-offer never sees a leg half made. */
  private inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = this.tail.then(step);
    this.tail = done.catch(() => {});
    return done;
  }

  private sideOf(name: LegSlot): Side {
    const side = this.sides[name];
    if (side === undefined || this.closed) throw wrongState(`there is no leg ${name} yet`);
    return side;
  }

  private async sideFor(name: LegSlot, options: LegOptions): Promise<Side> {
    if (this.closed) throw wrongState('the session is closed');
    const known = this.sides[name];
    if (known !== undefined) {
      if (known.options.kind !== options.kind) throw wrongState(`leg ${name} is of kind ${known.options.kind}`);
      return known;
    }
    const seat: LegSeat = { slot: name };
    const request = { session: this.id, seat, options, cname: this.cname, presses: this.presses };
    const opened = await this.deps.legs.open(request, this.handlersOf(seat));
    const side: Side = { ...opened, seat, options, offered: 'events', past: {} };
    this.sides[name] = side;
    if (name !== 'c') this.joinPaths();
    return side;
  }

  /** Undefined when there is no such leg. */
  private async free(name: LegSlot): Promise<LegStats | undefined> {
    const side = this.sides[name];
    if (side === undefined) return undefined;
    if (name !== 'c') this.partPaths();
    delete this.sides[name];
    const stats = side.leg.stats();
    await side.leg.close();
    return stats;
  }

  /** Ends a press under way, so that it is told. */
  private partPaths(): void {
    for (const name of ['a', 'b'] as const) {
      const past = this.paths[name]?.close();
      const side = this.sides[name];
      if (past !== undefined && side !== undefined) side.past = past;
      delete this.paths[name];
    }
  }

  private joinPaths(): void {
    const { a, b } = this.sides;
    if (a === undefined || b === undefined) return;
    this.paths.a = this.pathFrom(a, b);
    this.paths.b = this.pathFrom(b, a);
    this.refreshPaths();
  }

  private pathFrom(from: Side, to: Side): RelayPath {
    return new RelayPath(
      { kind: from.leg.options.kind, ownSsrc: from.leg.output.sender.ssrc, past: from.past },
      {
        output: to.leg.output,
        echoOf: from.leg.output,
        presses: {
          begin: (digit) => this.presses.begin({ leg: from.seat.slot, digit }),
          isCopy: (digit, nowMs) => from.seat.slot !== 'c' && this.presses.isCopy(from.seat.slot, digit, nowMs),
        },
        onDigit: (digit) => {
          from.leg.digitHeard();
          this.presses.tell(from.seat.slot, digit);
        },
        onFlash: ({ relayed }) => this.deps.emit({ type: 'flash', session: this.id, leg: from.seat.slot, relayed }),
        onPassedOver: (why) => from.leg.countDrop(why),
        onPassedOn: (gone) => to.leg.digitSent(gone),
      },
    );
  }

  private refreshPaths(): void {
    this.paths.a?.setFormat(this.sides.a?.leg.audio);
    this.paths.b?.setFormat(this.sides.b?.leg.audio);
  }

  private handlersOf(seat: LegSeat): LegTransportHandlers {
    // What a leg says after its place went to another is nobody's business any more.
    const legOf = () => (this.sides[seat.slot]?.seat === seat ? this.sides[seat.slot]?.leg : undefined);
    const tell = (event: MediaEvent): void => {
      if (legOf() !== undefined) this.deps.emit(event);
    };
    return {
      onRtp: (buffer, length) => this.relay(seat.slot, buffer, length),
      onRtcp: (buffer, length) => legOf()?.readRtcp(buffer, length),
      onDropped: (reason) => legOf()?.countDrop(reason),
      onUp: () => {
        legOf()?.up();
        this.schedule();
      },
      onFailed: (cause, detail) => tell({ type: 'leg-failed', session: this.id, leg: seat.slot, cause, detail }),
      onGone: (detail) => tell({ type: 'leg-gone', session: this.id, leg: seat.slot, detail }),
      onChannel: () => tell({ type: 'channel-up', session: this.id, leg: seat.slot }),
      onText: (text) => tell({ type: 'channel-text', session: this.id, leg: seat.slot, text }),
    };
  }

  /** One packet, from the socket of one leg to the socket of the other. */
  private relay(name: LegSlot, buffer: Buffer, length: number): void {
    const leg = this.sides[name]?.leg;
    if (leg === undefined || this.closed) return;
    const { packet } = this;
    if (!packet.parse(buffer, 0, length)) {
      leg.countDrop('malformed');
      return;
    }
    const nowMs = this.deps.clock.nowMs();
    const path = name === 'c' ? undefined : this.paths[name];
    const outcome = path?.input(packet, nowMs) ?? 'no-output';
    switch (outcome) {
      case 'payload-type':
        leg.countDrop(outcome);
        if (packet.payloadType === comfortNoise) leg.heard(packet, false, nowMs);
        return;
      case 'malformed':
      case 'loop':
        leg.countDrop(outcome);
        return;
      case 'digit':
      case 'muted':
        leg.heard(packet, outcome === 'muted', nowMs);
        this.schedule();
        return;
      case 'no-output':
        this.countUnsent(name);
        leg.heard(packet, true, nowMs);
        return;
      default:
        leg.heard(packet, true, nowMs);
        if (path?.nextDueMs() !== undefined) this.schedule();
    }
  }

  private countUnsent(name: LegSlot): void {
    if (name === 'c') return;
    const other = this.sides[otherLeg(name)];
    if (other?.options.kind === 'webrtc' && !other.leg.isReady) this.sides[name]?.leg.countDrop('before-dtls');
  }

  /** Sets the timer for the next packet of a digit, or for the end of a press whose packets stopped. */
  private schedule(): void {
    const nowMs = this.deps.clock.nowMs();
    const dueMs = Math.max(nowMs, this.nextDueMs());
    if (dueMs === Number.POSITIVE_INFINITY || this.closed || dueMs >= this.pumpAtMs) return;
    this.pump?.cancel();
    this.pumpAtMs = dueMs;
    this.pump = this.deps.clock.after(dueMs - nowMs, () => this.runPump());
  }

  /** Infinity when nothing waits; moments already past may come out too. */
  private nextDueMs(): number {
    const { a, b } = this.sides;
    return Math.min(dueOf(a?.leg.output), dueOf(b?.leg.output), dueOf(this.paths.a), dueOf(this.paths.b));
  }

  private runPump(): void {
    this.pumpAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.deps.clock.nowMs();
    this.paths.a?.tick(nowMs);
    this.paths.b?.tick(nowMs);
    this.sides.a?.leg.output.pump(nowMs);
    this.sides.b?.leg.output.pump(nowMs);
    this.schedule();
  }
}

/** A trunk is sent silence for a page that sends nothing; between two trunks silence is the far end's own. */
function fillSilence(trunk: Side | undefined, page: Side | undefined, nowMs: number): void {
  if (trunk?.options.kind === 'udp' && page?.options.kind !== 'udp') trunk.leg.output.fillSilence(nowMs);
}

const wanted = ({ codecs, digits = 'events' }: LegOptions): WantedAudio => ({
  codecs,
  telephoneEvents: digits === 'events' || digits === 'auto',
});

function dueOf(source: { nextDueMs(): number | undefined } | undefined): number {
  return source?.nextDueMs() ?? Number.POSITIVE_INFINITY;
}

function wrongState(detail: string): GatewayError<MediaErrorInfo> {
  return new GatewayError<MediaErrorInfo>(
    { code: 'wrong-state', detail },
    `The media plane was asked for something out of turn: ${detail}`,
  );
}
