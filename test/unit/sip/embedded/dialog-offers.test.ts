import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import type { OfferOutcome } from '../../../../src/sip/port.js';
import { type RawDialog, RawDialogRig } from '../../../support/raw-dialog.js';
import { until } from '../../../support/sip-rigs.js';

const ours = 'v=0\r\ns=ours\r\n';
const theirs = 'v=0\r\ns=theirs\r\n';
const held = 'v=0\r\ns=held\r\n';

let rig: RawDialogRig;

beforeEach(async () => {
  rig = await RawDialogRig.open({ sessionTimer: 'off' });
});

afterEach(() => rig.close());

const answer = (request: SipRequestMessage, status: number, options: Parameters<typeof rig.peer.response>[2] = {}): void =>
  rig.peer.send(rig.peer.response(request, status, options), rig.port);

/** Answers and waits until it has arrived: the INVITE is not repeated any more. */
async function provisional(invite: SipRequestMessage, status: number): Promise<void> {
  const before = rig.stack.liveObjects()['sip_timer'] ?? 0;
  answer(invite, status);
  await until(() => (rig.stack.liveObjects()['sip_timer'] ?? 0) < before);
}

/** Offers and keeps what came of it. */
function offer(call: RawDialog, sdp?: string): OfferOutcome[] {
  const results: OfferOutcome[] = [];
  void call.dialog.offer(sdp).then((result) => results.push(result));
  return results;
}

describe('asking the peer for an offer', () => {
  it('sends an INVITE without one, and our answer in the ACK', async () => {
    const call = await rig.calling();
    const results = offer(call);
    const invite = await rig.peer.nextRequest('INVITE');
    expect(invite.body).toHaveLength(0);
    expect(invite.headers.has('Content-Type')).toBe(false);
    answer(invite, 200, { body: theirs });
    await until(() => results.length === 1);
    expect(results[0]).toMatchObject({ status: 200, sdp: theirs });
    expect(rig.peer.countOf('ACK')).toBe(1);
    answer(invite, 200, { body: theirs });
    results[0]?.answerWith?.(held);
    const ack = await rig.peer.nextRequest('ACK');
    expect(ack.body.toString()).toBe(held);
    expect(ack.headers.get('Content-Type')).toBe('application/sdp');
    expect(ack.headers.get('CSeq')).toBe('2 ACK');
    expect((await rig.peer.nextRequest('ACK')).body.toString(), 'again for the 200 that came again').toBe(held);
    results[0]?.answerWith?.(ours);
    answer(invite, 200, { body: theirs });
    expect((await rig.peer.nextRequest('ACK')).body.toString(), 'the first answer is the one that counts').toBe(held);
  });

  it('keeps the next offer back, and refuses the peer’s with 491, until we have answered', async () => {
    const call = await rig.calling();
    const results = offer(call);
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs });
    await until(() => results.length === 1);
    const next = offer(call, held);
    call.send('INVITE', { body: theirs });
    await rig.peer.nextResponse(491);
    expect(rig.peer.countOf('INVITE')).toBe(2);
    results[0]?.answerWith?.(ours);
    await rig.peer.nextRequest('ACK');
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs });
    await until(() => next.length === 1);
    expect(next).toEqual([{ status: 200, sdp: theirs }]);
  });

  it('acknowledges without an answer, and only then ends, when the call is hung up first', async () => {
    const call = await rig.calling();
    const results = offer(call);
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs });
    await until(() => results.length === 1);
    void call.dialog.bye();
    const bye = await rig.peer.nextRequest('BYE');
    const order = rig.peer.history.flatMap((each) => (each.kind === 'request' ? [each.method] : []));
    expect(order).toEqual(['INVITE', 'ACK', 'INVITE', 'ACK', 'BYE']);
    expect(rig.peer.inbox.every((each) => each.body.length === 0)).toBe(true);
    answer(bye, 200);
    results[0]?.answerWith?.(ours);
    await until(() => rig.stack.liveObjects()['dialog'] === 0);
    expect(rig.peer.countOf('ACK')).toBe(2);
  });

  it('acknowledges and ends after 64*T1 when nobody answers', async () => {
    const call = await rig.calling();
    const results = offer(call);
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs });
    await until(() => results.length === 1);
    await rig.pass(31_999);
    expect(call.ends).toEqual([]);
    await rig.pass(1);
    expect(call.ends).toHaveLength(1);
    await rig.peer.nextRequest('ACK');
    answer(await rig.peer.nextRequest('BYE'), 200);
  });

  it('leaves the session as it is when the peer refuses or has nothing to offer', async () => {
    const call = await rig.calling();
    const refused = offer(call);
    answer(await rig.peer.nextRequest('INVITE'), 488);
    await until(() => refused.length === 1);
    const empty = offer(call);
    answer(await rig.peer.nextRequest('INVITE'), 200);
    await until(() => empty.length === 1);
    expect([...refused, ...empty]).toEqual([{ status: 488 }, { status: 200 }]);
    await until(() => rig.peer.countOf('ACK') === 3);
    expect(call.ends).toEqual([]);
  });
});

