import { describe, expect, it } from 'vitest';
import type { CallFact } from '../../../../src/call/facts.js';
import type { Digit } from '../../../../src/media/plane.js';
import type { SipDialog } from '../../../../src/sip/port.js';
import { seededRandom } from '../../../support/lossy-relay.js';
import { nothing, Scene, sdp } from '../scene.js';

const keys: readonly Digit[] = ['0', '1', '5', '9', '*', '#', 'A'];
const modes = ['auto', 'rfc4733', 'info', 'inband'] as const;

/** A call in which anybody presses, holds, transfers, offers anew and hangs up, at any moment. */
class RestlessCall {
  private readonly presses: number[] = [];
  private page: SipDialog | undefined;
  private phone: SipDialog | undefined;

  private constructor(
    private readonly random: () => number,
    private readonly scene: Scene,
  ) {}

  static async live(seed: number): Promise<readonly CallFact[]> {
    const random = seededRandom(seed);
    const mode = modes[Math.floor(random() * modes.length)] ?? 'auto';
    const scene = await new Scene({ trunk: { digits: { mode, info: 'application/dtmf' } } }).start();
    const call = new RestlessCall(random, scene);
    await call.dial();
    for (let i = 0; i < 40; i += 1) await call.step();
    await call.page?.bye();
    await call.phone?.bye();
    scene.clock.advance(120_000);
    await scene.settle();
    expect(scene.left(), `seed ${seed}`).toMatchObject({ ...nothing(), lines: 0 });
    return scene.facts;
  }

  private async dial(): Promise<void> {
    const { scene } = this;
    const call = scene.dial();
    const invited = await scene.carrier.nextCall();
    invited.progress(183, { sdp: sdp() });
    await scene.settle();
    for (let i = 0; i < 5; i += 1) await this.step();
    this.phone = this.listening(invited.answer(sdp()));
    const outcome = await call.outcome;
    if (outcome.kind === 'answered') this.page = this.listening(outcome.dialog);
    await scene.settle();
  }

  private listening(dialog: SipDialog): SipDialog {
    dialog.onRequest((request) => request.respond(this.random() < 0.7 ? 200 : this.random() < 0.5 ? 415 : 500));
    dialog.onOffer((offer) => (this.random() < 0.7 ? offer.accept(sdp()) : offer.reject(488)));
    return dialog;
  }

  private async step(): Promise<void> {
    const roll = this.random();
    if (roll < 0.35) this.press();
    else if (roll < 0.5) this.pressEnds();
    else if (roll < 0.62) this.inform(this.random() < 0.5 ? this.page : this.phone);
    else if (roll < 0.72) await this.ask();
    else if (roll < 0.82) this.reoffer();
    else if (roll < 0.88) await this.transfer();
    else if (roll < 0.93) this.secure();
    else if (roll < 0.935) void this.page?.bye();
    else this.scene.clock.advance(this.random() * 3_000);
    if (this.random() < 0.6) await this.scene.settle();
  }

  private press(): void {
    const { scene } = this;
    const relayed = this.random() < 0.5;
    if (!scene.media.hasSession(scene.session())) return;
    const press = scene.media.pressDigit(scene.session(), this.random() < 0.6 ? 'a' : 'b', { digit: this.key(), durationMs: 100 }, relayed);
    if (relayed) this.presses.push(press);
  }

  private pressEnds(): void {
    const { scene } = this;
    const press = this.presses.shift();
    if (press === undefined) return;
    const leg = this.random() < 0.5 ? 'a' : 'b';
    const session = scene.session();
    if (this.random() < 0.7) scene.media.emit({ type: 'digit-sent', session, leg, press, as: 'rfc4733', durationMs: 100, packets: 7 });
    else scene.media.emit({ type: 'digit-unsent', session, leg, press, why: 'format-changed' });
  }

  private inform(dialog: SipDialog | undefined): void {
    const body = { type: 'application/dtmf', content: this.key() };
    void dialog?.request('INFO', { body }).catch(() => {});
  }

  private async ask(): Promise<void> {
    const id = this.scene.service.calls()[0]?.id;
    if (id !== undefined) await this.scene.service.sendDigits(id, '12', { to: this.random() < 0.5 ? 'trunk' : 'page' });
  }

  private reoffer(): void {
    const dialog = this.random() < 0.5 ? this.page : this.phone;
    const direction = this.random() < 0.5 ? 'a=sendonly\r\n' : 'a=sendrecv\r\n';
    void dialog?.offer(`${sdp()}${direction}`).catch(() => {});
  }

  private async transfer(): Promise<void> {
    const { phone, scene } = this;
    const before = scene.carrier.received.length;
    const refer = { headers: [['Refer-To', '<sip:+15550123@carrier.example>']] } as const;
    const answer = await phone?.request('REFER', refer).catch(() => undefined);
    await scene.settle();
    if (answer?.status !== 202 || scene.carrier.received.length === before) return;
    const third = await scene.carrier.nextCall();
    if (this.random() < 0.3) third.reject(486);
    else this.phone = this.listening(third.answer(sdp()));
  }

  private secure(): void {
    const id = this.scene.service.calls()[0]?.id;
    if (id !== undefined) this.scene.service.secureDigits(id, this.random() < 0.5, 5_000);
  }

  private key(): Digit {
    return keys[Math.floor(this.random() * keys.length)] ?? '0';
  }
}

type End = Extract<CallFact, { type: 'digit-sent' | 'digit-acknowledged' | 'digit-failed' }>;

const isEnd = (fact: CallFact): fact is End =>
  fact.type === 'digit-acknowledged' || fact.type === 'digit-failed' || (fact.type === 'digit-sent' && fact.as !== 'info');

/** The ends of a call's digits, of which each must have exactly one. */
function endsOf(facts: readonly CallFact[], seed: number): readonly End['type'][] {
  expect(facts.at(-1)?.type, `seed ${seed}`).toBe('ended');
  const ends = facts.filter(isEnd);
  const digits = facts.flatMap((fact) => (fact.type === 'digit' ? [fact.id] : []));
  expect(
    ends.map(({ id }) => id).toSorted((one, other) => one - other),
    `seed ${seed}`,
  ).toEqual(digits);
  return ends.map(({ type }) => type);
}

describe('every digit of a restless call', () => {
  it('has exactly one end, before the call has its own', async () => {
    const seen: string[] = [];
    for (let seed = 1; seed <= 150; seed += 1) {
      const facts = await RestlessCall.live(seed);
      seen.push(...endsOf(facts, seed), ...facts.filter(({ type }) => type === 'transferred').map(({ type }) => type));
    }
    for (const type of ['digit-sent', 'digit-acknowledged', 'digit-failed', 'transferred'])
      expect(seen.filter((one) => one === type).length, type).toBeGreaterThan(20);
  });
});
