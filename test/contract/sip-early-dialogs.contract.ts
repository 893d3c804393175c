import { describe, expect, it, type TestContext } from 'vitest';
import type { InboundCall, OutboundOptions, OutboundOutcome, Reoffer, SipCapabilities, SipDialog } from '../../src/sip/port.js';
import type { SipWire } from '../support/sip-wire.js';
import type { Placed, SipRig } from './sip-rig.js';

/** What the cases use of the suite they are part of. */
export interface EarlyDialogSuite {
  readonly rig: () => SipRig;
  /** Places a call; `made` without an offer asks the called side for it. */
  readonly place: (options?: Partial<OutboundOptions>, made?: { readonly offer?: string }) => Placed;
  readonly nextCall: () => Promise<InboundCall>;
  /** How many dialogs and INVITEs both ports hold. */
  readonly left: () => number;
}

const session = (name: string): string => `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=${name}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n`;
const answer = session('answer');
const early = session('early');
const update = session('update');

type Answered = Extract<OutboundOutcome, { kind: 'answered' }>;

/** What happens between an INVITE and its final answer (RFC 3262, RFC 3311, RFC 3261 §12.1). */
export function earlyDialogCases({ rig, place, nextCall, left }: EarlyDialogSuite): void {
  const need = (context: TestContext, ...which: (keyof SipCapabilities)[]): void => {
    const missing = which.find((each) => !rig().caller.capabilities[each] || !rig().callee.capabilities[each]);
    context.skip(missing !== undefined, `a port without ${missing}`);
  };

  const wireOf = (context: TestContext): SipWire => {
    const { wire } = rig();
    context.skip(wire === undefined, 'nobody else can write into its dialogs');
    return wire as SipWire;
  };

  async function answered(outcome: Promise<OutboundOutcome>): Promise<Answered> {
    const settled = await outcome;
    if (settled.kind !== 'answered') throw new Error(`not answered: ${settled.kind}`);
    return settled;
  }

  async function hangUp(dialog: SipDialog): Promise<void> {
    await dialog.bye();
    await rig().until(() => left() === 0);
  }

  /** A ringing call whose two ends have agreed on `early`; a second response proves that the first one's PRACK came. */
  async function agreeEarly(options?: Partial<OutboundOptions>): Promise<Placed & { inbound: InboundCall; fork: string }> {
    const placed = place(options);
    const inbound = await nextCall();
    inbound.progress(183, { sdp: early });
    await rig().until(() => placed.heard.length === 1);
    if (rig().callee.capabilities.reliableProvisionals) {
      inbound.progress(183, { sdp: early });
      await rig().until(() => placed.heard.length === 2);
    }
    return { ...placed, inbound, fork: placed.heard[0]?.fork ?? '' };
  }

  describe('reliable provisional responses', () => {
    it.each([
      ['by default', {}, true, false],
      ['when they are demanded', { reliable: 'required' }, true, true],
      ['when they are not wanted', { reliable: 'off' }, false, false],
    ] as const)('says 100rel in the INVITE %s', async (_, options, supported, required) => {
      const { call } = place(options);
      const inbound = await nextCall();
      const names = (header: string): boolean => inbound.headers.all(header).some((value) => value.includes('100rel'));
      if (rig().caller.capabilities.reliableProvisionals) expect([names('Supported'), names('Require')]).toEqual([supported, required]);
      inbound.reject(480);
      expect((await call.outcome).kind).toBe('rejected');
    });

    it('tells all of them, in order and each once, however fast they come', async (context) => {
      need(context, 'reliableProvisionals');
      const { call, heard } = place({ reliable: 'required' });
      const inbound = await nextCall();
      inbound.progress(180);
      inbound.progress(182);
      inbound.progress(181);
      inbound.progress(183, { sdp: early });
      inbound.progress(180);
      await rig().until(() => heard.length === 5);
      expect(heard.map(({ status }) => status)).toEqual([180, 182, 181, 183, 180]);
      const first = Number(heard[0]?.headers.get('RSeq'));
      expect(heard.map(({ headers }) => Number(headers.get('RSeq')) - first)).toEqual([0, 1, 2, 3, 4]);
      inbound.reject(486);
      expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 486 });
      await rig().until(() => left() === 0);
    });

    it.each([
      ['a caller that supports them, with a session description', {}, { sdp: early }, true],
      ['a caller that supports them, without one', {}, {}, false],
      ['a caller that supports them, where they are not wanted', {}, { sdp: early, reliable: false }, false],
      ['a caller that demands them', { reliable: 'required' }, {}, true],
      ['a caller that knows none', { reliable: 'off' }, { sdp: early }, false],
    ] as const)('are for %s', async (_, asked, said, reliable) => {
      if (!rig().callee.capabilities.reliableProvisionals) return;
      const { call, heard } = place(asked);
      const inbound = await nextCall();
      inbound.progress(183, said);
      await rig().until(() => heard.length === 1);
      expect(heard[0]?.headers.get('RSeq') !== undefined).toBe(reliable);
      call.cancel();
      await call.outcome;
      await rig().until(() => left() === 0);
    });

    it('come before the answer that follows them at once', async () => {
      const { call, heard } = place();
      const inbound = await nextCall();
      inbound.progress(180);
      inbound.progress(183, { sdp: early });
      inbound.answer(early);
      const outcome = await answered(call.outcome);
      expect(heard.map(({ status }) => status)).toEqual([180, 183]);
      expect(outcome.sdp).toBe(early);
      expect(outcome.fork).toBe(heard[0]?.fork);
      await hangUp(outcome.dialog);
    });

    it('leave nothing behind when the caller gives up while an answer waits for them', async () => {
      const { call } = place();
      const inbound = await nextCall();
      inbound.progress(183, { sdp: early });
      const far = inbound.answer(early);
      const ends: string[] = [];
      far.onEnd(({ by }) => ends.push(by));
      call.cancel();
      expect(await call.outcome).toMatchObject({ kind: 'failed', why: 'cancelled' });
      await rig().until(() => ends.length === 1 && left() === 0);
      expect(ends).toEqual(['remote']);
    });

    it('say a session description that they have agreed on only once', async (context) => {
      need(context, 'reliableProvisionals');
      const { heard, inbound, call } = await agreeEarly();
      expect(heard.map(({ sdp }) => sdp)).toEqual([early, undefined]);
      inbound.reject(480);
      await call.outcome;
    });
  });

  describe('UPDATE before the answer', () => {
    it('of the caller is handed up, and its answer goes back', async (context) => {
      need(context, 'update');
      const wire = wireOf(context);
      const { call, inbound, fork } = await agreeEarly();
      const offers: Reoffer[] = [];
      inbound.onOffer((offer) => offers.push(offer));
      const reply = wire.update('caller', inbound, fork, update);
      await rig().until(() => offers.length === 1);
      expect(offers[0]).toMatchObject({ method: 'UPDATE', sdp: update });
      offers[0]?.accept(answer);
      offers[0]?.reject(488);
      expect(await reply).toEqual({ status: 200, sdp: answer });
      const far = inbound.answer(answer);
      await answered(call.outcome);
      await hangUp(far);
    });

    it('of the one called is handed up with its fork, and the answer goes by it', async (context) => {
      need(context, 'update');
      const wire = wireOf(context);
      const { call, inbound, fork } = await agreeEarly();
      const offers: (readonly [Reoffer, string])[] = [];
      call.onOffer((offer, by) => offers.push([offer, by]));
      const reply = wire.update('callee', inbound, fork, update);
      await rig().until(() => offers.length === 1);
      expect(offers[0]).toMatchObject([{ method: 'UPDATE', sdp: update }, fork]);
      offers[0]?.[0].accept(answer);
      expect(await reply).toEqual({ status: 200, sdp: answer });
      inbound.answer(update);
      const outcome = await answered(call.outcome);
      expect(outcome.sdp).toBe(update);
      await hangUp(outcome.dialog);
    });

    it.each(['caller', 'callee'] as const)('of the %s is refused by who decides on it, and the call goes on', async (by) => {
      const { wire, caller, callee } = rig();
      if (wire === undefined || !caller.capabilities.update || !callee.capabilities.update) return;
      const { call, inbound, fork } = await agreeEarly();
      inbound.onOffer((offer) => offer.reject(504));
      call.onOffer((offer) => offer.reject(504));
      expect(await wire.update(by, inbound, fork, update)).toEqual({ status: 504 });
      const far = inbound.answer(early);
      const outcome = await answered(call.outcome);
      expect(outcome.sdp).toBe(early);
      // The numbers of the end that was spoken for have gone on without it.
      await hangUp(by === 'caller' ? far : outcome.dialog);
    });

    it.each(['caller', 'callee'] as const)('of the %s is refused with 488 when nobody listens', async (by) => {
      const { wire, caller, callee } = rig();
      if (wire === undefined || !caller.capabilities.update || !callee.capabilities.update) return;
      const { call, inbound, fork } = await agreeEarly();
      expect(await wire.update(by, inbound, fork, update)).toEqual({ status: 488 });
      inbound.reject(480);
      await call.outcome;
    });
  });

  describe('an INVITE without an offer', () => {
    it('takes the offer of the answer, and answers it with the ACK', async (context) => {
      need(context, 'lateOffer');
      const { call } = place({}, {});
      const far = (await nextCall()).answer(early);
      const acks: (string | undefined)[] = [];
      far.onAck((sdp) => acks.push(sdp));
      const outcome = await answered(call.outcome);
      expect(outcome.sdp).toBe(early);
      expect(acks).toEqual([]);
      outcome.answerWith?.(answer);
      await rig().until(() => acks.length === 1);
      expect(acks).toEqual([answer]);
      await hangUp(outcome.dialog);
    });

    it('is hung up when the offer of the answer is not taken', async (context) => {
      need(context, 'lateOffer');
      const { call } = place({}, {});
      const far = (await nextCall()).answer(early);
      const ends: string[] = [];
      far.onEnd(({ by }) => ends.push(by));
      const outcome = await answered(call.outcome);
      await outcome.dialog.bye();
      await rig().until(() => ends.length === 1 && left() === 0);
      expect(ends).toEqual(['remote']);
    });

    it('takes the offer of a reliable response, answers it in PRACK, and nobody says either again', async (context) => {
      need(context, 'lateOffer', 'reliableProvisionals');
      const { call, heard } = place({ reliable: 'required' }, {});
      const offers: (readonly [Reoffer, string])[] = [];
      call.onOffer((offer, fork) => offers.push([offer, fork]));
      const inbound = await nextCall();
      expect(inbound.takesReliable).toBe(true);
      const told: string[] = [];
      inbound.onAnswer?.((sdp) => told.push(sdp));
      inbound.progress(180);
      inbound.progress(183, { sdp: early });
      await rig().until(() => offers.length === 1);
      expect(offers[0]).toMatchObject([{ method: 'PRACK', sdp: early }, heard[0]?.fork]);
      expect(heard.map(({ status, sdp }) => [status, sdp])).toEqual([
        [180, undefined],
        [183, undefined],
      ]);
      const far = inbound.answer(early);
      const acks: (string | undefined)[] = [];
      far.onAck((sdp) => acks.push(sdp));
      offers[0]?.[0].accept(answer);
      const outcome = await answered(call.outcome);
      expect([outcome.sdp, outcome.answerWith]).toEqual([early, undefined]);
      expect(told).toEqual([answer]);
      await rig().until(() => acks.length === 1);
      expect(acks, 'what the PRACK said').toEqual([answer]);
      await hangUp(outcome.dialog);
    });

    it('is given up when the offer of a reliable response is refused', async (context) => {
      need(context, 'lateOffer', 'reliableProvisionals');
      const { call } = place({ reliable: 'required' }, {});
      call.onOffer((offer) => offer.reject(488));
      const inbound = await nextCall();
      inbound.progress(183, { sdp: early });
      expect(await call.outcome).toMatchObject({ kind: 'failed', why: 'cancelled' });
      await rig().until(() => inbound.cancelled.aborted && left() === 0);
    });
  });

  it('keeps the early dialogs of a forked INVITE apart, and names the one that answered', async (context) => {
    const { forks } = rig().caller.capabilities;
    context.skip(!forks, 'a port that does not tell forks apart');
    const wire = wireOf(context);
    const { call, heard } = place();
    const inbound = await nextCall();
    inbound.progress(183, { sdp: early });
    await rig().until(() => heard.length === 1);
    await wire.fork(inbound, 183, 'another-phone', answer);
    await rig().until(() => heard.length === 2);
    expect(heard.map(({ sdp }) => sdp)).toEqual([early, answer]);
    expect(heard[1]?.fork).toBe('another-phone');
    inbound.answer(early);
    const outcome = await answered(call.outcome);
    expect(outcome).toMatchObject({ sdp: early, fork: heard[0]?.fork });
    await hangUp(outcome.dialog);
  });

  it.each([
    ['what it was given', { maxForwards: 12 }, '12'],
    ['70 otherwise', {}, '70'],
  ] as const)('lets an INVITE go so many hops: %s', async (_, options, hops) => {
    const { call } = place(options);
    const inbound = await nextCall();
    expect(inbound.headers.get('Max-Forwards')).toBe(hops);
    inbound.reject(480);
    await call.outcome;
  });

  it.each([
    ['of its own', { expiresSeconds: 1234, minSeconds: 100 }, /^1234/, '100'],
    ['off', 'off', undefined, undefined],
  ] as const)('asks for the session timer of the call: %s', async (_, sessionTimer, interval, least) => {
    if (!rig().caller.capabilities.sessionTimers) return;
    const { call } = place({ sessionTimer });
    const inbound = await nextCall();
    const asked = inbound.headers.get('Session-Expires');
    if (interval === undefined) expect(asked).toBeUndefined();
    else expect(asked).toMatch(interval);
    expect(inbound.headers.get('Min-SE')).toBe(least);
    inbound.reject(480);
    await call.outcome;
  });

  it('leaves the session timer out of the answer when the call is to have none', async (context) => {
    need(context, 'sessionTimers');
    const { call } = place({ sessionTimer: 'off' });
    (await nextCall()).answer(answer, { sessionTimer: 'off' });
    const outcome = await answered(call.outcome);
    expect(outcome.headers.get('Session-Expires')).toBeUndefined();
    await hangUp(outcome.dialog);
  });
}
