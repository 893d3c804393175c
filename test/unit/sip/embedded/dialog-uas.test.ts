import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import type { SipRequestMessage, SipResponseMessage } from '../../../../src/sip/embedded/message.js';
import type { DialogEnd, InboundCall, SipDialog } from '../../../../src/sip/port.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack, until, uriOf } from '../../../support/sip-rigs.js';

const offer = 'v=0\r\n';
const tagOf = (message: SipResponseMessage): string => /;tag=([^;]+)/.exec(message.headers.get('To') ?? '')?.[1] ?? '';

describe('an INVITE that reaches the stack', () => {
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
    await peer.close();
  });

  async function arrive(
    facts: Partial<Parameters<RawSipPeer['request']>[0]> = {},
  ): Promise<{ invite: SipRequestMessage; call: InboundCall }> {
    const before = calls.length;
    const invite = peer.request({ method: 'INVITE', uri, body: offer, ...facts });
    peer.send(invite, port);
    await until(() => calls.length > before);
    const call = calls.at(-1);
    if (call === undefined) throw new Error('no call');
    return { invite, call };
  }

  /** A call answered and acknowledged; `next` makes requests of the peer inside its dialog. */
  async function confirmed(): Promise<{
    dialog: SipDialog;
    ends: DialogEnd[];
    next: (method: string, cseq: number, more?: Partial<Parameters<RawSipPeer['request']>[0]>) => SipRequestMessage;
  }> {
    const { invite, call } = await arrive({ callId: 'dialog' });
    const dialog = call.answer(offer);
    const ends: DialogEnd[] = [];
    let acknowledged = false;
    dialog.onEnd((end) => ends.push(end));
    dialog.onAck(() => {
      acknowledged = true;
    });
    const toTag = tagOf(await peer.nextResponse(200));
    const next = (method: string, cseq: number, more: object = {}): SipRequestMessage =>
      peer.request({ method, uri, callId: 'dialog', toTag, cseq, ...more });
    peer.send(next('ACK', 1), port);
    await until(() => acknowledged);
    expect(invite.headers.get('Call-ID')).toBe('dialog');
    return { dialog, ends, next };
  }

  const answered = async (request: SipRequestMessage, status: number): Promise<SipResponseMessage> => {
    peer.send(request, port);
    return await peer.nextResponse(status);
  };

  it('gets 100 at once and one To tag in all further responses', async () => {
    const { call } = await arrive();
    await peer.nextResponse(100);
    call.progress(180);
    call.progress(183, { sdp: offer });
    call.answer(offer);
    const tags = [await peer.nextResponse(180), await peer.nextResponse(183), await peer.nextResponse(200)].map(tagOf);
    expect(new Set(tags).size).toBe(1);
    expect(tags[0]).not.toBe('');
  });

  it('is answered on the port it came from, with rport and received filled in', async () => {
    const invite = peer.request({ method: 'OPTIONS', uri });
    invite.headers.set('Via', 'SIP/2.0/UDP 10.9.9.9:5555;rport;branch=z9hG4bKnat');
    const response = await answered(invite, 200);
    expect(response.headers.get('Via')).toBe(`SIP/2.0/UDP 10.9.9.9:5555;rport=${peer.port};branch=z9hG4bKnat;received=127.0.0.1`);
  });

  it('keeps the rest of a Via list as it is', async () => {
    const invite = peer.request({ method: 'OPTIONS', uri });
    invite.headers.set('Via', 'SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK1, SIP/2.0/TCP 10.8.8.8;branch=z9hG4bK2');
    invite.headers.prepend('Via', 'SIP/2.0/UDP 10.7.7.7;branch=z9hG4bK0');
    const response = await answered(invite, 200);
    expect(response.headers.all('Via')).toEqual([
      'SIP/2.0/UDP 10.7.7.7;branch=z9hG4bK0;received=127.0.0.1',
      'SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK1, SIP/2.0/TCP 10.8.8.8;branch=z9hG4bK2',
    ]);
  });

  it('has its 200 sent again after T1, doubling up to T2, until the ACK', async () => {
    const { call, invite } = await arrive();
    const acks: (string | undefined)[] = [];
    call.answer(offer).onAck((sdp) => acks.push(sdp));
    const toTag = tagOf(await peer.nextResponse(200));
    for (const [ms, sent] of [
      [499, 1],
      [1, 2],
      [999, 2],
      [1, 3],
      [2000, 4],
      [4000, 5],
      [4000, 6],
    ] as const) {
      clock.advance(ms);
      await until(() => peer.countOf(200) >= sent);
      expect(peer.countOf(200)).toBe(sent);
    }
    peer.send(peer.request({ method: 'ACK', uri, callId: invite.headers.get('Call-ID') ?? '', toTag }), port);
    await until(() => acks.length === 1);
    clock.advance(20_000);
    await answered(peer.request({ method: 'MESSAGE', uri }), 405);
    expect(peer.countOf(200)).toBe(6);
  });

  it('ends with ack-timeout and a BYE when no ACK comes within 64*T1', async () => {
    const { call } = await arrive();
    const ends: DialogEnd[] = [];
    call.answer(offer).onEnd((end) => ends.push(end));
    await peer.nextResponse(200);
    clock.advance(31_999);
    expect(ends).toEqual([]);
    clock.advance(1);
    expect(ends).toEqual([{ by: 'ack-timeout' }]);
    const bye = await peer.nextRequest('BYE');
    peer.send(peer.response(bye, 200), port);
    await until(() => stack.liveObjects()['dialog'] === 0);
  });

  it('is hung up only after the ACK when the one called hangs up before it', async () => {
    const { call, invite } = await arrive();
    const dialog = call.answer(offer);
    const toTag = tagOf(await peer.nextResponse(200));
    let done = false;
    void dialog.bye().then(() => {
      done = true;
    });
    await clock.advanceAsync(600);
    expect(peer.countOf('BYE')).toBe(0);
    peer.send(peer.request({ method: 'ACK', uri, callId: invite.headers.get('Call-ID') ?? '', toTag }), port);
    const bye = await peer.nextRequest('BYE');
    expect(done).toBe(false);
    peer.send(peer.response(bye, 200), port);
    await until(() => done);
  });

  it('gives a late answer from the ACK', async () => {
    const { call, invite } = await arrive({ body: '' });
    const answers: (string | undefined)[] = [];
    call.answer(offer).onAck((sdp) => answers.push(sdp));
    const toTag = tagOf(await peer.nextResponse(200));
    peer.send(peer.request({ method: 'ACK', uri, callId: invite.headers.get('Call-ID') ?? '', toTag, body: 'v=0\r\na=late\r\n' }), port);
    await until(() => answers.length === 1);
    expect(answers).toEqual(['v=0\r\na=late\r\n']);
  });

  it('is ended by CANCEL: 200 for the CANCEL, 487 for the INVITE, both with one To tag', async () => {
    const { call } = await arrive({ branch: 'z9hG4bKcancel', callId: 'c' });
    call.progress(180);
    const ok = await answered(peer.request({ method: 'CANCEL', uri, branch: 'z9hG4bKcancel', callId: 'c' }), 200);
    const terminated = await peer.nextResponse(487);
    expect(tagOf(ok)).toBe(tagOf(terminated));
    expect(call.cancelled.aborted).toBe(true);
    expect(stack.liveObjects()['invite']).toBe(0);
  });

  it('stays answered when the CANCEL comes after the 200', async () => {
    const { call } = await arrive({ branch: 'z9hG4bKlate', callId: 'c' });
    call.answer(offer);
    await peer.nextResponse(200);
    const ok = await answered(peer.request({ method: 'CANCEL', uri, branch: 'z9hG4bKlate', callId: 'c' }), 200);
    expect(ok.headers.get('CSeq')).toBe('1 CANCEL');
    expect(call.cancelled.aborted).toBe(false);
    expect(peer.countOf(487)).toBe(0);
  });

  it('is ended by a BYE of the caller in the early dialog', async () => {
    const { call } = await arrive({ callId: 'early' });
    call.progress(180);
    const toTag = tagOf(await peer.nextResponse(180));
    await answered(peer.request({ method: 'BYE', uri, callId: 'early', toTag, cseq: 2 }), 200);
    await peer.nextResponse(487);
    expect(call.cancelled.aborted).toBe(true);
  });

  it('copies Record-Route into its responses and sends later requests by that route', async () => {
    const { call } = await arrive({
      contact: '<sip:far@198.51.100.7>',
      headers: [['Record-Route', `<sip:127.0.0.1:${peer.port};lr>, <sip:two.example.com;lr>`]],
      callId: 'routed',
    });
    const dialog = call.answer(offer);
    const ok = await peer.nextResponse(200);
    expect(ok.headers.all('Record-Route')).toEqual([`<sip:127.0.0.1:${peer.port};lr>, <sip:two.example.com;lr>`]);
    peer.send(peer.request({ method: 'ACK', uri, callId: 'routed', toTag: tagOf(ok) }), port);
    void dialog.bye();
    const bye = await peer.nextRequest('BYE');
    expect(bye.requestUri).toBe('sip:far@198.51.100.7');
    expect(bye.headers.all('Route')).toEqual([`<sip:127.0.0.1:${peer.port};lr>`, '<sip:two.example.com;lr>']);
    peer.send(peer.response(bye, 200), port);
  });

  it('puts a strict first route into the Request-URI and the target last', async () => {
    const { call } = await arrive({
      contact: '<sip:far@198.51.100.7>',
      headers: [['Record-Route', `<sip:127.0.0.1:${peer.port}>, <sip:two.example.com;lr>`]],
      callId: 'strict',
    });
    const dialog = call.answer(offer);
    peer.send(peer.request({ method: 'ACK', uri, callId: 'strict', toTag: tagOf(await peer.nextResponse(200)) }), port);
    void dialog.bye();
    const bye = await peer.nextRequest('BYE');
    expect(bye.requestUri).toBe(`sip:127.0.0.1:${peer.port}`);
    expect(bye.headers.all('Route')).toEqual(['<sip:two.example.com;lr>', '<sip:far@198.51.100.7>']);
    peer.send(peer.response(bye, 200), port);
  });

  it('follows the Contact of a re-INVITE', async () => {
    const { dialog, next } = await confirmed();
    dialog.onOffer((each) => each.accept(offer));
    const elsewhere = await RawSipPeer.open();
    peer.send(next('INVITE', 2, { contact: `<${elsewhere.uri}>`, body: offer }), port);
    await peer.nextResponse(200);
    peer.send(next('ACK', 2), port);
    void dialog.bye();
    const bye = await elsewhere.nextRequest('BYE');
    elsewhere.send(elsewhere.response(bye, 200), port);
    await until(() => stack.liveObjects()['dialog'] === 0);
    await elsewhere.close();
  });

  it('refuses a lower CSeq with 500', async () => {
    const { dialog, next } = await confirmed();
    dialog.onRequest((request) => request.respond(200));
    await answered(next('INFO', 5), 200);
    await answered(next('INFO', 4), 500);
    await answered(next('INFO', 6), 200);
  });

  it('refuses a second INVITE while the first is unanswered with 500 and Retry-After', async () => {
    const { dialog, next } = await confirmed();
    dialog.onOffer(() => {});
    peer.send(next('INVITE', 2, { body: offer }), port);
    await peer.nextResponse(100);
    const refused = await answered(next('INVITE', 3, { body: offer }), 500);
    expect(refused.headers.get('Retry-After')).toBe('5');
  });

  it('refuses an INVITE that crosses its own with 491, and tries again after 0 to 2 s as the one called', async () => {
    const { dialog, next } = await confirmed();
    dialog.onOffer((each) => each.accept(offer));
    const result = dialog.offer(offer);
    const ours = await peer.nextRequest('INVITE');
    await answered(next('INVITE', 2, { body: offer }), 491);
    peer.send(peer.response(ours, 491), port);
    await peer.nextRequest('ACK');
    await clock.advanceAsync(999);
    expect(peer.countOf('INVITE')).toBe(1);
    await clock.advanceAsync(1);
    const again = await peer.nextRequest('INVITE');
    expect(again.headers.get('CSeq')).toBe('2 INVITE');
    peer.send(peer.response(again, 200, { contact: `<${peer.uri}>`, body: offer }), port);
    await peer.nextRequest('ACK');
    expect(await result).toEqual({ status: 200, sdp: offer });
  });

  it('ends when a request in the dialog gets 481, and says BYE', async () => {
    const { dialog, ends } = await confirmed();
    const response = dialog.request('INFO');
    peer.send(peer.response(await peer.nextRequest('INFO'), 481), port);
    expect((await response).status).toBe(481);
    expect(ends).toEqual([{ by: 'dialog-gone' }]);
    peer.send(peer.response(await peer.nextRequest('BYE'), 481), port);
    await until(() => stack.liveObjects()['dialog'] === 0);
  });

  it('ends when a request in the dialog is never answered', async () => {
    const { dialog, ends } = await confirmed();
    const response = dialog.request('INFO').catch((error: unknown) => error);
    await peer.nextRequest('INFO');
    await clock.advanceAsync(32_000);
    expect(await response).toMatchObject({ info: { code: 'sip-request-failed', why: 'timeout' } });
    expect(ends).toEqual([{ by: 'dialog-gone' }]);
  });

  it('keeps the dialog when a request in it is refused for any other reason', async () => {
    const { dialog, ends } = await confirmed();
    const response = dialog.request('INFO');
    peer.send(peer.response(await peer.nextRequest('INFO'), 415), port);
    expect((await response).status).toBe(415);
    expect(ends).toEqual([]);
  });

  it('resolves a BYE that is never answered after 64*T1 and holds nothing then', async () => {
    const { dialog } = await confirmed();
    let done = false;
    void dialog.bye().then(() => {
      done = true;
    });
    await peer.nextRequest('BYE');
    await clock.advanceAsync(31_999);
    expect(done).toBe(false);
    await clock.advanceAsync(1);
    expect(done).toBe(true);
    expect(stack.liveObjects()).toMatchObject({ dialog: 0, invite: 0 });
  });

  it('answers a BYE that crosses its own with 200', async () => {
    const { dialog, next } = await confirmed();
    const done = dialog.bye();
    const ours = await peer.nextRequest('BYE');
    await answered(next('BYE', 2), 200);
    peer.send(peer.response(ours, 200), port);
    await done;
  });

  it('answers a repeated BYE with the same 200, and a new one with 481', async () => {
    const { next, ends } = await confirmed();
    const bye = next('BYE', 2);
    await answered(bye, 200);
    await answered(bye, 200);
    await answered(next('BYE', 3), 481);
    expect(ends).toHaveLength(1);
  });

  it('gives up an unanswered re-INVITE of the peer with 487 when the dialog ends', async () => {
    const { dialog, next } = await confirmed();
    let accept: (() => void) | undefined;
    dialog.onOffer((each) => {
      accept = () => each.accept(offer);
    });
    peer.send(next('INVITE', 2, { body: offer }), port);
    await until(() => accept !== undefined);
    await answered(next('BYE', 3), 200);
    await peer.nextResponse(487);
    accept?.();
    expect(peer.countOf(487)).toBe(1);
  });

  it('ends a re-INVITE by CANCEL and keeps the dialog', async () => {
    const { dialog, next, ends } = await confirmed();
    dialog.onOffer(() => {});
    peer.send(next('INVITE', 2, { body: offer, branch: 'z9hG4bKre' }), port);
    await peer.nextResponse(100);
    await answered(next('CANCEL', 2, { branch: 'z9hG4bKre' }), 200);
    await peer.nextResponse(487);
    expect(ends).toEqual([]);
  });

  it('takes the session description out of a multipart body', async () => {
    const body = ['--b', 'Content-Type: application/isup', '', 'x', '--b', 'Content-Type: application/sdp', '', 'v=0', '--b--', ''].join(
      '\r\n',
    );
    const { call } = await arrive({ body, headers: [['Content-Type', 'multipart/mixed;boundary=b']] });
    expect(call.offer).toBe('v=0\r\n');
  });

  it.each([
    ['an unknown method', { method: 'PUBLISH' }, 405, ['Allow', /^INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY$/]],
    ['an unknown scheme', { uri: 'nobody:knows' }, 416, undefined],
    ['an extension it does not have', { headers: [['Require', '100rel, foo']] }, 420, ['Unsupported', /^foo$/]],
    ['a body it cannot read', { headers: [['Content-Type', 'text/html']] }, 415, ['Accept', /^application\/sdp$/]],
    ['no hops left', { headers: [['Max-Forwards', '0']] }, 483, undefined],
    ['a tag of no dialog', { toTag: 'nobody' }, 481, undefined],
  ] as const)('refuses an INVITE with %s', async (_what, facts, status, header) => {
    const response = await answered(peer.request({ method: 'INVITE', uri, body: offer, ...facts }), status);
    if (header !== undefined) expect(response.headers.get(header[0])).toMatch(header[1]);
    expect(calls).toEqual([]);
    expect(stack.liveObjects()['invite']).toBe(0);
  });

  it('refuses the same INVITE by a second way with 482', async () => {
    await arrive({ callId: 'twice', fromTag: 'f' });
    await answered(peer.request({ method: 'INVITE', uri, callId: 'twice', fromTag: 'f', body: offer }), 482);
    expect(calls).toHaveLength(1);
  });

  it('answers 400 to a malformed request, and nothing to a malformed response or ACK', async () => {
    const broken = `INVITE ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bKbad\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nMax-Forwards: none\r\n\r\n`;
    const response = await answered(peer.request({ method: 'OPTIONS', uri }), 200);
    peer.send(broken.replace('INVITE', 'ACK').replace('1 INVITE', '1 ACK'), port);
    peer.send('SIP/2.0 200 OK\r\nVia: nonsense\r\n\r\n', port);
    peer.send('\r\n\r\n', port);
    peer.send(broken, port);
    await peer.nextResponse(400);
    expect(peer.history).toHaveLength(2);
    expect(response.status).toBe(200);
  });

  it('answers 505 to another version', async () => {
    const text = `OPTIONS ${uri} SIP/7.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bKv\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n`;
    peer.send(text, port);
    await peer.nextResponse(505);
  });

  it('answers 481 to a CANCEL or BYE of nothing', async () => {
    await answered(peer.request({ method: 'CANCEL', uri }), 481);
    await answered(peer.request({ method: 'BYE', uri, toTag: 'x' }), 481);
    await answered(peer.request({ method: 'BYE', uri }), 481);
  });

  it('answers 500 when the handler of the call fails, and goes on with the next message', async () => {
    stack.onCall(() => {
      throw new Error('handler fault');
    });
    await answered(peer.request({ method: 'INVITE', uri, body: offer }), 500);
    await answered(peer.request({ method: 'OPTIONS', uri }), 200);
    expect(stack.liveObjects()['invite']).toBe(0);
  });

  it('ends and lets go although every listener of the dialog fails', async () => {
    const { dialog, next } = await confirmed();
    const fail = (): never => {
      throw new Error('listener fault');
    };
    dialog.onOffer(fail);
    dialog.onEnd(fail);
    const ends: DialogEnd[] = [];
    dialog.onEnd((end) => ends.push(end));
    await answered(next('INVITE', 2, { body: offer }), 500);
    await answered(next('INVITE', 3, { body: offer }), 500);
    expect(peer.history.filter((each) => each.headers.has('Retry-After'))).toEqual([]);
    await answered(next('BYE', 4), 200);
    expect(ends).toHaveLength(1);
    expect(stack.liveObjects()['dialog']).toBe(0);
  });

  it('does not advertise what it cannot do', async () => {
    const { call } = await arrive();
    call.answer(offer);
    const ok = await peer.nextResponse(200);
    expect(ok.headers.get('Allow')).toBe('INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY');
    expect(ok.headers.all('Supported')).toEqual(['replaces, timer']);
  });

  it('names all it can do in the answer to OPTIONS', async () => {
    const ok = await answered(peer.request({ method: 'OPTIONS', uri }), 200);
    expect(ok.headers.all('Supported')).toEqual(['timer, 100rel, replaces']);
    expect(ok.headers.get('Accept')).toBe('application/sdp');
  });
});
