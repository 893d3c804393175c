import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import type { SipRequestMessage, SipResponseMessage } from '../../../../src/sip/embedded/message.js';
import type { DialogEnd, InboundCall, Reoffer } from '../../../../src/sip/port.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack, until, uriOf } from '../../../support/sip-rigs.js';

const offer = 'v=0\r\ns=offer\r\n';
const answer = 'v=0\r\ns=answer\r\n';
const required = [['Require', '100rel']] as const;
const supported = [['Supported', '100rel, timer']] as const;
const tagOf = (message: SipResponseMessage): string => /;tag=([^;]+)/.exec(message.headers.get('To') ?? '')?.[1] ?? '';
const rseqOf = (message: SipResponseMessage): number => Number(message.headers.get('RSeq'));

describe('provisional responses sent reliably (RFC 3262 §3)', () => {
  let clock: FakeClock;
  let stack: EmbeddedSip;
  let peer: RawSipPeer;
  let port: number;
  let uri: string;
  let calls: InboundCall[];

  beforeEach(async () => {
    clock = new FakeClock();
    stack = await startStack({}, { clock, random: () => 0.5 });
    peer = await RawSipPeer.open();
    port = stack.bound()[0]?.port ?? 0;
    uri = uriOf(stack);
    calls = [];
    stack.onCall((call) => calls.push(call));
  });

  afterEach(async () => {
    const stopped = stack.stop();
    await clock.advanceAsync(2000);
    await stopped;
    expect(stack.liveObjects()).toEqual({ transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 });
    await peer.close();
  });

  async function arrive(
    headers: readonly (readonly [string, string])[],
    body: string | null = offer,
  ): Promise<{ call: InboundCall; invite: SipRequestMessage; inside: (method: string, cseq: number, more?: object) => SipRequestMessage }> {
    const invite = peer.request({ method: 'INVITE', uri, callId: 'reliable', headers, ...(body === null ? {} : { body }) });
    peer.send(invite, port);
    await until(() => calls.length > 0);
    const call = calls.shift();
    if (call === undefined) throw new Error('no call');
    let toTag = '';
    const inside = (method: string, cseq: number, more: object = {}): SipRequestMessage => {
      const known = peer.history.findLast((each) => each.kind === 'response' && each.status > 100);
      if (known?.kind === 'response') toTag = tagOf(known);
      return peer.request({ method, uri, callId: 'reliable', toTag, cseq, ...more });
    };
    return { call, invite, inside };
  }

  const rack = (provisional: SipResponseMessage): readonly (readonly [string, string])[] => [['RAck', `${rseqOf(provisional)} 1 INVITE`]];
  const ask = async (request: SipRequestMessage, status: number): Promise<SipResponseMessage> => {
    peer.send(request, port);
    return await peer.nextResponse(status);
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it('numbers them from a start of its own and waits for each PRACK before the next', async () => {
    const { call, inside } = await arrive(required);
    call.progress(180);
    call.progress(183, { sdp: answer });
    const first = await peer.nextResponse(180);
    expect(first.headers.get('Require')).toBe('100rel');
    expect(rseqOf(first)).toBeGreaterThan(0);
    await settle();
    expect(peer.countOf(183)).toBe(0);
    await ask(inside('PRACK', 2, { headers: rack(first) }), 200);
    const second = await peer.nextResponse(183);
    expect(rseqOf(second)).toBe(rseqOf(first) + 1);
    expect(second.body.toString()).toBe(answer);
    call.reject(486);
  });

  it('repeats one after T1, doubling without a bound, and refuses the call with 504 when no PRACK ever comes', async () => {
    const { call } = await arrive(required);
    call.progress(183, { sdp: answer });
    await peer.nextResponse(183);
    const seen: number[] = [];
    for (const [step, total] of [
      [499, 1],
      [1, 2],
      [999, 2],
      [1, 3],
      [2000, 4],
      [4000, 5],
      [8000, 6],
      [15_500, 6],
      [1, 6],
    ] as const) {
      await clock.advanceAsync(step);
      await settle();
      await until(() => peer.countOf(183) >= total);
      seen.push(peer.countOf(183));
    }
    expect(seen).toEqual([1, 2, 2, 3, 4, 5, 6, 6, 6]);
    await clock.advanceAsync(999);
    await peer.nextResponse(504);
    expect(call.cancelled.aborted).toBe(true);
  });

  it('stops repeating at the PRACK, and answers one that matches nothing with 481', async () => {
    const { call, inside } = await arrive(required);
    call.progress(180);
    const first = await peer.nextResponse(180);
    for (const wrong of [`${rseqOf(first) + 1} 1 INVITE`, `${rseqOf(first)} 2 INVITE`, `${rseqOf(first)} 1 UPDATE`, 'nonsense']) {
      await ask(inside('PRACK', 2 + peer.countOf(481), { headers: [['RAck', wrong]] }), 481);
    }
    const prack = inside('PRACK', 9, { headers: rack(first) });
    await ask(prack, 200);
    await ask(prack, 200);
    await ask(inside('PRACK', 10, { headers: rack(first) }), 481);
    await clock.advanceAsync(10_000);
    await settle();
    expect(peer.countOf(180)).toBe(1);
    call.reject(486);
  });

  it('is reliable for a caller that supports it only where there is a session description, and not where the carrier is known to choke on it', async () => {
    const { call } = await arrive(supported);
    call.progress(180);
    call.progress(183, { sdp: answer, reliable: false });
    expect((await peer.nextResponse(180)).headers.get('RSeq')).toBeUndefined();
    expect((await peer.nextResponse(183)).headers.get('RSeq')).toBeUndefined();
    call.progress(183, { sdp: answer });
    expect((await peer.nextResponse(183)).headers.get('RSeq')).toBeDefined();
    call.reject(486);
  });

  it('holds a 2xx back until the session description before it is acknowledged', async () => {
    const { call, inside } = await arrive(supported);
    call.progress(183, { sdp: answer });
    const progress = await peer.nextResponse(183);
    const dialog = call.answer(answer);
    await settle();
    expect(peer.countOf(200)).toBe(0);
    peer.send(inside('PRACK', 2, { headers: rack(progress) }), port);
    await until(() => peer.countOf(200) === 2);
    const ends: DialogEnd[] = [];
    dialog.onEnd((end) => ends.push(end));
    peer.send(inside('ACK', 1), port);
    await ask(inside('BYE', 3), 200);
    await until(() => ends.length === 1);
    expect(ends[0]?.by).toBe('remote');
  });

  it('sends a 2xx at once after one without a session description, and still knows its PRACK', async () => {
    const { call, inside } = await arrive(required);
    call.progress(180);
    const ringing = await peer.nextResponse(180);
    const dialog = call.answer(answer);
    await peer.nextResponse(200);
    peer.send(inside('ACK', 1), port);
    await ask(inside('PRACK', 2, { headers: rack(ringing) }), 200);
    await ask(inside('PRACK', 3, { headers: rack(ringing) }), 481);
    await clock.advanceAsync(20_000);
    await settle();
    expect(peer.countOf(180)).toBe(1);
    const bye = dialog.bye();
    peer.send(peer.response(await peer.nextRequest('BYE'), 200), port);
    await bye;
  });

  it.each(['CANCEL', 'BYE', 'nothing at all', 'a hang-up of our own'])('ends a held 2xx on %s', async (what) => {
    const { call, invite, inside } = await arrive(supported);
    call.progress(183, { sdp: answer });
    await peer.nextResponse(183);
    const dialog = call.answer(answer);
    const ends: DialogEnd[] = [];
    dialog.onEnd((end) => ends.push(end));
    if (what === 'CANCEL') {
      const via = invite.headers.get('Via') ?? '';
      peer.send(peer.request({ method: 'CANCEL', uri, callId: 'reliable', branch: /branch=([^;]+)/.exec(via)?.[1] ?? '' }), port);
      await peer.nextResponse(487);
    } else if (what === 'BYE') {
      peer.send(inside('BYE', 2), port);
      await peer.nextResponse(487);
    } else if (what === 'nothing at all') {
      await clock.advanceAsync(32_000);
      await peer.nextResponse(504);
    } else {
      await dialog.bye();
      await peer.nextResponse(487);
      expect(peer.countOf('BYE')).toBe(0);
    }
    await until(() => ends.length === 1);
    expect(stack.liveObjects()).toMatchObject({ dialog: 0, invite: 0 });
  });

  it('makes its offer in one when the INVITE had none, takes the answer from the PRACK, and sends neither again', async () => {
    const { call, inside } = await arrive(supported, null);
    call.progress(183, { sdp: offer });
    const progress = await peer.nextResponse(183);
    const early: string[] = [];
    call.onAnswer?.((sdp) => early.push(sdp));
    expect(call.takesReliable).toBe(true);
    await ask(inside('PRACK', 2, { headers: rack(progress), body: answer }), 200);
    expect(early).toEqual([answer]);
    const dialog = call.answer(offer);
    const acks: (string | undefined)[] = [];
    dialog.onAck((sdp) => acks.push(sdp));
    expect((await peer.nextResponse(200)).body.toString()).toBe('');
    peer.send(inside('ACK', 1), port);
    await until(() => acks.length === 1);
    expect(acks).toEqual([answer]);
    await ask(inside('BYE', 3), 200);
  });

  it('hands an offer in a PRACK up and answers it in the 200', async () => {
    const { call, inside } = await arrive(supported);
    const offers: Reoffer[] = [];
    call.onOffer((each) => offers.push(each));
    call.progress(183, { sdp: answer });
    const progress = await peer.nextResponse(183);
    peer.send(inside('PRACK', 2, { headers: rack(progress), body: 'v=0\r\ns=second\r\n' }), port);
    await until(() => offers.length === 1);
    expect([offers[0]?.method, offers[0]?.sdp]).toEqual(['PRACK', 'v=0\r\ns=second\r\n']);
    offers[0]?.accept('v=0\r\ns=ours\r\n');
    expect((await peer.nextResponse(200)).body.toString()).toBe('v=0\r\ns=ours\r\n');
    call.reject(486);
  });

  it('takes the PRACK of a ringing response for no answer to the description that waits behind it', async () => {
    const { call, inside } = await arrive(required, null);
    const offers: Reoffer[] = [];
    const early: string[] = [];
    call.onOffer((each) => offers.push(each));
    call.onAnswer?.((sdp) => early.push(sdp));
    call.progress(180);
    call.progress(183, { sdp: offer });
    await ask(inside('PRACK', 2, { headers: rack(await peer.nextResponse(180)) }), 200);
    const progress = await peer.nextResponse(183);
    await ask(inside('UPDATE', 3, { body: offer }), 491);
    await ask(inside('PRACK', 4, { headers: rack(progress), body: answer }), 200);
    expect([early, offers]).toEqual([[answer], []]);
    call.reject(486);
  });

  it('refuses an offer in a PRACK with 500 while an UPDATE waits, and answers both', async () => {
    const { call, inside } = await arrive(required);
    const offers: Reoffer[] = [];
    call.onOffer((each) => offers.push(each));
    call.progress(183, { sdp: answer });
    await ask(inside('PRACK', 2, { headers: rack(await peer.nextResponse(183)) }), 200);
    call.progress(180);
    const ringing = await peer.nextResponse(180);
    peer.send(inside('UPDATE', 3, { body: offer }), port);
    await until(() => offers.length === 1);
    await ask(inside('PRACK', 4, { headers: rack(ringing), body: offer }), 500);
    offers[0]?.accept(answer);
    expect((await peer.nextResponse(200)).headers.get('CSeq')).toBe('3 UPDATE');
    call.reject(486);
  });

  it('tells no older answer with the ACK once an UPDATE has changed the session', async () => {
    const { call, inside } = await arrive(supported, null);
    call.onOffer((each) => each.accept('v=0\r\ns=updated\r\n'));
    call.progress(183, { sdp: offer });
    await ask(inside('PRACK', 2, { headers: rack(await peer.nextResponse(183)), body: answer }), 200);
    await ask(inside('UPDATE', 3, { body: 'v=0\r\ns=newer\r\n' }), 200);
    const acks: (string | undefined)[] = [];
    call.answer(offer).onAck((sdp) => acks.push(sdp));
    expect((await peer.nextResponse(200)).body.toString()).toBe('');
    peer.send(inside('ACK', 1), port);
    await until(() => acks.length === 1);
    expect(acks).toEqual([undefined]);
    await ask(inside('BYE', 4), 200);
  });

  it('takes UPDATE before the answer by the rules of RFC 3311 §5.2', async () => {
    const { call, inside } = await arrive(supported);
    const offers: Reoffer[] = [];
    call.onOffer((each) => offers.push(each));
    call.progress(180);
    await peer.nextResponse(180);
    const tooEarly = await ask(inside('UPDATE', 2, { body: offer }), 500);
    expect(Number(tooEarly.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
    expect((await ask(inside('UPDATE', 3), 200)).headers.get('Contact')).toBeDefined();
    call.progress(183, { sdp: answer });
    await ask(inside('PRACK', 4, { headers: rack(await peer.nextResponse(183)) }), 200);
    peer.send(inside('UPDATE', 5, { body: offer }), port);
    await until(() => offers.length === 1);
    await ask(inside('UPDATE', 6, { body: offer }), 500);
    offers[0]?.accept('v=0\r\ns=updated\r\n');
    expect((await peer.nextResponse(200)).body.toString()).toBe('v=0\r\ns=updated\r\n');
    peer.send(inside('UPDATE', 7, { body: offer }), port);
    await until(() => offers.length === 2);
    await clock.advanceAsync(32_000);
    await peer.nextResponse(500);
    await ask(inside('UPDATE', 7, { body: offer }), 500);
    call.answer(answer);
    expect((await peer.nextResponse(200)).body.toString(), 'what was agreed on since is not said anew').toBe('');
    peer.send(inside('ACK', 1), port);
    await ask(inside('BYE', 8), 200);
  });

  it('refuses an offer that nobody listens for with 488', async () => {
    const { call, inside } = await arrive(supported);
    call.progress(183, { sdp: answer });
    await ask(inside('PRACK', 2, { headers: rack(await peer.nextResponse(183)) }), 200);
    await ask(inside('UPDATE', 3, { body: offer }), 488);
    call.reject(486);
  });
});