describe('an INVITE of the peer without an offer', () => {
  it('gets our offer in the 2xx and brings the answer in its ACK', async () => {
    const call = await rig.calling();
    const invite = call.send('INVITE');
    await until(() => call.offers.length === 1);
    expect(call.offers[0]).not.toHaveProperty('sdp');
    call.offers[0]?.accept(held);
    const ok = await rig.peer.nextResponse(200);
    expect(ok.body.toString()).toBe(held);
    call.send('INVITE', { body: theirs });
    await rig.peer.nextResponse(491);
    call.send('ACK', { cseq: 2, body: theirs });
    await until(() => call.acks.length === 1);
    expect(call.acks).toEqual([theirs]);
    expect(invite.body).toHaveLength(0);
  });
});

describe('UPDATE of the peer', () => {
  it('is handed up with its offer and headers, and answered in its 2xx', async () => {
    const call = await rig.called();
    call.send('UPDATE', { body: held, headers: [['X-Own', 'on']] });
    await until(() => call.offers.length === 1);
    expect(call.offers[0]).toMatchObject({ method: 'UPDATE', sdp: held });
    expect(call.offers[0]?.headers?.get('x-own')).toBe('on');
    call.offers[0]?.accept(ours);
    call.offers[0]?.reject(488);
    const ok = await rig.peer.nextResponse(200);
    expect(ok.body.toString()).toBe(ours);
    expect(ok.headers.get('Contact')).toMatch(/^<sip:gateway@/);
    expect(ok.headers.get('Allow')).toContain('UPDATE');
    await rig.pass(60_000);
    expect(rig.peer.countOf(200)).toBe(2);
  });

  it('is refused as we say, and a later one is taken', async () => {
    const call = await rig.called();
    call.send('UPDATE', { body: held });
    await until(() => call.offers.length === 1);
    call.offers[0]?.reject(488);
    await rig.peer.nextResponse(488);
    call.send('UPDATE', { body: theirs });
    await until(() => call.offers.length === 2);
    call.offers[1]?.accept(ours);
    await rig.peer.nextResponse(200);
  });

  it('gets 500 with Retry-After while an offer of the peer waits, and one without an offer only behind another UPDATE', async () => {
    const call = await rig.called();
    call.send('INVITE', { body: theirs });
    await until(() => call.offers.length === 1);
    call.send('UPDATE', { body: held });
    expect(Number((await rig.peer.nextResponse(500)).headers.get('Retry-After'))).toBe(5);
    call.send('UPDATE');
    await rig.peer.nextResponse(200);
    call.offers[0]?.accept(ours);
    await rig.peer.nextResponse(200);
    call.send('ACK', { cseq: 2 });
    call.send('UPDATE', { body: held });
    await until(() => call.offers.length === 2);
    call.send('UPDATE');
    expect((await rig.peer.nextResponse(500)).headers.get('Retry-After')).toBe('5');
    call.send('INVITE', { body: held });
    expect((await rig.peer.nextResponse(500)).headers.get('Retry-After')).toBe('5');
    call.offers[1]?.accept(ours);
  });

  it('gets 491 with an offer while one of ours waits, and 200 without', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    const invite = await rig.peer.nextRequest('INVITE');
    call.send('UPDATE', { body: theirs });
    await rig.peer.nextResponse(491);
    call.send('UPDATE');
    await rig.peer.nextResponse(200);
    answer(invite, 200, { body: theirs });
    await until(() => results.length === 1);
    expect(call.offers).toEqual([]);
  });

  it('moves the target when it is accepted, and not when it is refused', async () => {
    const call = await rig.called();
    call.send('UPDATE', { contact: '<sip:away@203.0.113.9>', body: held });
    await until(() => call.offers.length === 1);
    call.offers[0]?.reject(488);
    await rig.peer.nextResponse(488);
    const results = offer(call, held);
    const invite = await rig.peer.nextRequest('INVITE');
    expect(invite.requestUri).toBe(rig.peer.uri);
    answer(invite, 200, { body: theirs, contact: `<sip:moved@127.0.0.1:${rig.peer.port}>` });
    await until(() => results.length === 1);
    expect((await rig.peer.nextRequest('ACK')).requestUri).toBe(`sip:moved@127.0.0.1:${rig.peer.port}`);
  });

  it('is answered 481 without a dialog, and 488 where nobody takes offers', async () => {
    const { peer, port } = rig;
    peer.send(peer.request({ method: 'UPDATE', uri: `sip:b@127.0.0.1:${port}`, toTag: 'nobody' }), port);
    await peer.nextResponse(481);
    peer.send(peer.request({ method: 'UPDATE', uri: `sip:b@127.0.0.1:${port}` }), port);
    await peer.nextResponse(481);
  });

  it.each(['INVITE', 'UPDATE'])('counts as refused with 500 when nobody has decided on the %s after 64*T1', async (method) => {
    const call = await rig.called();
    call.send(method, { body: held });
    await until(() => call.offers.length === 1);
    await rig.pass(31_999);
    expect(rig.peer.countOf(500)).toBe(0);
    await rig.pass(1);
    await rig.peer.nextResponse(500);
    call.offers[0]?.accept(ours);
    if (method === 'INVITE') call.send('ACK', { cseq: 2 });
    call.send('UPDATE', { body: theirs });
    await until(() => call.offers.length === 2);
    call.offers[1]?.accept(ours);
    await rig.peer.nextResponse(200);
  });

  it('is settled with 481 when the dialog ends under it', async () => {
    const call = await rig.called();
    call.send('UPDATE', { body: held });
    await until(() => call.offers.length === 1);
    void call.dialog.bye();
    await rig.peer.nextResponse(481);
    call.offers[0]?.accept(ours);
    answer(await rig.peer.nextRequest('BYE'), 200);
    await until(() => rig.stack.liveObjects()['dialog'] === 0);
  });
});

