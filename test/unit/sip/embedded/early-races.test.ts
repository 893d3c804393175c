import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import type { SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import type { DialogEnd, InboundCall, OutboundOutcome, Progress, Reoffer } from '../../../../src/sip/port.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack, until, uriOf } from '../../../support/sip-rigs.js';

const offer = 'v=0\r\ns=offer\r\n';
const answer = 'v=0\r\ns=answer\r\n';
const nothing = { transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 };

describe('what comes between INVITE and answer', () => {
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

  async function stop(): Promise<void> {
    const stopped = stack.stop();
    await clock.advanceAsync(2000);
    await stopped;
    expect(stack.liveObjects()).toEqual(nothing);
  }

  afterEach(async () => {
    await stop();
    await peer.close();
  });

  async function place(options: Partial<Parameters<EmbeddedSip['call']>[0]> = {}) {
    const call = stack.call({ requestUri: peer.uri, from: { uri: 'sip:+15550100@example.com' }, offer, ...options });
    const heard: Progress[] = [];
    const offers: Reoffer[] = [];
    const outcomes: OutboundOutcome[] = [];
    call.onProgress((progress) => heard.push(progress));
    call.onOffer((each) => offers.push(each));
    void call.outcome.then((outcome) => outcomes.push(outcome));
    return { call, heard, offers, outcomes, invite: await peer.nextRequest('INVITE') };
  }

  interface Said {
    readonly rseq?: number;
    readonly tag?: string;
    readonly body?: string;
  }

  function say(invite: SipRequestMessage, status: number, { rseq, tag = 'one', body }: Said = {}): void {
    const headers: [string, string][] =
      rseq === undefined
        ? []
        : [
            ['Require', '100rel'],
            ['RSeq', String(rseq)],
          ];
    peer.send(peer.response(invite, status, { tag, contact: `<${peer.uri}>`, headers, ...(body === undefined ? {} : { body }) }), port);
  }

  const grant = (request: SipRequestMessage): void => peer.send(peer.response(request, 200), port);

  async function answered(outcomes: readonly OutboundOutcome[]) {
    await until(() => outcomes.length === 1);
    const [outcome] = outcomes;
    if (outcome?.kind !== 'answered') throw new Error('not answered');
    return outcome;
  }

  it('answers a challenge of a PRACK, with its description once more and a number of its own', async () => {
    const { invite, offers, outcomes } = await place({ offer: undefined, credentials: { user: 'u', password: 'secret' } } as never);
    say(invite, 183, { rseq: 1, body: offer });
    await until(() => offers.length === 1);
    offers[0]?.accept(answer);
    const challenge: [string, string] = ['WWW-Authenticate', 'Digest realm="r", nonce="n1", qop="auth", algorithm=MD5'];
    peer.send(peer.response(await peer.nextRequest('PRACK'), 401, { headers: [challenge] }), port);
    const again = await peer.nextRequest('PRACK');
    expect([again.headers.get('RAck'), again.headers.get('CSeq'), again.body.toString()]).toEqual(['1 1 INVITE', '3 PRACK', answer]);
    expect(again.headers.get('Authorization')).toContain('nonce="n1"');
    grant(again);
    say(invite, 486);
    await until(() => outcomes.length === 1);
  });

  it.each([
    ['refused with 481', 481],
    ['never answered', undefined],
  ] as const)('goes on ringing when a PRACK is %s', async (_, status) => {
    const { invite, heard, outcomes } = await place();
    say(invite, 183, { rseq: 1, body: answer });
    const prack = await peer.nextRequest('PRACK');
    if (status === undefined) await clock.advanceAsync(32_000);
    else peer.send(peer.response(prack, status), port);
    say(invite, 180, { rseq: 2 });
    await until(() => heard.length === 2);
    say(invite, 200);
    const { dialog, sdp } = await answered(outcomes);
    expect(sdp).toBe(answer);
    void dialog.bye();
    grant(await peer.nextRequest('BYE'));
  });

  it('hands 199 and provisional responses nobody knows on, and waits for the answer', async () => {
    const { invite, heard, outcomes } = await place();
    say(invite, 180, { tag: 'gone' });
    say(invite, 199, { tag: 'gone' });
    say(invite, 170);
    await until(() => heard.length === 3);
    expect(heard.map(({ status, fork }) => [status, fork])).toEqual([
      [180, 'gone'],
      [199, 'gone'],
      [170, 'one'],
    ]);
    say(invite, 421, { tag: 'one' });
    await until(() => outcomes.length === 1);
    expect(outcomes).toMatchObject([{ kind: 'rejected', status: 421 }]);
  });

  it('acknowledges and ends a second fork that answers, with the numbers its PRACKs have used up', async () => {
    const { invite, outcomes } = await place();
    say(invite, 183, { rseq: 1, tag: 'one', body: answer });
    grant(await peer.nextRequest('PRACK'));
    for (const rseq of [50, 51]) {
      say(invite, 183, { rseq, tag: 'two' });
      grant(await peer.nextRequest('PRACK'));
    }
    say(invite, 200, { tag: 'one' });
    await peer.nextRequest('ACK');
    const { fork, dialog } = await answered(outcomes);
    expect(fork).toBe('one');
    await clock.advanceAsync(5000);
    say(invite, 200, { tag: 'two', body: answer });
    const ack = await peer.nextRequest('ACK');
    expect([ack.headers.get('CSeq'), ack.headers.get('To')]).toEqual(['1 ACK', expect.stringContaining('tag=two')]);
    const bye = await peer.nextRequest('BYE');
    expect(bye.headers.get('To')).toContain('tag=two');
    grant(bye);
    await until(() => stack.liveObjects()['dialog'] === 1);
    void dialog.bye();
    grant(await peer.nextRequest('BYE'));
  });

  it('acknowledges and ends an answer that crosses the CANCEL while a PRACK is under way', async () => {
    const { call, invite, outcomes } = await place();
    say(invite, 183, { rseq: 1, body: answer });
    const prack = await peer.nextRequest('PRACK');
    call.cancel();
    grant(await peer.nextRequest('CANCEL'));
    say(invite, 200);
    await peer.nextRequest('ACK');
    const bye = await peer.nextRequest('BYE');
    expect(bye.headers.get('CSeq')).toBe('3 BYE');
    grant(bye);
    grant(prack);
    await until(() => outcomes.length === 1);
    expect(outcomes).toMatchObject([{ kind: 'failed', why: 'cancelled' }]);
    await clock.advanceAsync(64_000);
    expect(stack.liveObjects()).toMatchObject({ transaction: 0, dialog: 0, invite: 0, sip_timer: 0 });
  });

  describe('when the stack stops', () => {
    it.each([
      ['an offer of a reliable response waits', 183, { rseq: 1, body: offer }],
      ['a PRACK is under way', 183, { rseq: 1 }],
      ['the offer of a 2xx waits', 200, { body: offer }],
    ] as const)('holds nothing of a call of ours for which %s', async (_, status, said) => {
      const { invite, offers, outcomes } = await place({ offer: undefined } as never);
      say(invite, status, said);
      await until(() => offers.length + outcomes.length + peer.countOf('PRACK') > 0);
      await stop();
      expect(outcomes).toHaveLength(1);
    });

    it.each(['a PRACK is missing', 'a 2xx is held back', 'an offer waits'])(
      'holds nothing of a call of the peer for which %s',
      async (what) => {
        const uri = uriOf(stack);
        const calls: InboundCall[] = [];
        stack.onCall((call) => calls.push(call));
        const facts = { callId: 'stopped', uri, headers: [['Supported', '100rel']] } as const;
        peer.send(peer.request({ ...facts, method: 'INVITE', body: offer }), port);
        await until(() => calls.length === 1);
        const [call] = calls;
        const ends: DialogEnd[] = [];
        call?.progress(183, { sdp: answer });
        const ringing = await peer.nextResponse(183);
        if (what === 'a 2xx is held back') call?.answer(answer).onEnd((end) => ends.push(end));
        if (what === 'an offer waits') {
          const offers: Reoffer[] = [];
          call?.onOffer((each) => offers.push(each));
          const toTag = /;tag=([^;]+)/.exec(ringing.headers.get('To') ?? '')?.[1] ?? '';
          const headers: [string, string][] = [['RAck', `${ringing.headers.get('RSeq')} 1 INVITE`]];
          peer.send(peer.request({ ...facts, method: 'PRACK', toTag, cseq: 2, headers, body: offer }), port);
          await until(() => offers.length === 1);
        }
        await stop();
        await until(() => peer.countOf(503) > 0);
        if (what === 'an offer waits') await until(() => peer.countOf(500) === 1);
        expect([ends.length, call?.cancelled.aborted]).toEqual(what === 'a 2xx is held back' ? [1, false] : [0, true]);
      },
    );
  });
});
