/**
 * A call's media in one worker: leg a and leg b, and a relay path each way between them. Packets pass
 * in the socket's own callback; timers run only while a digit is on its way.
 *
 * Audio of the trunk that comes before the browser's DTLS is up is dropped and counted as `before-dtls`
 * on the leg it came on: kept audio would play late for the rest of the call.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { GatewayError } from '../../base/errors.js';
import { randomToken, type SessionId } from '../../base/ids.js';
import {
  type DigitToSend,
  type LegName,
  type LegOptions,
  type MediaErrorInfo,
  type MediaEvent,
  otherLeg,
  type SessionStats,
} from '../plane.js';
import { RelayPath } from '../relay/relay-path.js';
import { RtpPacket } from '../rtp/rtp-packet.js';
import type { LegFactory, OpenLeg } from './leg-factory.js';
import type { LegTransportHandlers } from './transport/leg-transport.js';

export interface SessionDeps {
  readonly legs: LegFactory;
  readonly clock: Clock;
  readonly emit: (event: MediaEvent) => void;
}

interface Side extends OpenLeg {
  readonly options: LegOptions;
}

/** Comfort noise (RFC 3389): not relayed, but a sign of life. */
const comfortNoise = 13;
/** `insertDTMF` bounds, W3C WebRTC §7.2. */
const digitBoundsMs = { min: 40, max: 6000 } as const;

export class Session {
  private readonly sides: { a?: Side; b?: Side } = {};
  private readonly paths: { a?: RelayPath; b?: RelayPath } = {};
  private readonly packet = new RtpPacket();
  private readonly cname = randomToken(12);
  private pump: Timer | undefined;
  private pumpAtMs = Number.POSITIVE_INFINITY;
  private tail: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(
    readonly id: SessionId,
    private readonly deps: SessionDeps,
  ) {}

  get sockets(): number {
    return (this.sides.a?.leg.sockets ?? 0) + (this.sides.b?.leg.sockets ?? 0);
  }

  offer(name: LegName, options: LegOptions): Promise<string> {
    return this.inTurn(async () => (await this.sideFor(name, options)).negotiation.offer(options.codecs));
  }

  answer(name: LegName, offer: string, options: LegOptions): Promise<string> {
    return this.inTurn(async () => {
      const isNew = this.sides[name] === undefined;
      const side = await this.sideFor(name, options);
      try {
        const { sdp, audio } = await side.negotiation.answer(offer, options.codecs);
        side.leg.negotiated(audio);
        this.refreshPaths();
        return sdp;
      } catch (thrown) {
        if (isNew) await this.drop(name);
        throw thrown;
      }
    });
  }

  accept(name: LegName, answer: string): Promise<void> {
    return this.inTurn(async () => {
      const { leg, negotiation } = this.sideOf(name);
      leg.negotiated(await negotiation.accept(answer));
      this.refreshPaths();
    });
  }

  sendDigits(name: LegName, digits: readonly DigitToSend[]): Promise<void> {
    return this.inTurn(async () => {
      const { leg } = this.sideOf(name);
      if (!leg.takesDigits) throw wrongState(`the peer of leg ${name} takes no telephone-events`);
      leg.sendDigits(
        digits.map(({ digit, durationMs }) => ({
          digit,
          durationMs: Math.min(digitBoundsMs.max, Math.max(digitBoundsMs.min, durationMs)),
        })),
      );
      this.schedule();
    });
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

  /** Paths first, so that a press under way is told; then the legs with their goodbyes. */
  close(): Promise<SessionStats> {
    return this.inTurn(async () => {
      this.closed = true;
      const path = this.describePaths();
      this.paths.a?.close();
      this.paths.b?.close();
      this.pump?.cancel();
      const stats = this.stats(path);
      await Promise.all([this.sides.a?.leg.close(), this.sides.b?.leg.close()]);
      return stats;
    });
  }

  /** The worker's coarse timer. */
  tick(nowMs: number): void {
    if (this.closed) return;
    this.tickSide('a', nowMs);
    this.tickSide('b', nowMs);
  }

  private describePaths(): readonly string[] {
    return [this.paths.a, this.paths.b].flatMap((path) => (path === undefined ? [] : [path.describe()]));
  }

  private tickSide(name: LegName, nowMs: number): void {
    const side = this.sides[name];
    if (side === undefined) return;
    const overdue = side.negotiation.overdue(nowMs);
    if (overdue !== undefined) this.deps.emit({ type: 'leg-failed', session: this.id, leg: name, ...overdue });
    side.leg.tick(nowMs);
  }

  /** One request after another: a re-offer never sees a leg half made. */
  private inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = this.tail.then(step);
    this.tail = done.catch(() => {});
    return done;
  }

