/** Does what a call's digits ask for: INFOs, the plane, the page's data channel, the secure window's timer. */
import type { Clock, Timer } from '../../base/clock.js';
import { GatewayError, messageOf } from '../../base/errors.js';
import type { SessionId } from '../../base/ids.js';
import type { Log } from '../../base/log.js';
import { type DigitToSend, type LegName, type MediaEvent, type MediaPlane, otherLeg } from '../../media/plane.js';
import type { Headers, SipDialog, SipRequestError } from '../../sip/port.js';
import type { LegKind } from '../leg-kind.js';
import type { CallStateName, Presence } from '../state.js';
import { DigitCopies } from './digit-copies.js';
import type { DigitFact, DigitFailure, SecureBy } from './digit-fact.js';
import { nextDigits } from './digit-machine.js';
import { type DigitRules, secureWish } from './digit-rules.js';
import { type DigitEffect, type DigitEvent, type DigitLeg, type DigitState, noDigits } from './digit-state.js';
import { infoBody } from './info.js';
import { digitText, receiptText } from './page-text.js';

/** The call's legs, as digits see them. */
export interface DigitLegs {
  kindOf(leg: LegName): LegKind;
  rulesOf(leg: LegName): DigitRules;
  dialogOf(leg: LegName): SipDialog | undefined;
  /** Whoever sits there is the one who sat there before, loaded anew. */
  hasReturned(leg: LegName): boolean;
  /** It has not said yet that it knows of its dialog. */
  isReturning(leg: LegName): boolean;
}

interface DigitDeskDeps {
  readonly plane: MediaPlane;
  readonly legs: DigitLegs;
  readonly clock: Clock;
  readonly log: Log;
  readonly fact: (fact: DigitFact) => void;
}

/** What came of digits that were asked for. */
export type DigitsAsked =
  | { readonly kind: 'queued'; readonly ids: readonly number[] }
  | { readonly kind: 'refused'; readonly why: DigitFailure };

/** Header of an INFO to a page: the number that the same digit has on the data channel. */
const ID_HEADER = 'X-Digit-Id';
/** How long a secure window stays open when nobody says how long. */
export const SECURE_MS = 120_000;

/** A page without a data channel never asks for them. */
const MOST_UNTOLD = 64;

const LEGS: readonly LegName[] = ['a', 'b'];

/** The digits of one call at work. */
export class DigitDesk {
  private state: DigitState;
  private readonly copies = new DigitCopies();
  private readonly inbox: DigitEvent[] = [];
  private running = false;
  private readonly dialogs: Partial<Record<LegName, SipDialog>> = {};
  private readonly handing = new Set<Promise<void>>();
  /** Digits of a request that is not answered yet, and why they failed. */
  private readonly asked = new Map<number, DigitFailure | undefined>();
  /** Receipts that a page could not be told yet. */
  private readonly untold: Record<LegName, string[]> = { a: [], b: [] };
  private window: Timer | undefined;
  private stage: CallStateName = 'routing';
  private presence: Readonly<Record<LegName, Presence>> = { a: 'there', b: 'there' };

  constructor(
    private readonly options: { readonly session: SessionId },
    private readonly deps: DigitDeskDeps,
  ) {
    this.state = noDigits({ a: this.legNow('a', 0), b: this.legNow('b', 0) });
  }

  /** Timers now set. */
  get liveTimers(): number {
    return this.window === undefined ? 0 : 1;
  }

  /** Looks at the legs again; to be called whenever the call has moved on. */
  refresh(stage: CallStateName, presence: Readonly<Record<LegName, Presence>>): void {
    this.stage = stage;
    this.presence = presence;
    for (const leg of LEGS) {
      const dialog = this.deps.legs.dialogOf(leg);
      const before = this.dialogs[leg];
      const { party } = this.state.legs[leg];
      if (dialog !== undefined) this.dialogs[leg] = dialog;
      const anew = dialog !== undefined && before !== undefined && dialog !== before;
      const another = anew && !this.deps.legs.hasReturned(leg);
      // A page loaded anew knows nothing of the keys it pressed before.
      if (anew) this.untold[leg] = [];
      const now = this.legNow(leg, another ? party + 1 : party);
      if (!sameLeg(now, this.state.legs[leg])) this.post({ type: 'leg', leg, now });
    }
  }

