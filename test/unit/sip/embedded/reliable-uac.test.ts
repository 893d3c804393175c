import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import type { SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import type { OutboundOutcome, Progress, Reoffer } from '../../../../src/sip/port.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack, until } from '../../../support/sip-rigs.js';

const offer = 'v=0\r\ns=offer\r\n';
const answer = 'v=0\r\ns=answer\r\n';
const from = { uri: 'sip:+15550100@example.com' };

describe('early dialogs of an INVITE of ours (RFC 3262 §4, RFC 3311)', () => {
  let clock: FakeClock;
  let stack: EmbeddedSip;
  let peer: RawSipPeer;
  let port: number;

  beforeEach(async () => {
    clock = new FakeClock();
    stack = await startStack({}, { clock, random: () => 0.5 });
    peer = await RawSipPeer.open();
    port = stack.bound()[0]?.port ?? 0;
  });

  afterEach(async () => {
    const stopped = stack.stop();
    await clock.advanceAsync(2000);
    await stopped;
    expect(stack.liveObjects()).toEqual({ transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 });
    await peer.close();
  });

  async function place(options: Partial<Parameters<EmbeddedSip['call']>[0]> = {}) {
    const call = stack.call({ requestUri: peer.uri, from, offer, ...options });
    const heard: Progress[] = [];
    const offers: { readonly offer: Reoffer; readonly fork: string }[] = [];
    const outcomes: OutboundOutcome[] = [];
    call.onProgress((progress) => heard.push(progress));
    call.onOffer((each, fork) => offers.push({ offer: each, fork }));
    void call.outcome.then((outcome) => outcomes.push(outcome));
    const invite = await peer.nextRequest('INVITE');
    return { call, heard, offers, outcomes, invite };
  }

  function provisional(
    invite: SipRequestMessage,
    status: number,
    facts: { readonly rseq?: number; readonly tag?: string; readonly body?: string; readonly contact?: string } = {},
  ): void {
    const { rseq, tag = 'one', body, contact = `<${peer.uri}>` } = facts;
    const headers: [string, string][] =
      rseq === undefined
        ? []
        : [
            ['Require', '100rel'],
            ['RSeq', String(rseq)],
          ];
    peer.send(peer.response(invite, status, { tag, contact, headers, ...(body === undefined ? {} : { body }) }), port);
  }

  const ok = (request: SipRequestMessage, body?: string): void =>
    peer.send(peer.response(request, 200, { ...(body === undefined ? {} : { body }) }), port);

  async function prackOf(): Promise<SipRequestMessage> {
    const prack = await peer.nextRequest('PRACK');
    ok(prack);
    return prack;
  }

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it.each([
    ['supported', 'timer, 100rel, replaces', undefined],
    ['required', 'timer, 100rel, replaces', '100rel'],
    ['off', undefined, undefined],
  ] as const)('says of 100rel what was asked for: %s', async (reliable, supports, requires) => {
    const { call, invite } = await place({ reliable });
    const named = (name: string): string | undefined => invite.headers.all(name).find((value) => value.includes('100rel'));
    expect([named('Supported'), named('Require')]).toEqual([supports, requires]);
    call.cancel();
  });

  it('acknowledges each reliable response once and in order, and leaves one before its turn for later', async () => {
    const { heard, invite, outcomes } = await place();
    provisional(invite, 183, { rseq: 7, body: answer });
    const first = await prackOf();
    provisional(invite, 182, { rseq: 9 });
    provisional(invite, 183, { rseq: 7, body: answer });
    await settle();
    expect(peer.countOf('PRACK')).toBe(1);
    provisional(invite, 180, { rseq: 8 });
    const second = await prackOf();
    provisional(invite, 182, { rseq: 9 });
    const third = await prackOf();
    expect([first, second, third].map((prack) => prack.headers.get('RAck'))).toEqual(['7 1 INVITE', '8 1 INVITE', '9 1 INVITE']);
    expect([first, second, third].map((prack) => prack.headers.get('CSeq'))).toEqual(['2 PRACK', '3 PRACK', '4 PRACK']);
    expect(heard.map(({ status, sdp }) => [status, sdp])).toEqual([
      [183, answer],
      [180, undefined],
      [182, undefined],
    ]);
    peer.send(peer.response(invite, 200, { tag: 'one', contact: `<${peer.uri}>` }), port);
    expect((await peer.nextRequest('ACK')).headers.get('CSeq')).toBe('1 ACK');
    await until(() => outcomes.length === 1);
    expect(outcomes[0]).toMatchObject({ kind: 'answered', sdp: answer });
    const answered = outcomes[0];
    if (answered?.kind !== 'answered') return;
    const bye = answered.dialog.bye();
    const request = await peer.nextRequest('BYE');
    expect(request.headers.get('CSeq'), 'the numbers of the early dialog go on').toBe('5 BYE');
    ok(request);
    await bye;
  });

  it('keeps the numbers, routes and targets of forks apart', async () => {
    const { heard, invite, call } = await place();
    const elsewhere = await RawSipPeer.open();
    provisional(invite, 183, { rseq: 100, tag: 'one', body: answer });
    await prackOf();
    provisional(invite, 183, { rseq: 5, tag: 'two', body: 'v=0\r\ns=two\r\n', contact: `<${elsewhere.uri}>` });
    const other = await elsewhere.nextRequest('PRACK');
    expect(other.headers.get('RAck')).toBe('5 1 INVITE');
    expect(other.headers.get('To')).toContain(';tag=two');
    elsewhere.send(elsewhere.response(other, 200), port);
    expect(heard.map(({ fork }) => fork)).toEqual(['one', 'two']);
    expect(stack.liveObjects()['dialog']).toBe(2);
    call.cancel();
    ok(await peer.nextRequest('CANCEL'));
    peer.send(peer.response(invite, 487, { tag: 'one' }), port);
    await until(() => stack.liveObjects()['dialog'] === 0);
    await elsewhere.close();
  });

  it('answers UPDATE of the called side before its answer, and goes by it afterwards', async () => {
    const { invite, offers, outcomes } = await place();
    provisional(invite, 180);
    await settle();
    const inside = (cseq: number, body?: string): SipRequestMessage => {
      const own = invite.headers.get('From') ?? '';
      const update = peer.request({
        method: 'UPDATE',
        uri: 'sip:x@127.0.0.1',
        callId: invite.headers.get('Call-ID') ?? '',
        cseq,
        ...(body === undefined ? {} : { body }),
      });
      update.headers.set('From', `<${peer.uri}>;tag=one`);
      update.headers.set('To', own);
      return update;
    };
    peer.send(inside(1, offer), port);
    await peer.nextResponse(491);
    provisional(invite, 183, { rseq: 1, body: answer });
    await prackOf();
    peer.send(inside(2), port);
    await peer.nextResponse(200);
    peer.send(inside(3, 'v=0\r\ns=update\r\n'), port);
    await until(() => offers.length === 1);
    expect(offers[0]).toMatchObject({ fork: 'one', offer: { method: 'UPDATE', sdp: 'v=0\r\ns=update\r\n' } });
    peer.send(inside(4, 'v=0\r\ns=update\r\n'), port);
    expect((await peer.nextResponse(500)).headers.get('Retry-After')).toBeDefined();
    offers[0]?.offer.accept('v=0\r\ns=ours\r\n');
    expect((await peer.nextResponse(200)).body.toString()).toBe('v=0\r\ns=ours\r\n');
    peer.send(peer.response(invite, 200, { tag: 'one', contact: `<${peer.uri}>` }), port);
    await until(() => outcomes.length === 1);
    expect(outcomes[0]).toMatchObject({ kind: 'answered', sdp: 'v=0\r\ns=update\r\n' });
    peer.send(inside(3), port);
    await peer.nextResponse(500);
    if (outcomes[0]?.kind !== 'answered') return;
    const bye = outcomes[0].dialog.bye();
    ok(await peer.nextRequest('BYE'));
    await bye;
  });

  describe('without an offer', () => {
    it('answers the offer of the 2xx in the ACK, and gives repeats theirs only then', async () => {
      const { invite, outcomes } = await place({ offer: undefined } as never);
      expect(invite.body.length).toBe(0);
      const final = peer.response(invite, 200, { tag: 'one', contact: `<${peer.uri}>`, body: offer });
      peer.send(final, port);
      await until(() => outcomes.length === 1);
      peer.send(final, port);
      await settle();
      expect(peer.countOf('ACK')).toBe(0);
      const outcome = outcomes[0];
      if (outcome?.kind !== 'answered') throw new Error('not answered');
      expect(outcome.sdp).toBe(offer);
      outcome.answerWith?.(answer);
      outcome.answerWith?.('v=0\r\ns=too late\r\n');
      expect((await peer.nextRequest('ACK')).body.toString()).toBe(answer);
      peer.send(final, port);
      expect((await peer.nextRequest('ACK')).body.toString()).toBe(answer);
      const bye = outcome.dialog.bye();
      ok(await peer.nextRequest('BYE'));
      await bye;
    });

    it.each(['is hung up first', 'is never answered'])('acknowledges empty and says BYE when the offer %s', async (how) => {
      const { invite, outcomes } = await place({ offer: undefined } as never);
      peer.send(peer.response(invite, 200, { tag: 'one', contact: `<${peer.uri}>`, body: offer }), port);
      await until(() => outcomes.length === 1);
      const outcome = outcomes[0];
      if (outcome?.kind !== 'answered') throw new Error('not answered');
      const over = how === 'is hung up first' ? outcome.dialog.bye() : clock.advanceAsync(32_000);
      expect((await peer.nextRequest('ACK')).body.length).toBe(0);
      ok(await peer.nextRequest('BYE'));
      await over;
      await until(() => stack.liveObjects()['dialog'] === 0);
    });

    it('answers an offer in a reliable response in its PRACK', async () => {
      const { heard, invite, offers, outcomes } = await place({ offer: undefined } as never);
      provisional(invite, 183, { rseq: 1, body: offer });
      await until(() => offers.length === 1);
      expect(offers[0]?.offer).toMatchObject({ method: 'PRACK', sdp: offer });
      expect(heard).toMatchObject([{ status: 183 }]);
      offers[0]?.offer.accept(answer);
      expect((await prackOf()).body.toString()).toBe(answer);
      peer.send(peer.response(invite, 200, { tag: 'one', contact: `<${peer.uri}>` }), port);
      expect((await peer.nextRequest('ACK')).body.length).toBe(0);
      await until(() => outcomes.length === 1);
      const outcome = outcomes[0];
      if (outcome?.kind !== 'answered') throw new Error('not answered');
      expect([outcome.sdp, outcome.answerWith]).toEqual([offer, undefined]);
      const bye = outcome.dialog.bye();
      ok(await peer.nextRequest('BYE'));
      await bye;
    });

    it('gives up on an offer in a reliable response that it refuses', async () => {
      const { invite, offers, outcomes } = await place({ offer: undefined } as never);
      provisional(invite, 183, { rseq: 1, body: offer });
      await until(() => offers.length === 1);
      offers[0]?.offer.reject(488);
      expect((await prackOf()).body.length).toBe(0);
      ok(await peer.nextRequest('CANCEL'));
      peer.send(peer.response(invite, 487, { tag: 'one' }), port);
      await until(() => outcomes.length === 1);
      expect(outcomes[0]).toMatchObject({ kind: 'failed', why: 'cancelled' });
    });
  });

  it('forgets early dialogs when the INVITE is refused, and carries the hops it was given', async () => {
    const { invite, outcomes } = await place({ maxForwards: 12 });
    expect(invite.headers.get('Max-Forwards')).toBe('12');
    provisional(invite, 183, { rseq: 1, body: answer });
    await prackOf();
    peer.send(peer.response(invite, 486, { tag: 'one' }), port);
    await until(() => outcomes.length === 1);
    expect(stack.liveObjects()['dialog']).toBe(0);
  });
});