  private sideOf(name: LegName): Side {
    const side = this.sides[name];
    if (side === undefined || this.closed) throw wrongState(`there is no leg ${name} yet`);
    return side;
  }

  private async sideFor(name: LegName, options: LegOptions): Promise<Side> {
    if (this.closed) throw wrongState('the session is closed');
    const known = this.sides[name];
    if (known !== undefined) {
      if (known.options.kind !== options.kind) throw wrongState(`leg ${name} is of kind ${known.options.kind}`);
      return known;
    }
    const opened = await this.deps.legs.open({ session: this.id, name, options, cname: this.cname }, this.handlersOf(name));
    const side = { ...opened, options };
    this.sides[name] = side;
    this.joinPaths();
    return side;
  }

  private async drop(name: LegName): Promise<void> {
    const side = this.sides[name];
    delete this.sides[name];
    delete this.paths.a;
    delete this.paths.b;
    await side?.leg.close();
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
      { kind: from.leg.options.kind, ownSsrc: from.leg.output.sender.ssrc },
      {
        output: to.leg.output,
        onDigit: (digit) => {
          from.leg.digitHeard();
          this.deps.emit({ type: 'digit', session: this.id, leg: from.leg.options.name, ...digit });
        },
      },
    );
  }

  private refreshPaths(): void {
    this.paths.a?.setFormat(this.sides.a?.leg.audio);
    this.paths.b?.setFormat(this.sides.b?.leg.audio);
  }

  private handlersOf(name: LegName): LegTransportHandlers {
    const legOf = () => this.sides[name]?.leg;
    return {
      onRtp: (buffer, length) => this.relay(name, buffer, length),
      onRtcp: (buffer, length) => legOf()?.readRtcp(buffer, length),
      onDropped: (reason) => legOf()?.countDrop(reason),
      onUp: () => {
        legOf()?.up();
        this.schedule();
      },
      onFailed: (cause, detail) => this.deps.emit({ type: 'leg-failed', session: this.id, leg: name, cause, detail }),
      onGone: (detail) => this.deps.emit({ type: 'leg-gone', session: this.id, leg: name, detail }),
    };
  }

  /** One packet, from the socket of one leg to the socket of the other. */
  private relay(name: LegName, buffer: Buffer, length: number): void {
    const leg = this.sides[name]?.leg;
    if (leg === undefined || this.closed) return;
    const { packet } = this;
    if (!packet.parse(buffer, 0, length)) {
      leg.countDrop('malformed');
      return;
    }
    const nowMs = this.deps.clock.nowMs();
    const outcome = this.paths[name]?.input(packet, nowMs) ?? 'no-output';
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
    }
  }

  private countUnsent(name: LegName): void {
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

function dueOf(source: { nextDueMs(): number | undefined } | undefined): number {
  return source?.nextDueMs() ?? Number.POSITIVE_INFINITY;
}

function wrongState(detail: string): GatewayError<MediaErrorInfo> {
  return new GatewayError<MediaErrorInfo>(
    { code: 'wrong-state', detail },
    `The media plane was asked for something out of turn: ${detail}`,
  );
}