  /** True when the event is one of digits, and done. */
  mediaEvent(event: MediaEvent): boolean {
    switch (event.type) {
      case 'digit':
        if (event.leg !== 'c') this.heard(event, event.leg);
        return true;
      case 'digit-sent': {
        const { press, as, durationMs, packets } = event;
        this.post({ type: 'left', press, as, durationMs, packets });
        return true;
      }
      case 'digit-unsent':
        this.post({ type: 'stuck', press: event.press, why: unsent[event.why] });
        return true;
      case 'flash':
        return true;
      case 'channel-up':
        if (event.leg !== 'c') this.tellLate(event.leg);
        return true;
      default:
        return false;
    }
  }

  /** Digits of an INFO that came on `from`. */
  informed(from: LegName, digits: readonly DigitToSend[]): void {
    const atMs = this.deps.clock.nowMs();
    for (const { digit, durationMs } of digits) {
      if (!this.copies.isCopy(from, digit, 'info', durationMs, atMs)) {
        this.post({ type: 'pressed', from, by: 'info', digit, durationMs, atMs });
      }
    }
  }

  /** Sends digits on `to` that nobody pressed. */
  async send(to: LegName, digits: readonly DigitToSend[]): Promise<DigitsAsked> {
    const atMs = this.deps.clock.nowMs();
    const ids = digits.map((digit) => {
      const id = this.state.lastId + 1;
      this.asked.set(id, undefined);
      // Nobody held a key down: what is masked is what is asked for while the window is open.
      this.post({ type: 'pressed', from: otherLeg(to), by: 'api', ...digit, atMs: atMs + digit.durationMs });
      return id;
    });
    await Promise.all(this.handing);
    const whys = ids.map((id) => this.asked.get(id));
    for (const id of ids) this.asked.delete(id);
    const [why] = whys;
    return why !== undefined && whys.every((one) => one !== undefined) ? { kind: 'refused', why } : { kind: 'queued', ids };
  }

  /** Opens or closes the secure window; it closes by itself. */
  secure(open: boolean, by: SecureBy, lastsMs: number = SECURE_MS): void {
    this.window?.cancel();
    this.window = undefined;
    if (open && this.stage !== 'ended') this.window = this.deps.clock.after(lastsMs, () => this.secure(false, 'timer'));
    this.post({ type: 'secure', open, by, atMs: this.deps.clock.nowMs() });
  }

  /** What a message of the leg's peer says of secure digits. */
  headersOn(leg: LegName, headers: Headers | undefined): void {
    const { secureHeader } = this.deps.legs.rulesOf(leg);
    if (secureHeader === undefined || headers === undefined) return;
    const wish = secureWish(headers.get(secureHeader));
    if (wish !== undefined) this.secure(wish, 'header');
  }

  /** The call is over: whatever has no end yet gets one. */
  letGo(): void {
    this.window?.cancel();
    this.window = undefined;
    this.stage = 'ended';
    this.post({ type: 'over' });
  }

  private heard({ digit, durationMs, by, press, relayed }: Extract<MediaEvent, { type: 'digit' }>, from: LegName): void {
    const known = this.state.open.some(({ stage }) => stage.name === 'relaying' && stage.press === press);
    if (known) {
      // It has come by INFO while its key was down.
      if (!relayed) this.post({ type: 'stuck', press, why: 'not-supported' });
      return;
    }
    const atMs = this.deps.clock.nowMs();
    const copy = this.copies.isCopy(from, digit, 'rfc4733', durationMs, atMs);
    const goesOut = relayed && this.deps.legs.kindOf(otherLeg(from)) === 'trunk';
    // What the plane is sending on is told as it is, copy or not.
    if (copy && !goesOut) return;
    this.post({ type: 'pressed', from, by, digit, durationMs, atMs, ...(goesOut ? { press } : {}) });
  }

  private post(event: DigitEvent): void {
    this.inbox.push(event);
    if (this.running) return;
    this.running = true;
    try {
      for (let one = this.inbox.shift(); one !== undefined; one = this.inbox.shift()) {
        const { state, effects } = nextDigits(this.state, one);
        this.state = state;
        for (const effect of effects) this.run(effect);
      }
    } finally {
      this.running = false;
    }
  }

