import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import { RawDialogRig } from '../../../support/raw-dialog.js';
import { until } from '../../../support/sip-rigs.js';

const ours = 'v=0\r\ns=ours\r\n';
const theirs = 'v=0\r\ns=theirs\r\n';
const half = { expiresSeconds: 600, minSeconds: 90 };
const timer = [
  ['Supported', 'timer'],
  ['Session-Expires', '600'],
  ['Allow', 'INVITE, ACK, BYE, CANCEL, UPDATE'],
] as const;

describe('the session timer of a call from the peer', () => {
  let rig: RawDialogRig;

  beforeEach(async () => {
    rig = await RawDialogRig.open({ sessionTimer: half });
  });

  afterEach(() => rig.close());

  it('is agreed in the 2xx, and left to the caller that asked for it', async () => {
    const { ok } = await rig.called({ headers: timer });
    expect(ok.headers.get('Session-Expires')).toBe('600;refresher=uac');
    expect(ok.headers.get('Require')).toBe('timer');
  });

  it('is ours to do when the caller says so, and then it requires nothing', async () => {
    const { ok } = await rig.called({
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', '600;refresher=uas'],
      ],
    });
    expect(ok.headers.get('Session-Expires')).toBe('600;refresher=uas');
    expect(ok.headers.has('Require')).toBe(false);
  });

  it('is not there for a caller without it, nor where the call is to have none', async () => {
    const plain = await rig.called();
    expect(plain.ok.headers.has('Session-Expires')).toBe(false);
    const off = await rig.called({ headers: timer, answer: { sessionTimer: 'off' } });
    expect(off.ok.headers.has('Session-Expires')).toBe(false);
    await rig.pass(4 * 3600_000);
    expect([...plain.ends, ...off.ends]).toEqual([]);
    expect(rig.peer.countOf('BYE')).toBe(0);
  });

  it('is refused with 422 and the least we take when it is too short', async () => {
    const { peer, port } = rig;
    let calls = 0;
    rig.stack.onCall(() => {
      calls += 1;
    });
    const short = [
      ['Supported', 'timer'],
      ['Session-Expires', '60'],
    ] as const;
    peer.send(peer.request({ method: 'INVITE', uri: `sip:b@127.0.0.1:${port}`, headers: short, body: theirs }), port);
    const refusal = await peer.nextResponse(422);
    expect(refusal.headers.get('Min-SE')).toBe('90');
    expect(calls).toBe(0);
  });

  it('refuses one nobody can read with 400', async () => {
    const { peer, port } = rig;
    rig.stack.onCall((call) => call.reject(486));
    const bad = [
      ['Supported', 'timer'],
      ['Session-Expires', 'soon'],
    ] as const;
    peer.send(peer.request({ method: 'INVITE', uri: `sip:b@127.0.0.1:${port}`, headers: bad, body: theirs }), port);
    await peer.nextResponse(400);
  });

  it('ends the call by BYE 32 s before the interval is over when no refresh comes, and not a moment sooner', async () => {
    const { ends } = await rig.called({ headers: timer });
    await rig.pass(567_999);
    expect(ends).toEqual([]);
    await rig.pass(1);
    expect(ends).toEqual([{ by: 'session-timer' }]);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('BYE'), 200), rig.port);
    await until(() => rig.stack.liveObjects()['dialog'] === 0);
  });

  it('starts over with each re-INVITE and UPDATE of the peer', async () => {
    const call = await rig.called({ headers: timer });
    await rig.pass(500_000);
    call.send('UPDATE', { headers: [...timer.slice(0, 1), ['Session-Expires', '600;refresher=uac']] });
    const ok = await rig.peer.nextResponse(200);
    expect(ok.headers.get('Session-Expires')).toBe('600;refresher=uac');
    expect(ok.headers.get('Contact')).toMatch(/^<sip:gateway@/);
    await rig.pass(500_000);
    call.send('INVITE', { headers: timer, body: theirs });
    await until(() => call.offers.length === 1);
    call.offers[0]?.accept(ours);
    expect((await rig.peer.nextResponse(200)).headers.get('Session-Expires')).toBe('600;refresher=uac');
    call.send('ACK', { cseq: 3 });
    await until(() => call.acks.length === 2);
    await rig.pass(567_999);
    expect(call.ends).toEqual([]);
    await rig.pass(1);
    expect(call.ends).toEqual([{ by: 'session-timer' }]);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('BYE'), 200), rig.port);
  });

  it('changes hands when a later request of the peer says so', async () => {
    const call = await rig.called({ headers: timer });
    call.send('UPDATE', {
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', '600;refresher=uas'],
      ],
    });
    expect((await rig.peer.nextResponse(200)).headers.get('Session-Expires')).toBe('600;refresher=uas');
    await rig.pass(300_000);
    const update = await rig.peer.nextRequest('UPDATE');
    expect(update.headers.get('Session-Expires')).toBe('600;refresher=uac');
    rig.peer.send(
      rig.peer.response(update, 200, {
        headers: [
          ['Session-Expires', '600;refresher=uac'],
          ['Require', 'timer'],
        ],
      }),
      rig.port,
    );
    expect(call.ends).toEqual([]);
  });

  it('refuses a refresh that would shorten it too far with 422, and goes on as it was', async () => {
    const call = await rig.called({ headers: timer });
    call.send('UPDATE', {
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', '80;refresher=uac'],
      ],
    });
    expect((await rig.peer.nextResponse(422)).headers.get('Min-SE')).toBe('90');
    await rig.pass(567_999);
    expect(call.ends).toEqual([]);
  });

  it('is forgotten with the dialog', async () => {
    const call = await rig.called({ headers: timer });
    call.send('BYE');
    await rig.peer.nextResponse(200);
    expect(call.ends).toMatchObject([{ by: 'remote' }]);
    await rig.pass(3_600_000);
    expect(rig.stack.liveObjects()).toMatchObject({ dialog: 0, sip_timer: 0, transaction: 0 });
    expect(rig.peer.countOf('BYE')).toBe(0);
  });
});