describe('a refusal of our offer', () => {
  it('with 500 and Retry-After is tried once more, then', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    answer(await rig.peer.nextRequest('INVITE'), 500, { headers: [['Retry-After', '7 (busy);duration=3']] });
    await until(() => rig.peer.countOf('ACK') === 1);
    await rig.pass(6999);
    expect(rig.peer.countOf('INVITE')).toBe(1);
    await rig.pass(1);
    answer(await rig.peer.nextRequest('INVITE'), 500, { headers: [['Retry-After', '1']] });
    await until(() => results.length === 1);
    expect(results).toEqual([{ status: 500 }]);
    expect(call.ends).toEqual([]);
  });

  it.each<[string, readonly (readonly [string, string])[]]>([
    ['no Retry-After', []],
    ['one beyond ten seconds', [['Retry-After', '11']]],
    ['one nobody can read', [['Retry-After', 'later']]],
  ])('with 500 and %s stands', async (_, headers) => {
    const call = await rig.called();
    const results = offer(call, held);
    answer(await rig.peer.nextRequest('INVITE'), 500, { headers });
    await until(() => results.length === 1);
    expect(results).toEqual([{ status: 500 }]);
  });

  it.each([400, 403, 415, 488, 500, 503, 600, 606])('with %i leaves the call up', async (status) => {
    const call = await rig.called();
    const results = offer(call, held);
    answer(await rig.peer.nextRequest('INVITE'), status);
    await until(() => results.length === 1);
    expect(results).toEqual([{ status }]);
    expect(call.ends).toEqual([]);
  });

  it.each([408, 481])('with %i ends the call', async (status) => {
    const call = await rig.called();
    const results = offer(call, held);
    answer(await rig.peer.nextRequest('INVITE'), status);
    await until(() => results.length === 1);
    expect(call.ends).toEqual([{ by: 'dialog-gone' }]);
    answer(await rig.peer.nextRequest('BYE'), 481);
  });

  it('is no ground to forget the target, the routes or what went before', async () => {
    const call = await rig.called({ headers: [['Record-Route', `<sip:127.0.0.1:${rig.peer.port};lr>`]] });
    const results = offer(call, held);
    answer(await rig.peer.nextRequest('INVITE'), 488, { contact: '<sip:wrong@203.0.113.9>' });
    await until(() => results.length === 1);
    const bye = call.dialog.bye();
    const request = await rig.peer.nextRequest('BYE');
    expect(request.requestUri).toBe(rig.peer.uri);
    expect(request.headers.all('Route')).toEqual([`<sip:127.0.0.1:${rig.peer.port};lr>`]);
    answer(request, 200);
    await bye;
  });
});

