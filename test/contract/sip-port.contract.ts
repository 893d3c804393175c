import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/base/errors.js';
import type { DialogEnd, FlowRef, InboundCall, OutboundOptions, Progress, Reoffer, SipDialog } from '../../src/sip/port.js';
import { earlyDialogCases } from './sip-early-dialogs.contract.js';
import type { Placed, SipRig } from './sip-rig.js';

const offer = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const answer = offer.replace('4000', '5000');
const reoffer = offer.replace('4000', '6000');
const alice = { uri: 'sip:alice@example.com', displayName: 'Alice "A" Liddell' };

/** The suite every SIP port passes: the real ones and the fake that stands in for them. */
export function sipPortContract(name: string, makeRig: () => Promise<SipRig>): void {
  describe(`SIP port contract: ${name}`, () => {
    let rig: SipRig;
    let arrived: InboundCall[];

    beforeEach(async () => {
      rig = await makeRig();
      arrived = [];
      rig.callee.onCall((call) => {
        arrived.push(call);
      });
    });

    afterEach(async () => {
      await rig.stop();
    });

    function place(options: Partial<OutboundOptions> = {}, made: { readonly offer?: string } = { offer }): Placed {
      const heard: Progress[] = [];
      const call = rig.caller.call({ ...rig.toCallee, from: alice, ...made, ...options });
      call.onProgress((progress) => heard.push(progress));
      return { call, heard };
    }

    async function nextCall(): Promise<InboundCall> {
      const before = arrived.length;
      await rig.until(() => arrived.length > 0);
      const call = arrived.shift();
      if (call === undefined) throw new Error(`no call arrived (${before})`);
      return call;
    }

    async function establish(): Promise<{ near: SipDialog; far: SipDialog; nearEnds: DialogEnd[]; farEnds: DialogEnd[] }> {
      const { call } = place();
      const far = (await nextCall()).answer(answer);
      const nearEnds: DialogEnd[] = [];
      const farEnds: DialogEnd[] = [];
      let acknowledged = false;
      far.onAck(() => {
        acknowledged = true;
      });
      far.onEnd((end) => farEnds.push(end));
      const outcome = await call.outcome;
      if (outcome.kind !== 'answered') throw new Error(`not answered: ${outcome.kind}`);
      outcome.dialog.onEnd((end) => nearEnds.push(end));
      await rig.until(() => acknowledged);
      return { near: outcome.dialog, far, nearEnds, farEnds };
    }

    const dialogs = (): number => (rig.caller.liveObjects()['dialog'] ?? 0) + (rig.callee.liveObjects()['dialog'] ?? 0);
    const invites = (): number => (rig.caller.liveObjects()['invite'] ?? 0) + (rig.callee.liveObjects()['invite'] ?? 0);

    it('moves dialogs of one connection only, and can do so where it tells of closed ones', async () => {
      const { near, far, farEnds } = await establish();
      expect(rig.caller.moveFlow !== undefined).toBe(rig.caller.capabilities.flowEvents);
      const before = near.flow;
      rig.caller.moveFlow?.('udp:nobody' as FlowRef, 'udp:elsewhere' as FlowRef);
      expect(near.flow).toBe(before);
      far.onRequest((request) => request.respond(200));
      expect((await near.request('INFO')).status).toBe(200);
      await near.bye();
      await rig.until(() => farEnds.length === 1 && dialogs() === 0);
    });

    it('hands an INVITE up with its addresses, its headers and its offer', async () => {
      const { call } = place({ headers: [['X-Greeting', 'hello']], to: { uri: 'sip:bob@example.com' } });
      const inbound = await nextCall();
      expect(inbound.from).toEqual(alice);
      expect(inbound.to).toEqual({ uri: 'sip:bob@example.com' });
      expect(inbound.requestUri).toBe(rig.toCallee.requestUri);
      expect(inbound.headers.get('x-greeting')).toBe('hello');
      expect(inbound.offer).toBe(offer);
      expect(inbound.callIdHeader).toBe(call.callIdHeader);
      inbound.reject(486);
      await call.outcome;
    });

    it('leaves the offer away when the INVITE has none', async () => {
      const call = rig.caller.call({ ...rig.toCallee, from: alice });
      const inbound = await nextCall();
      expect(inbound.offer).toBeUndefined();
      inbound.reject(488);
      await call.outcome;
    });

    it('brings provisional responses in order, with their session descriptions, from one fork', async () => {
      const { call, heard } = place();
      const inbound = await nextCall();
      inbound.progress(180);
      await rig.until(() => heard.length === 1);
      inbound.progress(183, { sdp: answer, headers: [['X-Media', 'early']] });
      await rig.until(() => heard.length === 2);
      expect(heard.map(({ status, sdp }) => [status, sdp])).toEqual([
        [180, undefined],
        [183, answer],
      ]);
      expect(heard[1]?.headers.get('X-Media')).toBe('early');
      expect(heard[0]?.fork).toBe(heard[1]?.fork);
      inbound.reject(480);
      await call.outcome;
    });

    it('brings the answer with its headers and acknowledges it', async () => {
      const { call } = place();
      const inbound = await nextCall();
      const far = inbound.answer(answer, { headers: [['X-Answered', 'yes']] });
      const acks: (string | undefined)[] = [];
      far.onAck((sdp) => acks.push(sdp));
      const outcome = await call.outcome;
      expect(outcome).toMatchObject({ kind: 'answered', sdp: answer });
      if (outcome.kind === 'answered') expect(outcome.headers.get('X-Answered')).toBe('yes');
      await rig.until(() => acks.length === 1);
      expect(acks).toEqual([undefined]);
      expect(invites()).toBe(0);
      await far.bye();
    });

    it('brings a refusal with its status, reason and headers', async () => {
      const { call } = place();
      (await nextCall()).reject(486, { reason: 'On the other line', headers: [['X-Gateway-Failure', 'busy']] });
      const outcome = await call.outcome;
      expect(outcome).toMatchObject({ kind: 'rejected', status: 486, reason: 'On the other line' });
      if (outcome.kind === 'rejected') expect(outcome.headers.get('X-Gateway-Failure')).toBe('busy');
      expect(invites()).toBe(0);
    });

    it('takes only the first final answer to an INVITE', async () => {
      const { call } = place();
      const inbound = await nextCall();
      inbound.reject(486);
      inbound.reject(404);
      inbound.progress(180);
      const late = inbound.answer(answer);
      const ends: DialogEnd[] = [];
      late.onEnd((end) => ends.push(end));
      expect(ends).toHaveLength(1);
      expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 486 });
      expect(dialogs()).toBe(0);
    });

    it('cancels a ringing call at both ends, once', async () => {
      const { call, heard } = place();
      const inbound = await nextCall();
      inbound.progress(180);
      await rig.until(() => heard.length === 1);
      call.cancel({ headers: [['Reason', 'SIP;cause=200;text="Call completed elsewhere"']] });
      call.cancel();
      expect(await call.outcome).toMatchObject({ kind: 'failed', why: 'cancelled' });
      await rig.until(() => inbound.cancelled.aborted && invites() === 0);
      expect(inbound.cancelHeaders?.get('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"');
      call.cancel();
    });

    it('cancels a call in the turn it was placed', async () => {
      const { call } = place();
      call.cancel();
      expect(await call.outcome).toMatchObject({ kind: 'failed', why: 'cancelled' });
      await rig.until(() => invites() === 0);
    });

    it('reports a call as cancelled when its answer crosses the CANCEL, and hangs the answered dialog up', async () => {
      const { call, heard } = place();
      const inbound = await nextCall();
      inbound.progress(180);
      await rig.until(() => heard.length === 1);
      const far = inbound.answer(answer);
      call.cancel();
      const ends: DialogEnd[] = [];
      far.onEnd((end) => ends.push(end));
      expect(await call.outcome).toMatchObject({ kind: 'failed', why: 'cancelled' });
      await rig.until(() => ends.length === 1);
      expect(ends[0]?.by).toBe('remote');
      await rig.until(() => dialogs() === 0);
    });

    it('ends a dialog at both ends when the caller hangs up, and shows the headers of the BYE', async () => {
      const { near, nearEnds, farEnds } = await establish();
      await near.bye({ headers: [['Reason', 'Q.850;cause=16']] });
      await rig.until(() => farEnds.length === 1);
      expect(nearEnds).toEqual([{ by: 'local' }]);
      expect(farEnds[0]?.by).toBe('remote');
      expect(farEnds[0]?.headers?.get('Reason')).toBe('Q.850;cause=16');
      await rig.until(() => dialogs() === 0);
    });

    it('ends a dialog at both ends when the one called hangs up', async () => {
      const { far, nearEnds, farEnds } = await establish();
      await far.bye();
      await rig.until(() => nearEnds.length === 1);
      expect(nearEnds[0]?.by).toBe('remote');
      expect(farEnds).toEqual([{ by: 'local' }]);
      await rig.until(() => dialogs() === 0);
    });

    it('ends each end once when both hang up at the same time', async () => {
      const { near, far, nearEnds, farEnds } = await establish();
      await Promise.all([near.bye(), far.bye(), near.bye()]);
      await rig.until(() => dialogs() === 0);
      expect([nearEnds.length, farEnds.length]).toEqual([1, 1]);
    });

    it('tells a late listener that the dialog has ended', async () => {
      const { near } = await establish();
      await near.bye();
      const ends: DialogEnd[] = [];
      near.onEnd((end) => ends.push(end));
      expect(ends).toEqual([{ by: 'local' }]);
    });

    it('carries a re-INVITE each way and its answer back', async () => {
      const { near, far } = await establish();
      far.onOffer((each) => each.accept(`${answer}a=far\r\n`));
      near.onOffer((each) => each.accept(`${answer}a=near\r\n`));
      expect(await near.offer(reoffer)).toEqual({ status: 200, sdp: `${answer}a=far\r\n` });
      expect(await far.offer(reoffer)).toEqual({ status: 200, sdp: `${answer}a=near\r\n` });
      await near.bye();
    });

    it('shows a re-INVITE as an INVITE with the offer in it', async () => {
      const { near, far } = await establish();
      const seen: unknown[] = [];
      far.onOffer((each) => {
        seen.push([each.method, each.sdp]);
        each.accept(answer);
      });
      await near.offer(reoffer);
      expect(seen).toEqual([['INVITE', reoffer]]);
      await near.bye();
    });

    it('brings the refusal of a re-INVITE and keeps the dialog', async () => {
      const { near, far, nearEnds } = await establish();
      far.onOffer((each) => each.reject(488));
      expect(await near.offer(reoffer)).toEqual({ status: 488 });
      expect(nearEnds).toEqual([]);
      await near.bye();
    });

    it('answers a re-INVITE with 488 when nobody listens for offers', async () => {
      const { near } = await establish();
      expect(await near.offer(reoffer)).toEqual({ status: 488 });
      await near.bye();
    });

    it('sends the offers of one end one after another', async () => {
      const { near, far } = await establish();
      let open = 0;
      let most = 0;
      far.onOffer((each) => {
        open += 1;
        most = Math.max(most, open);
        setImmediate(() => {
          open -= 1;
          each.accept(answer);
        });
      });
      const results = await Promise.all([near.offer(reoffer), near.offer(reoffer), near.offer(reoffer)]);
      expect(results.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(most).toBe(1);
      await near.bye();
    });

    it('carries a request inside the dialog and its response', async () => {
      const { near, far } = await establish();
      far.onRequest((request) => {
        expect(request.method).toBe('INFO');
        expect(request.body).toEqual({ type: 'application/dtmf-relay', content: 'Signal=5\r\nDuration=160\r\n' });
        request.respond(200, { headers: [['X-Got', 'it']], body: { type: 'text/plain', content: 'ok' } });
        request.respond(500);
      });
      const response = await near.request('INFO', {
        body: { type: 'application/dtmf-relay', content: 'Signal=5\r\nDuration=160\r\n' },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('X-Got')).toBe('it');
      expect(response.body).toEqual({ type: 'text/plain', content: 'ok' });
      await near.bye();
    });

    it('answers 501 to a request in a dialog without a handler', async () => {
      const { near } = await establish();
      expect((await near.request('INFO')).status).toBe(501);
      await near.bye();
    });

    it('refuses requests and offers on a dialog that has ended', async () => {
      const { near } = await establish();
      await near.bye();
      expect(await near.offer(reoffer)).toEqual({ status: 481 });
      await expect(near.request('INFO')).rejects.toMatchObject({ info: { code: 'sip-request-failed' } });
      await near.bye();
    });

    it('carries a request outside a dialog to its handler', async () => {
      rig.callee.onRequest('MESSAGE', (request) => {
        expect(request.from).toEqual(alice);
        request.respond(202, { headers: [['X-Kept', '1']] });
      });
      const response = await rig.caller.request({
        ...rig.toCallee,
        method: 'MESSAGE',
        from: alice,
        body: { type: 'text/plain', content: 'hello' },
      });
      expect(response.status).toBe(202);
      expect(response.headers.get('X-Kept')).toBe('1');
    });

    it('answers OPTIONS with 200 and others with 405 when nobody handles them', async () => {
      const options = await rig.caller.request({ ...rig.toCallee, method: 'OPTIONS', from: alice });
      const message = await rig.caller.request({ ...rig.toCallee, method: 'MESSAGE', from: alice });
      expect([options.status, message.status]).toEqual([200, 405]);
    });

    it('lets only a REGISTER set Contact, in request and answer', async () => {
      rig.callee.onRequest('REGISTER', (request) => {
        const contact = request.headers.get('Contact') ?? '';
        request.respond(200, { headers: [['Contact', `${contact};expires=60`]] });
      });
      const response = await rig.caller.request({
        ...rig.toCallee,
        method: 'REGISTER',
        from: alice,
        headers: [['Contact', '<sip:alice@192.0.2.9>']],
      });
      expect(response.headers.get('Contact')).toBe('<sip:alice@192.0.2.9>;expires=60');
    });

    it.each(['Via', 'CSeq', 'call-id', 'Route', 'Contact', 'From', 'Content-Length'])(
      'refuses a %s header from above with a typed error',
      (header) => {
        const act = (): unknown => rig.caller.call({ ...rig.toCallee, from: alice, headers: [[header, 'x']] });
        expect(act).toThrowError(GatewayError);
        expect(act).toThrowError(expect.objectContaining({ info: { code: 'sip-header-reserved', name: header } }));
      },
    );

    it('refuses a header that would break out of its line', () => {
      const act = (): unknown => rig.caller.call({ ...rig.toCallee, from: alice, headers: [['X-A', 'b\r\nX-C: d']] });
      expect(act).toThrowError(expect.objectContaining({ info: { code: 'sip-header-malformed', name: 'X-A' } }));
    });

    it('names its two ends by tags that mirror each other', async () => {
      const { near, far } = await establish();
      expect(near.localTag).not.toBe('');
      expect(near.remoteTag).not.toBe('');
      expect([near.localTag, near.remoteTag]).toEqual([far.remoteTag, far.localTag]);
      await near.bye();
    });

    it('asks for an offer inside the dialog and brings our answer with the ACK', async (context) => {
      context.skip(!rig.caller.capabilities.lateOffer, 'no late offers');
      const { near, far } = await establish();
      const asked: Reoffer[] = [];
      const acks: (string | undefined)[] = [];
      far.onOffer((each) => asked.push(each));
      far.onAck((sdp) => acks.push(sdp));
      const outcome = near.offer();
      await rig.until(() => asked.length === 1);
      expect([asked[0]?.method, asked[0]?.sdp]).toEqual(['INVITE', undefined]);
      asked[0]?.accept(reoffer);
      const { status, sdp, answerWith } = await outcome;
      expect([status, sdp]).toEqual([200, reoffer]);
      expect(acks).toEqual([]);
      answerWith?.(answer);
      await rig.until(() => acks.length === 1);
      expect(acks).toEqual([answer]);
      await near.bye();
    });

    it('takes the next offer only after the one it asked for is answered', async (context) => {
      context.skip(!rig.caller.capabilities.lateOffer, 'no late offers');
      const { near, far } = await establish();
      far.onOffer((each) => each.accept(each.sdp === undefined ? reoffer : answer));
      const first = await near.offer();
      let second: number | undefined;
      const next = near.offer(offer).then(({ status }) => {
        second = status;
      });
      await Promise.resolve();
      expect(second).toBeUndefined();
      first.answerWith?.(answer);
      await next;
      expect(second).toBe(200);
      await near.bye();
    });

    it('has no invite and no dialog left after calls of every kind', async () => {
      const { call: refused } = place();
      (await nextCall()).reject(404);
      await refused.outcome;
      const { near } = await establish();
      await near.bye();
      const { call: given } = place();
      await nextCall();
      given.cancel();
      await given.outcome;
      await rig.until(() => dialogs() + invites() === 0);
    });

    it('ends what is left when the callee stops', async () => {
      const { nearEnds } = await establish();
      const { call } = place();
      await nextCall();
      await rig.callee.stop();
      const outcome = await call.outcome;
      expect(outcome.kind).not.toBe('answered');
      await rig.until(() => nearEnds.length === 1);
      expect(rig.callee.liveObjects()['dialog']).toBe(0);
      expect(rig.callee.liveObjects()['invite']).toBe(0);
    });

    earlyDialogCases({ rig: () => rig, place, nextCall, left: () => dialogs() + invites() });
  });
}