describe('a session timer that is ours to keep', () => {
  let rig: RawDialogRig;
  const asked = {
    headers: [
      ['Supported', 'timer'],
      ['Session-Expires', '600;refresher=uas'],
      ['Allow', 'INVITE, ACK, BYE'],
    ] as const,
  };
  const kept = [['Session-Expires', '600;refresher=uac']] as const;

  beforeEach(async () => {
    rig = await RawDialogRig.open({ sessionTimer: half });
  });

  afterEach(() => rig.close());

  const answered = (request: SipRequestMessage, status: number, options: Parameters<typeof rig.peer.response>[2] = {}): void =>
    rig.peer.send(rig.peer.response(request, status, options), rig.port);

  it('is refreshed at half time by the same offer again where UPDATE is not allowed', async () => {
    const call = await rig.called(asked);
    await rig.pass(299_999);
    expect(rig.peer.countOf('INVITE')).toBe(0);
    await rig.pass(1);
    const invite = await rig.peer.nextRequest('INVITE');
    expect(invite.body.toString()).toBe(ours);
    expect(invite.headers.get('Session-Expires')).toBe('600;refresher=uac');
    expect(invite.headers.get('Min-SE')).toBe('90');
    rig.peer.send(rig.peer.response(invite, 200, { body: theirs, headers: kept }), rig.port);
    await rig.peer.nextRequest('ACK');
    await rig.pass(300_000);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('INVITE'), 200, { body: theirs, headers: kept }), rig.port);
    await rig.peer.nextRequest('ACK');
    expect(call.ends).toEqual([]);
    expect(call.offers).toEqual([]);
  });

  it('repeats what was agreed last, and nothing that was refused', async () => {
    const call = await rig.called(asked);
    const held = call.dialog.offer('v=0\r\ns=held\r\n');
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('INVITE'), 200, { body: theirs, headers: kept }), rig.port);
    expect(await held).toEqual({ status: 200, sdp: theirs });
    const refused = call.dialog.offer('v=0\r\ns=refused\r\n');
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('INVITE'), 488), rig.port);
    expect(await refused).toEqual({ status: 488 });
    await rig.pass(300_000);
    expect((await rig.peer.nextRequest('INVITE')).body.toString()).toBe('v=0\r\ns=held\r\n');
  });

  it('falls back to the same offer when an UPDATE that Allow named is refused as unknown', async () => {
    await rig.called({ headers: [...asked.headers.slice(0, 2), ['Allow', 'INVITE, UPDATE']] });
    await rig.pass(300_000);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('UPDATE'), 405), rig.port);
    const invite = await rig.peer.nextRequest('INVITE');
    expect(invite.body.toString()).toBe(ours);
    expect(invite.headers.get('CSeq')).toBe('2 INVITE');
  });

  it('survives refusals until it expires, trying again at half of what is left', async () => {
    const call = await rig.called(asked);
    await rig.pass(300_000);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('INVITE'), 503), rig.port);
    await until(() => rig.peer.countOf('ACK') === 1);
    await rig.pass(133_999);
    expect(rig.peer.countOf('INVITE')).toBe(1);
    await rig.pass(1);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('INVITE'), 200, { body: theirs, headers: kept }), rig.port);
    await until(() => rig.peer.countOf('ACK') === 2);
    await rig.pass(299_000);
    expect(call.ends).toEqual([]);
  });

  it('ends by BYE at its time when every refresh is refused', async () => {
    const call = await rig.called(asked);
    let refusing = true;
    const refuse = async (): Promise<void> => {
      while (refusing) {
        const at = rig.peer.inbox.findIndex((each) => each.kind === 'request' && each.method === 'INVITE');
        const [found] = at < 0 ? [] : rig.peer.inbox.splice(at, 1);
        if (found?.kind === 'request') rig.peer.send(rig.peer.response(found, 503), rig.port);
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    };
    const refusals = refuse();
    for (let second = 0; second < 567; second += 1) {
      await rig.pass(1000);
      await until(() => rig.stack.liveObjects()['transaction'] === 0 || rig.peer.countOf('ACK') >= rig.peer.countOf('INVITE'));
    }
    refusing = false;
    await refusals;
    expect(call.ends).toEqual([]);
    expect(rig.peer.countOf('INVITE')).toBeGreaterThan(3);
    await rig.pass(1000);
    expect(call.ends).toEqual([{ by: 'session-timer' }]);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('BYE'), 200), rig.port);
  });

  it.each([408, 481])('ends when a refresh is answered %i', async (status) => {
    const call = await rig.called(asked);
    await rig.pass(300_000);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('INVITE'), status), rig.port);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('BYE'), 481), rig.port);
    await until(() => call.ends.length === 1);
    expect(call.ends).toEqual([{ by: 'dialog-gone' }]);
  });

  it('ends when a refresh is not answered at all', async () => {
    const call = await rig.called({ headers: [...asked.headers.slice(0, 2), ['Allow', 'UPDATE']] });
    await rig.pass(300_000);
    await rig.peer.nextRequest('UPDATE');
    await rig.pass(31_999);
    expect(call.ends).toEqual([]);
    await rig.pass(1);
    expect(call.ends).toEqual([{ by: 'dialog-gone' }]);
  });

  it('is not sent at all when an offer that goes out anyway has refreshed it', async () => {
    const call = await rig.called(asked);
    await rig.pass(299_000);
    const offer = call.dialog.offer('v=0\r\ns=held\r\n');
    const invite = await rig.peer.nextRequest('INVITE');
    await rig.pass(1000);
    rig.peer.send(rig.peer.response(invite, 200, { body: theirs, headers: kept }), rig.port);
    await offer;
    await rig.pass(298_999);
    const numbers = rig.peer.history
      .filter((each) => each.kind === 'request' && each.method === 'INVITE')
      .map((each) => each.headers.get('CSeq'));
    expect(new Set(numbers)).toEqual(new Set(['1 INVITE']));
  });

  it('waits after glare as any INVITE does, and is not sent again when the peer has refreshed meanwhile', async () => {
    const call = await rig.called(asked);
    await rig.pass(300_000);
    answered(await rig.peer.nextRequest('INVITE'), 491);
    await until(() => rig.peer.countOf('ACK') === 1);
    await rig.pass(999);
    expect(rig.peer.countOf('INVITE')).toBe(1);
    await rig.pass(1);
    answered(await rig.peer.nextRequest('INVITE'), 491);
    await until(() => rig.peer.countOf('ACK') === 2);
    call.send('UPDATE', {
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', '600;refresher=uas'],
      ],
    });
    await rig.peer.nextResponse(200);
    await rig.pass(299_999);
    expect(rig.peer.countOf('INVITE')).toBe(2);
    await rig.pass(1);
    answered(await rig.peer.nextRequest('INVITE'), 200, { body: theirs, headers: kept });
    await rig.peer.nextRequest('ACK');
    expect(call.ends).toEqual([]);
  });

  it('keeps a call held for a quarter of an hour with the timer every call has, and lets it be resumed', async () => {
    await rig.close();
    rig = await RawDialogRig.open();
    const call = await rig.called({
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', '1800;refresher=uas'],
        ['Allow', 'INVITE'],
      ],
    });
    const lasting = { body: theirs, headers: [['Session-Expires', '1800;refresher=uac']] as const };
    const hold = call.dialog.offer('v=0\r\na=sendonly\r\n');
    answered(await rig.peer.nextRequest('INVITE'), 200, lasting);
    expect((await hold).status).toBe(200);
    await rig.pass(899_999);
    expect(rig.peer.countOf('INVITE')).toBe(1);
    await rig.pass(1);
    const refresh = await rig.peer.nextRequest('INVITE');
    expect(refresh.body.toString()).toBe('v=0\r\na=sendonly\r\n');
    answered(refresh, 200, lasting);
    await until(() => rig.peer.countOf('ACK') === 2);
    const resume = call.dialog.offer(ours);
    answered(await rig.peer.nextRequest('INVITE'), 200, lasting);
    expect(await resume).toEqual({ status: 200, sdp: theirs });
    expect(call.ends).toEqual([]);
    expect(call.offers).toEqual([]);
  });

  it('asks for more after a 422, and keeps to it', async () => {
    await rig.called(asked);
    await rig.pass(300_000);
    const first = await rig.peer.nextRequest('INVITE');
    rig.peer.send(rig.peer.response(first, 422, { headers: [['Min-SE', '900']] }), rig.port);
    await until(() => rig.peer.countOf('ACK') === 1);
    await rig.pass(0);
    const second = await rig.peer.nextRequest('INVITE');
    expect([second.headers.get('Session-Expires'), second.headers.get('Min-SE')]).toEqual(['900;refresher=uac', '900']);
    expect(second.headers.get('Call-ID')).toBe(first.headers.get('Call-ID'));
    expect(second.headers.get('CSeq')).toBe('2 INVITE');
    rig.peer.send(rig.peer.response(second, 200, { body: theirs, headers: [['Session-Expires', '900;refresher=uac']] }), rig.port);
    await rig.peer.nextRequest('ACK');
    await rig.pass(450_000);
    const third = await rig.peer.nextRequest('INVITE');
    expect(third.headers.get('Session-Expires')).toBe('900;refresher=uac');
  });

  it('is over when the answer to a refresh names no interval any more', async () => {
    const call = await rig.called(asked);
    await rig.pass(300_000);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('INVITE'), 200, { body: theirs }), rig.port);
    await rig.peer.nextRequest('ACK');
    await rig.pass(3 * 3600_000);
    expect(call.ends).toEqual([]);
    expect(rig.peer.countOf('INVITE')).toBe(1);
    const offer = call.dialog.offer('v=0\r\n');
    expect((await rig.peer.nextRequest('INVITE')).headers.has('Session-Expires')).toBe(false);
    rig.peer.send(rig.peer.response(rig.peer.history.at(-1) as SipRequestMessage, 200, { body: theirs }), rig.port);
    expect(await offer).toEqual({ status: 200, sdp: theirs });
  });

  it('keeps a call of six hours up, with a hold of a quarter of an hour in it that stays held', async () => {
    const call = await rig.called(asked);
    const refreshed: string[] = [];
    const answerNext = async (): Promise<void> => {
      const invite = await rig.peer.nextRequest('INVITE');
      refreshed.push(invite.body.toString());
      rig.peer.send(rig.peer.response(invite, 200, { body: theirs, headers: kept }), rig.port);
      await rig.peer.nextRequest('ACK');
    };
    for (let i = 0; i < 35; i += 1) {
      await rig.pass(300_000);
      await answerNext();
    }
    const hold = call.dialog.offer('v=0\r\ns=held\r\n');
    await answerNext();
    expect((await hold).status).toBe(200);
    for (let i = 0; i < 3; i += 1) {
      await rig.pass(300_000);
      await answerNext();
    }
    const resume = call.dialog.offer(ours);
    await answerNext();
    expect((await resume).status).toBe(200);
    for (let i = 0; i < 34; i += 1) {
      await rig.pass(300_000);
      await answerNext();
    }
    expect(rig.clock.nowMs()).toBe(6 * 3600_000);
    const held = 'v=0\r\ns=held\r\n';
    expect(refreshed).toEqual([...Array(35).fill(ours), held, held, held, held, ...Array(35).fill(ours)]);
    expect(call.ends).toEqual([]);
    const bye = call.dialog.bye();
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('BYE'), 200), rig.port);
    await bye;
  });
});