describe('glare', () => {
  it.each<[role: 'calling' | 'called', random: number, waitMs: number]>([
    ['calling', 0, 2100],
    ['calling', 0.5, 3050],
    ['calling', 0.999999, 4000],
    ['called', 0, 0],
    ['called', 0.5, 1000],
    ['called', 0.999999, 2000],
  ])('lets the one %s, who draws %d, wait %i ms', async (role, random, waitMs) => {
    await rig.close();
    rig = await RawDialogRig.open({ sessionTimer: 'off' }, () => random);
    const call = role === 'calling' ? await rig.calling() : await rig.called();
    const before = rig.peer.countOf('INVITE');
    offer(call, held);
    const acks = rig.peer.countOf('ACK');
    answer(await rig.peer.nextRequest('INVITE'), 491);
    await until(() => rig.peer.countOf('ACK') === acks + 1);
    if (waitMs > 0) {
      await rig.pass(waitMs - 1);
      expect(rig.peer.countOf('INVITE')).toBe(before + 1);
    }
    await rig.pass(1);
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs });
    await rig.peer.nextRequest('ACK');
  });

  it('takes the offer of the peer while it waits, and ours after it', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    answer(await rig.peer.nextRequest('INVITE'), 491);
    await until(() => rig.peer.countOf('ACK') === 1);
    call.send('INVITE', { body: theirs });
    await until(() => call.offers.length === 1);
    await rig.pass(1000);
    expect(rig.peer.countOf('INVITE')).toBe(1);
    call.offers[0]?.accept(ours);
    await rig.peer.nextResponse(200);
    expect(rig.peer.countOf('INVITE')).toBe(1);
    call.send('ACK', { cseq: 2 });
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs });
    await until(() => results.length === 1);
    expect(results).toEqual([{ status: 200, sdp: theirs }]);
  });

  it('gives up with 491 after six of them', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    for (let i = 1; i <= 7; i += 1) {
      answer(await rig.peer.nextRequest('INVITE'), 491);
      await until(() => rig.peer.countOf('ACK') === i);
      await rig.pass(1000);
    }
    await until(() => results.length === 1);
    expect(results).toEqual([{ status: 491 }]);
    expect(call.ends).toEqual([]);
  });
});