  private run(effect: DigitEffect): void {
    switch (effect.do) {
      case 'fact':
        if (effect.fact.type === 'digit-failed' && this.asked.has(effect.fact.id)) this.asked.set(effect.fact.id, effect.fact.why);
        this.deps.fact(effect.fact);
        return;
      case 'hand-over':
        this.handOver(effect);
        return;
      case 'send-info':
        this.sendInfo(effect);
        return;
      case 'send-message': {
        const { id, leg, digit, durationMs } = effect;
        void this.sendText(leg, digitText(id, digit, durationMs)).then((taken) => this.post({ type: 'messaged', id, taken }));
        return;
      }
      case 'send-receipt':
        void this.sendReceipt(effect.leg, receiptText(effect.receipt));
        return;
    }
  }

  private handOver({ id, leg, digit, durationMs, gapMs, origin }: Extract<DigitEffect, { do: 'hand-over' }>): void {
    const given: DigitToSend = { digit, durationMs, origin, ...(gapMs === undefined ? {} : { gapMs }) };
    const done = this.deps.plane
      .sendDigits(this.options.session, leg, [given])
      .then(
        ([press]) => this.post(press === undefined ? { type: 'not-handed', id } : { type: 'handed', id, press }),
        (thrown: unknown) => {
          this.deps.log.debug({ leg, digitId: id, fault: messageOf(thrown) }, 'the media of the leg carries no digits');
          this.post({ type: 'not-handed', id });
        },
      )
      .finally(() => this.handing.delete(done));
    this.handing.add(done);
  }

  private sendInfo({ id, leg, digit, durationMs }: Extract<DigitEffect, { do: 'send-info' }>): void {
    const { legs } = this.deps;
    const dialog = legs.dialogOf(leg);
    const answered = (status: number): void => this.post({ type: 'answered', id, status });
    if (dialog === undefined) {
      answered(481);
      return;
    }
    const options =
      legs.kindOf(leg) === 'browser'
        ? { body: infoBody('application/dtmf-relay', { digit, durationMs }), headers: [[ID_HEADER, String(id)] as const] }
        : { body: infoBody(legs.rulesOf(leg).info, { digit, durationMs }) };
    dialog.request('INFO', options).then(
      ({ status }) => answered(status),
      (thrown: unknown) => answered(statusOf(thrown)),
    );
  }

  /** A page may press a key before its data channel is open; it hears of it as soon as it is. */
  private async sendReceipt(leg: LegName, text: string): Promise<void> {
    const late = this.untold[leg];
    if (!(await this.sendText(leg, text)) && late.length < MOST_UNTOLD) late.push(text);
  }

  private tellLate(leg: LegName): void {
    const late = this.untold[leg];
    this.untold[leg] = [];
    for (const text of late) void this.sendText(leg, text);
  }

  private async sendText(leg: LegName, text: string): Promise<boolean> {
    try {
      return await this.deps.plane.sendMessage(this.options.session, leg, text);
    } catch (thrown) {
      this.deps.log.debug({ leg, fault: messageOf(thrown) }, 'the page cannot be told on its data channel');
      return false;
    }
  }

  private legNow(leg: LegName, party: number): DigitLeg {
    const { legs } = this.deps;
    const kind = legs.kindOf(leg);
    const { mode } = legs.rulesOf(leg);
    const dialog = legs.dialogOf(leg);
    // A dialog of a call that came in is there for good once its ACK has come.
    const up = dialog !== undefined && (this.stage === 'connected' || (leg === 'b' && ['answering', 'connecting'].includes(this.stage)));
    const presence = this.presence[leg];
    const ready = up && (presence === 'there' || presence === 'media-gone') && !legs.isReturning(leg);
    return { kind, mode, ready, hears: up && presence !== 'away', takesInfo: dialog?.allows('INFO') !== false, party };
  }
}

const sameLeg = (one: DigitLeg, other: DigitLeg): boolean =>
  one.kind === other.kind &&
  one.mode === other.mode &&
  one.ready === other.ready &&
  one.hears === other.hears &&
  one.takesInfo === other.takesInfo &&
  one.party === other.party;

const unsent = { 'format-changed': 'not-supported', closed: 'call-ended', 'queue-full': 'queue-full' } as const;

/** RFC 3261 §8.1.3.1: a time-out is a 408, a transport that failed a 503. */
function statusOf(thrown: unknown): number {
  return thrown instanceof GatewayError && (thrown as GatewayError<SipRequestError>).info.why === 'timeout' ? 408 : 503;
}