describe('the session timer of a call to the peer', () => {
  let rig: RawDialogRig;

  beforeEach(async () => {
    rig = await RawDialogRig.open({ sessionTimer: { expiresSeconds: 600, minSeconds: 120 } });
  });

  afterEach(() => rig.close());

  const refreshed = async (): Promise<SipRequestMessage> => {
    const update = await rig.peer.nextRequest('UPDATE');
    rig.peer.send(rig.peer.response(update, 200, { headers: [['Session-Expires', '600;refresher=uac']] }), rig.port);
    await rig.pass(0);
    return update;
  };

  it('is asked for without naming who refreshes', async () => {
    const { invite } = await rig.calling();
    expect(invite.headers.get('Session-Expires')).toBe('600');
    expect(invite.headers.get('Min-SE')).toBe('120');
    expect(invite.headers.all('Supported').join(',')).toContain('timer');
  });

  it('is not there when the answer does not name it: the peer knows no timers', async () => {
    const { ends } = await rig.calling();
    await rig.pass(6 * 3600_000);
    expect(ends).toEqual([]);
    expect(rig.peer.countOf('UPDATE') + rig.peer.countOf('INVITE')).toBe(1);
  });

  it('is not spoken of in a call that is to have none, whatever the answer says', async () => {
    const { invite, ends } = await rig.calling({ sessionTimer: 'off' }, { headers: [['Session-Expires', '90;refresher=uas']] });
    for (const name of ['Session-Expires', 'Min-SE']) expect(invite.headers.has(name)).toBe(false);
    expect(invite.headers.all('Supported').join(',')).not.toContain('timer');
    await rig.pass(3600_000);
    expect(ends).toEqual([]);
  });

  it('follows a 422 with a new INVITE of the same call that asks for as much', async () => {
    const call = await rig.calling({}, { headers: [['Session-Expires', '3600;refresher=uac']] }, async (first) => {
      rig.peer.send(rig.peer.response(first, 422, { tag: 'x', headers: [['Min-SE', '3600']] }), rig.port);
      const second = await rig.peer.nextRequest('INVITE');
      expect([second.headers.get('Session-Expires'), second.headers.get('Min-SE')]).toEqual(['3600', '3600']);
      expect(second.headers.get('CSeq')).toBe('2 INVITE');
      for (const name of ['Call-ID', 'From', 'To']) expect(second.headers.get(name)).toBe(first.headers.get(name));
      return second;
    });
    await rig.pass(1_799_999);
    expect(rig.peer.countOf('INVITE')).toBe(2);
    await rig.pass(1);
    expect((await rig.peer.nextRequest('INVITE')).headers.get('Min-SE')).toBe('3600');
    expect(call.ends).toEqual([]);
  });

  it.each<[string, readonly (readonly [string, string])[]]>([
    ['names no least', []],
    ['names no more than was asked for', [['Min-SE', '120']]],
  ])('takes a 422 that %s for the refusal it is', async (_, headers) => {
    const call = rig.stack.call({ requestUri: rig.peer.uri, from: { uri: 'sip:a@b.example' }, offer: ours });
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('INVITE'), 422, { tag: 'x', headers }), rig.port);
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 422 });
  });

  it('is refreshed by UPDATE without a session description where the peer takes it', async () => {
    const { ends } = await rig.calling(
      {},
      {
        headers: [
          ['Session-Expires', '600;refresher=uac'],
          ['Allow', 'INVITE, UPDATE'],
        ],
      },
    );
    for (let i = 0; i < 24; i += 1) {
      await rig.pass(300_000);
      const update = await refreshed();
      expect(update.body).toHaveLength(0);
      expect(update.headers.get('Session-Expires')).toBe('600;refresher=uac');
      expect(update.headers.get('Contact')).toMatch(/^<sip:gateway@/);
      expect(update.headers.all('Supported').join(',')).toContain('timer');
    }
    expect(rig.clock.nowMs()).toBe(2 * 3600_000);
    expect(rig.peer.countOf('INVITE')).toBe(1);
    expect(ends).toEqual([]);
  });

  it('waits for the peer where the answer names it, and gives up when it does not come', async () => {
    const call = await rig.calling({}, { headers: [['Session-Expires', '600;refresher=uas']] });
    await rig.pass(400_000);
    call.send('UPDATE', {
      headers: [
        ['Supported', 'timer'],
        ['Session-Expires', '600;refresher=uac'],
      ],
    });
    await rig.peer.nextResponse(200);
    await rig.pass(567_999);
    expect(call.ends).toEqual([]);
    await rig.pass(1);
    expect(call.ends).toEqual([{ by: 'session-timer' }]);
    expect(rig.peer.countOf('UPDATE')).toBe(0);
    rig.peer.send(rig.peer.response(await rig.peer.nextRequest('BYE'), 200), rig.port);
  });
});