describe('hanging up meanwhile', () => {
  it('cancels our INVITE, sends BYE, and acknowledges the 2xx that comes all the same', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    const invite = await rig.peer.nextRequest('INVITE');
    await provisional(invite, 180);
    void call.dialog.bye();
    await until(() => results.length === 1);
    expect(results).toEqual([{ status: 481 }]);
    const bye = await rig.peer.nextRequest('BYE');
    const cancel = await rig.peer.nextRequest('CANCEL');
    answer(cancel, 200);
    answer(bye, 200);
    answer(invite, 200, { body: theirs });
    expect((await rig.peer.nextRequest('ACK')).headers.get('CSeq')).toBe('1 ACK');
    await rig.pass(32_000);
    expect(rig.stack.liveObjects()).toMatchObject({ dialog: 0, transaction: 0, sip_timer: 0 });
    expect(call.ends).toEqual([{ by: 'local' }]);
  });

  it('of the peer settles our INVITE with 481, and its 487 is acknowledged', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    const invite = await rig.peer.nextRequest('INVITE');
    call.send('BYE');
    await rig.peer.nextResponse(200);
    answer(invite, 487);
    await rig.peer.nextRequest('ACK');
    await until(() => results.length === 1);
    expect(results).toEqual([{ status: 481 }]);
    await rig.pass(64_000);
    expect(rig.stack.liveObjects()).toMatchObject({ dialog: 0, transaction: 0, sip_timer: 0 });
  });

  it('refuses the INVITE of the peer that waits with 487', async () => {
    const call = await rig.called();
    call.send('INVITE', { body: theirs });
    await until(() => call.offers.length === 1);
    void call.dialog.bye();
    await rig.peer.nextResponse(487);
    answer(await rig.peer.nextRequest('BYE'), 200);
    await until(() => rig.stack.liveObjects()['dialog'] === 0);
  });

  it('answers 200 to the BYE that crosses ours, and ends once', async () => {
    const call = await rig.called();
    void call.dialog.bye();
    const bye = await rig.peer.nextRequest('BYE');
    call.send('BYE');
    await rig.peer.nextResponse(200);
    answer(bye, 481);
    await until(() => rig.stack.liveObjects()['dialog'] === 0);
    expect(call.ends).toEqual([{ by: 'local' }]);
  });

  it('needs no BYE of ours any more when the peer’s comes while ours waits for the ACK', async () => {
    const call = await rig.called({ acknowledge: false });
    const left = call.dialog.bye();
    call.send('BYE');
    expect((await rig.peer.nextResponse(200)).headers.get('CSeq')).toBe('2 BYE');
    await left;
    await rig.pass(64_000);
    expect(rig.peer.countOf('BYE')).toBe(0);
    expect(rig.stack.liveObjects()).toMatchObject({ dialog: 0, transaction: 0, sip_timer: 0 });
    expect(call.ends).toEqual([{ by: 'local' }]);
  });

  it('refuses with 481 the INVITE that crosses our BYE', async () => {
    const call = await rig.called();
    void call.dialog.bye();
    const bye = await rig.peer.nextRequest('BYE');
    call.send('INVITE', { body: theirs });
    await rig.peer.nextResponse(481);
    answer(bye, 200);
    await until(() => rig.stack.liveObjects()['dialog'] === 0);
    expect(call.offers).toEqual([]);
  });
});

describe('an INVITE of ours that is worked on', () => {
  it('takes provisional answers for three minutes, is cancelled then, and the call goes on', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    const invite = await rig.peer.nextRequest('INVITE');
    await provisional(invite, 180);
    answer(invite, 183, { body: theirs });
    await rig.pass(179_999);
    expect(rig.peer.countOf('CANCEL')).toBe(0);
    await rig.pass(1);
    answer(await rig.peer.nextRequest('CANCEL'), 200);
    answer(invite, 487);
    await until(() => results.length === 1);
    expect(results).toEqual([{ status: 487 }]);
    expect(call.ends).toEqual([]);
  });

  it('acknowledges reliable provisional answers, each once and in order, and takes the answer from them', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    const invite = await rig.peer.nextRequest('INVITE');
    const reliably = (rseq: number, body?: string): void =>
      answer(invite, 183, {
        headers: [
          ['Require', '100rel'],
          ['RSeq', String(rseq)],
        ],
        ...(body === undefined ? {} : { body }),
      });
    reliably(7, theirs);
    const first = await rig.peer.nextRequest('PRACK');
    expect(first.headers.get('RAck')).toBe('7 1 INVITE');
    expect(first.headers.get('CSeq')).toBe('2 PRACK');
    answer(first, 200);
    reliably(9);
    reliably(7, theirs);
    reliably(8);
    const second = await rig.peer.nextRequest('PRACK');
    expect(second.headers.get('RAck')).toBe('8 1 INVITE');
    answer(second, 481);
    answer(invite, 200, { body: 'v=0\r\ns=no answer\r\n' });
    await until(() => results.length === 1);
    expect(results).toEqual([{ status: 200, sdp: theirs }]);
    expect((await rig.peer.nextRequest('ACK')).headers.get('CSeq')).toBe('1 ACK');
    expect(rig.peer.countOf('PRACK')).toBe(2);
    expect(call.ends).toEqual([]);
  });

  it('ends the call after 64*T1 without a word', async () => {
    const call = await rig.called();
    const results = offer(call, held);
    await rig.peer.nextRequest('INVITE');
    await rig.pass(32_000);
    expect(results).toEqual([{ status: 408 }]);
    expect(call.ends).toEqual([{ by: 'dialog-gone' }]);
  });
});
