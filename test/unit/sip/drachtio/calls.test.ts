import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { DrachtioSip } from '../../../../src/sip/drachtio/drachtio-sip.js';
import { readCSeq } from '../../../../src/sip/embedded/header-readers.js';
import type { SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import type { DialogEnd, InboundCall, InboundRequest, OutboundOptions, Progress, Reoffer } from '../../../../src/sip/port.js';
import { drachtioOn, drachtioSecret, quickTiming } from '../../../support/drachtio-rig.js';
import { DrachtioServer } from '../../../support/drachtio-server.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { until } from '../../../support/sip-rigs.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const other = sdp.replace('4000', '5000');
const from = { uri: 'sip:alice@example.com' };
const contact = '<sip:peer@127.0.0.1>';

let server: DrachtioServer;
let sip: DrachtioSip;
let peer: RawSipPeer;

beforeEach(async () => {
  server = await DrachtioServer.start({ secret: drachtioSecret, timers: { t1Ms: 50, t2Ms: 400, t4Ms: 500 }, webSocket: true });
  sip = drachtioOn([server.appPort], { timing: { ...quickTiming, prackMs: 150 } });
  await sip.start();
  await until(() => [...server.apps.all].some(({ verbs }) => verbs.has('invite')));
  peer = await RawSipPeer.open();
});

afterEach(async () => {
  await sip.stop();
  await server.stop();
  await peer.close();
  expect(server.complaints).toEqual([]);
});

function place(options: Partial<OutboundOptions> = {}) {
  const heard: Progress[] = [];
  const call = sip.call({ requestUri: peer.uri, from, offer: sdp, ...options });
  call.onProgress((progress) => heard.push(progress));
  return { call, heard };
}

/** An INVITE of the peer's that reached the adapter. */
async function arrive(headers: readonly (readonly [string, string])[] = [], body: string | undefined = sdp) {
  const calls: InboundCall[] = [];
  sip.onCall((call) => calls.push(call));
  const invite = peer.request({ method: 'INVITE', uri: server.uri(), headers, ...(body === undefined ? {} : { body }) });
  peer.send(invite, server.sipPort);
  await until(() => calls.length === 1);
  const [call] = calls;
  if (call === undefined) throw new Error('no call');
  return { invite, call };
}

/** A request of the peer's inside the dialog that `invite` began, or is beginning. */
function inside(
  invite: SipRequestMessage,
  method: string,
  toTag: string,
  cseq: number,
  more: { readonly headers?: readonly (readonly [string, string])[]; readonly body?: string } = {},
) {
  return peer.request({ method, uri: server.uri(), callId: invite.headers.get('Call-ID') ?? '', toTag, cseq, ...more });
}

const tagOf = (to: string | undefined): string => /;tag=([^;]+)/.exec(to ?? '')?.[1] ?? '';
const empty = (): boolean => {
  const { dialog, invite, transaction } = sip.liveObjects();
  return dialog === 0 && invite === 0 && transaction === 0;
};

describe('an INVITE of ours through drachtio', () => {
  it('answers a SHA-256 challenge with the next CSeq, in the same call', async () => {
    const { call } = place({ credentials: { user: 'alice', password: 'secret' } });
    const first = await peer.nextRequest('INVITE');
    const challenge = 'Digest realm="pbx", nonce="n1", algorithm=SHA-256, qop="auth"';
    peer.send(peer.response(first, 401, { tag: 'c', headers: [['WWW-Authenticate', challenge]] }), server.sipPort);
    const second = await peer.nextRequest('INVITE');
    expect(second.headers.get('Call-ID')).toBe(first.headers.get('Call-ID'));
    expect(readCSeq(second.headers).number).toBe(readCSeq(first.headers).number + 1);
    expect(second.headers.get('From')).toBe(first.headers.get('From'));
    expect(second.headers.get('Authorization')).toMatch(/algorithm=SHA-256/);
    peer.send(peer.response(second, 486, { tag: 'd' }), server.sipPort);
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('answers two challenges of two realms in one request', async () => {
    const { call } = place({ credentials: { user: 'alice', password: 'secret' } });
    const first = await peer.nextRequest('INVITE');
    const realm = (name: string): readonly [string, string] => ['Proxy-Authenticate', `Digest realm="${name}", nonce="n"`];
    peer.send(peer.response(first, 407, { tag: 'c', headers: [realm('one'), realm('two')] }), server.sipPort);
    const second = await peer.nextRequest('INVITE');
    expect(second.headers.all('Proxy-Authorization').map((each) => /realm="(\w+)"/.exec(each)?.[1])).toEqual(['one', 'two']);
    peer.send(peer.response(second, 480, { tag: 'd' }), server.sipPort);
    await call.outcome;
  });

  it('asks again with the minimum that a 422 tells', async () => {
    const { call } = place({ sessionTimer: { expiresSeconds: 100, minSeconds: 90 } });
    const first = await peer.nextRequest('INVITE');
    expect([first.headers.get('Session-Expires'), first.headers.get('Min-SE')]).toEqual(['100', '90']);
    peer.send(peer.response(first, 422, { tag: 'c', headers: [['Min-SE', '600']] }), server.sipPort);
    const second = await peer.nextRequest('INVITE');
    expect([second.headers.get('Session-Expires'), second.headers.get('Min-SE')]).toEqual(['600', '600']);
    peer.send(peer.response(second, 480, { tag: 'd' }), server.sipPort);
    expect(await call.outcome).toMatchObject({ status: 480 });
  });

  it('says nothing of session timers and 100rel when told so', async () => {
    const { call } = place({ sessionTimer: 'off', reliable: 'off' });
    const invite = await peer.nextRequest('INVITE');
    expect(invite.headers.get('Session-Expires')).toBeUndefined();
    expect(invite.headers.get('Supported')).not.toMatch(/100rel/);
    peer.send(peer.response(invite, 480, { tag: 'd' }), server.sipPort);
    await call.outcome;
  });

  it('sends as many hops as it is told, and its body with its type', async () => {
    const { call } = place({ maxForwards: 7 });
    const invite = await peer.nextRequest('INVITE');
    expect([invite.headers.get('Max-Forwards'), invite.headers.get('Content-Type'), invite.body.toString()]).toEqual([
      '7',
      'application/sdp',
      sdp,
    ]);
    peer.send(peer.response(invite, 480, { tag: 'd' }), server.sipPort);
    await call.outcome;
  });

  it('acknowledges a reliable provisional response with PRACK', async () => {
    const { call, heard } = place();
    const invite = await peer.nextRequest('INVITE');
    const reliable = [
      ['Require', '100rel'],
      ['RSeq', '71'],
    ] as const;
    peer.send(peer.response(invite, 183, { tag: 'p', contact: `<${peer.uri}>`, body: other, headers: reliable }), server.sipPort);
    const prack = await peer.nextRequest('PRACK');
    expect(prack.headers.get('RAck')).toBe(`71 ${invite.headers.get('CSeq')}`);
    peer.send(peer.response(prack, 200), server.sipPort);
    await until(() => heard.length === 1);
    expect(heard[0]).toMatchObject({ status: 183, sdp: other, fork: 'p' });
    peer.send(peer.response(invite, 480, { tag: 'p' }), server.sipPort);
    await call.outcome;
  });

  it('answers an offer of a reliable provisional response in the PRACK', async () => {
    const call = sip.call({ requestUri: peer.uri, from });
    const offers: Reoffer[] = [];
    call.onOffer((offer) => {
      offers.push(offer);
      offer.accept(other);
    });
    const invite = await peer.nextRequest('INVITE');
    expect(invite.body.length).toBe(0);
    const reliable = [
      ['Require', '100rel'],
      ['RSeq', '1'],
    ] as const;
    peer.send(peer.response(invite, 183, { tag: 'p', contact: `<${peer.uri}>`, body: sdp, headers: reliable }), server.sipPort);
    const prack = await peer.nextRequest('PRACK');
    expect(prack.body.toString()).toBe(other);
    expect(offers[0]).toMatchObject({ method: 'PRACK', sdp });
    peer.send(peer.response(prack, 200), server.sipPort);
    peer.send(peer.response(invite, 200, { tag: 'p', contact: `<${peer.uri}>` }), server.sipPort);
    const outcome = await call.outcome;
    expect(outcome).toMatchObject({ kind: 'answered' });
    expect(outcome).not.toHaveProperty('answerWith');
    await peer.nextRequest('ACK');
  });

  it('hands an UPDATE of the called side up before its answer', async () => {
    const { call } = place();
    const seen: unknown[] = [];
    call.onOffer((offer, fork) => {
      seen.push([offer.method, offer.sdp, fork]);
      offer.accept(sdp);
    });
    const invite = await peer.nextRequest('INVITE');
    const reliable = [
      ['Require', '100rel'],
      ['RSeq', '1'],
    ] as const;
    peer.send(peer.response(invite, 183, { tag: 'p', contact: `<${peer.uri}>`, body: other, headers: reliable }), server.sipPort);
    const prack = await peer.nextRequest('PRACK');
    peer.send(peer.response(prack, 200), server.sipPort);
    const update = peer.request({
      method: 'UPDATE',
      uri: server.uri(),
      callId: invite.headers.get('Call-ID') ?? '',
      fromTag: 'p',
      toTag: tagOf(invite.headers.get('From')),
      body: other,
    });
    peer.send(update, server.sipPort);
    const accepted = await peer.nextResponse(200);
    expect(accepted.body.toString()).toBe(sdp);
    expect(seen).toEqual([['UPDATE', other, 'p']]);
    peer.send(peer.response(invite, 480, { tag: 'p' }), server.sipPort);
    await call.outcome;
  });

  it('puts the answer to a late offer into the ACK', async () => {
    const call = sip.call({ requestUri: peer.uri, from });
    const invite = await peer.nextRequest('INVITE');
    peer.send(peer.response(invite, 200, { tag: 'p', contact: `<${peer.uri}>`, body: sdp }), server.sipPort);
    const outcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(outcome.kind);
    expect(outcome.sdp).toBe(sdp);
    outcome.answerWith?.(other);
    const ack = await peer.nextRequest('ACK');
    expect(ack.body.toString()).toBe(other);
  });

  it('acknowledges a late offer it will not answer before the BYE', async () => {
    const call = sip.call({ requestUri: peer.uri, from });
    const invite = await peer.nextRequest('INVITE');
    peer.send(peer.response(invite, 200, { tag: 'p', contact: `<${peer.uri}>`, body: sdp }), server.sipPort);
    const outcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(outcome.kind);
    const gone = outcome.dialog.bye();
    await peer.nextRequest('ACK');
    const bye = await peer.nextRequest('BYE');
    peer.send(peer.response(bye, 200), server.sipPort);
    await gone;
    expect(empty()).toBe(true);
  });

  it('tells once that the peer was heard, at its first response', async () => {
    const { call } = place();
    let heard = 0;
    call.onHeard?.(() => {
      heard += 1;
    });
    const invite = await peer.nextRequest('INVITE');
    expect(heard).toBe(0);
    peer.send(peer.response(invite, 100), server.sipPort);
    await until(() => heard === 1);
    peer.send(peer.response(invite, 486, { tag: 'd' }), server.sipPort);
    await call.outcome;
    expect(heard).toBe(1);
  });

  it('tells a peer that never answered from one that said 408', async () => {
    const silent = place();
    await peer.nextRequest('INVITE');
    expect(await silent.call.outcome).toEqual({ kind: 'failed', why: 'timeout', detail: 'no response within 64*T1' });
    const spoken = place();
    await until(() => peer.inbox.some((each) => each.kind === 'request' && each.headers.get('Call-ID') === spoken.call.callIdHeader));
    const invite = peer.inbox
      .filter((each) => each.kind === 'request')
      .find((each) => each.headers.get('Call-ID') === spoken.call.callIdHeader);
    peer.send(peer.response(invite as SipRequestMessage, 408, { tag: 'x' }), server.sipPort);
    expect(await spoken.call.outcome).toMatchObject({ kind: 'rejected', status: 408 });
  });
});

describe('an INVITE that comes through drachtio', () => {
  it('sends early media reliably to a caller that can, one after another', async () => {
    const { invite, call } = await arrive([['Supported', '100rel']]);
    call.progress(183, { sdp: other });
    call.progress(180);
    call.answer(other);
    const early = await peer.nextResponse(183);
    expect([early.headers.get('Require'), early.body.toString()]).toEqual(['100rel', other]);
    expect([peer.countOf(180), peer.countOf(200)]).toEqual([0, 0]);
    const rack = `${early.headers.get('RSeq')} ${invite.headers.get('CSeq')}`;
    peer.send(inside(invite, 'PRACK', tagOf(early.headers.get('To')), 2, { headers: [['RAck', rack]] }), server.sipPort);
    await until(() => peer.countOf(200) === 2);
    expect(peer.countOf(180)).toBe(1);
    const tags = peer.history.filter((each) => each.kind === 'response' && each.status > 100).map((each) => tagOf(each.headers.get('To')));
    expect(new Set(tags).size).toBe(1);
  });

  it('refuses a caller whose PRACK never comes with 504', async () => {
    const { call } = await arrive([['Require', '100rel']]);
    call.progress(180);
    const late = call.answer(other);
    const ends: DialogEnd[] = [];
    late.onEnd((end) => ends.push(end));
    await peer.nextResponse(504);
    expect([call.cancelled.aborted, ends.length, empty()]).toEqual([true, 1, true]);
  });

  /** An INVITE whose offer has its answer already, in a reliable response with its PRACK (RFC 3311 §5.2). */
  async function agree() {
    const { invite, call } = await arrive([['Supported', '100rel']]);
    call.progress(183, { sdp: other });
    const early = await peer.nextResponse(183);
    const tag = tagOf(early.headers.get('To'));
    const rack = `${early.headers.get('RSeq')} ${invite.headers.get('CSeq')}`;
    peer.send(inside(invite, 'PRACK', tag, 2, { headers: [['RAck', rack]] }), server.sipPort);
    await peer.nextResponse(200);
    return { invite, call, tag };
  }

  it('hands an UPDATE of the caller up before the answer, one at a time, and leaves the older description out of the 2xx', async () => {
    const { invite, call, tag } = await agree();
    const offers: Reoffer[] = [];
    call.onOffer((offer) => offers.push(offer));
    peer.send(inside(invite, 'UPDATE', tag, 3, { body: sdp }), server.sipPort);
    await until(() => offers.length === 1);
    peer.send(inside(invite, 'UPDATE', tag, 4, { body: sdp }), server.sipPort);
    await peer.nextResponse(500);
    offers[0]?.accept(other);
    const answered = await peer.nextResponse(200);
    expect([readCSeq(answered.headers).method, answered.body.toString()]).toEqual(['UPDATE', other]);
    call.answer(other);
    expect((await peer.nextResponse(200)).body.length).toBe(0);
  });

  it('asks for patience with an UPDATE that comes before the answer to the first offer', async () => {
    const { invite, call } = await arrive();
    call.onOffer((offer) => offer.accept(other));
    call.progress(183, { sdp: other });
    const early = await peer.nextResponse(183);
    peer.send(inside(invite, 'UPDATE', tagOf(early.headers.get('To')), 2, { body: sdp }), server.sipPort);
    expect((await peer.nextResponse(500)).headers.get('Retry-After')).toBeDefined();
    call.reject(480);
    await peer.nextResponse(480);
  });

  it('refuses an early UPDATE with 488 when nobody listens for it', async () => {
    const { invite, call, tag } = await agree();
    peer.send(inside(invite, 'UPDATE', tag, 3, { body: sdp }), server.sipPort);
    await peer.nextResponse(488);
    call.reject(480);
    await peer.nextResponse(480);
  });

  it.each([
    ['an extension nobody has', [['Require', 'teleport']], 420, ['Unsupported', 'teleport']],
    ['too short a session', [['Session-Expires', '30']], 422, ['Min-SE', '90']],
    ['no hops left', [['Max-Forwards', '0']], 483, undefined],
  ] as const)('is refused for %s', async (_what, headers, status, expected) => {
    peer.send(peer.request({ method: 'INVITE', uri: server.uri(), headers, body: sdp }), server.sipPort);
    const refused = await peer.nextResponse(status);
    if (expected !== undefined) expect(refused.headers.get(expected[0])).toBe(expected[1]);
  });

  it('shows a CANCEL, answered by the server, once', async () => {
    const { invite, call } = await arrive();
    let times = 0;
    call.cancelled.addEventListener('abort', () => {
      times += 1;
    });
    const branch = /branch=([^;]+)/.exec(invite.headers.get('Via') ?? '')?.[1] ?? '';
    peer.send(peer.request({ method: 'CANCEL', uri: server.uri(), branch, callId: invite.headers.get('Call-ID') ?? '' }), server.sipPort);
    await peer.nextResponse(487);
    await until(() => call.cancelled.aborted);
    call.answer(other);
    expect([times, empty()]).toEqual([1, true]);
  });

  it('ends a dialog whose 2xx was never acknowledged', async () => {
    const { call } = await arrive();
    const ends: DialogEnd[] = [];
    call.answer(other).onEnd((end) => ends.push(end));
    await until(() => ends.length === 1);
    expect(ends[0]?.by).toBe('ack-timeout');
    expect(peer.countOf(200)).toBeGreaterThan(3);
    await peer.nextRequest('BYE');
    expect(empty()).toBe(true);
  });

  it('hands the answer in the ACK up when its INVITE had no offer', async () => {
    const { invite, call } = await arrive([], '');
    expect(call.offer).toBeUndefined();
    const answers: (string | undefined)[] = [];
    call.answer(sdp).onAck((answer) => answers.push(answer));
    const ok = await peer.nextResponse(200);
    peer.send(inside(invite, 'ACK', tagOf(ok.headers.get('To')), 1, { body: other }), server.sipPort);
    await until(() => answers.length === 1);
    expect(answers).toEqual([other]);
  });

  it('answers a challenge to its BYE with the credentials of the answer', async () => {
    const { invite, call } = await arrive();
    const dialog = call.answer(other, { credentials: { user: 'line', password: 'secret' } });
    expect(dialog.flow).toBe(call.source.flow);
    const ok = await peer.nextResponse(200);
    peer.send(inside(invite, 'ACK', tagOf(ok.headers.get('To')), 1), server.sipPort);
    const gone = dialog.bye();
    const challenge = ['WWW-Authenticate', 'Digest realm="pbx", nonce="n"'] as const;
    peer.send(peer.response(await peer.nextRequest('BYE'), 401, { headers: [challenge] }), server.sipPort);
    const bye = await peer.nextRequest('BYE');
    expect(bye.headers.get('Authorization')).toMatch(/username="line"/);
    peer.send(peer.response(bye, 200), server.sipPort);
    await gone;
    expect(empty()).toBe(true);
  });

  it('holds a request back until the server has sent the 2xx it belongs to', async () => {
    const { call } = await arrive();
    const dialog = call.answer(other);
    const outcome = dialog.request('INFO');
    const info = await peer.nextRequest('INFO');
    expect(info.headers.get('Call-ID')).toBe(call.callIdHeader);
    expect(peer.countOf(200)).toBeGreaterThan(0);
    peer.send(peer.response(info, 200), server.sipPort);
    expect((await outcome).status).toBe(200);
  });

  it('keeps a session timer with the caller, and takes its refreshes', async () => {
    const timer = [
      ['Supported', 'timer'],
      ['Session-Expires', '1800;refresher=uac'],
    ] as const;
    const { invite, call } = await arrive(timer);
    const dialog = call.answer(other);
    const ok = await peer.nextResponse(200);
    expect([ok.headers.get('Session-Expires'), ok.headers.get('Require')]).toEqual(['1800;refresher=uac', 'timer']);
    const tag = tagOf(ok.headers.get('To'));
    peer.send(inside(invite, 'ACK', tag, 1), server.sipPort);
    let acknowledged = false;
    dialog.onAck(() => {
      acknowledged = true;
    });
    await until(() => acknowledged);
    peer.send(inside(invite, 'UPDATE', tag, 2, { headers: timer }), server.sipPort);
    const refreshed = await peer.nextResponse(200);
    expect([readCSeq(refreshed.headers).method, refreshed.headers.get('Session-Expires')]).toEqual(['UPDATE', '1800;refresher=uac']);
  });
});

describe('a REGISTER of ours through drachtio', () => {
  it('names the server as its Contact, and tells which it was', async () => {
    const response = sip.request({ method: 'REGISTER', requestUri: peer.uri, from, contactUser: 'line7' });
    const register = await peer.nextRequest('REGISTER');
    expect(register.headers.get('Contact')).toBe(`<sip:line7@127.0.0.1:${server.sipPort}>`);
    peer.send(peer.response(register, 200, { tag: 'r' }), server.sipPort);
    expect((await response).sentContact).toBe(`<sip:line7@127.0.0.1:${server.sipPort}>`);
  });
});

describe('a browser behind drachtio', () => {
  it('is told apart from TCP, and reached on its own connection', async () => {
    const requests: InboundRequest[] = [];
    sip.onRequest('REGISTER', (request) => {
      requests.push(request);
      request.respond(200, { headers: [['Contact', '<sip:page@x.invalid>;expires=60']] });
    });
    const socket = new WebSocket(`ws://127.0.0.1:${server.webPort}/`, 'sip');
    const frames: string[] = [];
    socket.on('message', (data) => frames.push(String(data)));
    await new Promise((resolve) => socket.once('open', resolve));
    const lines = [
      'REGISTER sip:gateway SIP/2.0',
      'Via: SIP/2.0/WS x.invalid;branch=z9hG4bKpage',
      'Max-Forwards: 70',
      'From: <sip:page@gateway>;tag=1',
      'To: <sip:page@gateway>',
      'Call-ID: page-1',
      'CSeq: 1 REGISTER',
      'Contact: <sip:page@x.invalid;transport=ws>;expires=60',
      'Content-Length: 0',
    ];
    socket.send(`${lines.join('\r\n')}\r\n\r\n`);
    await until(() => frames.length === 1);
    expect(frames[0]).toMatch(/^SIP\/2\.0 200 /);
    const source = requests[0]?.source;
    expect(source?.transport).toBe('ws');
    expect(source?.flow).toBe(`sip:127.0.0.1:${source?.port};transport=tcp`);
    if (source === undefined) throw new Error('no source');
    const call = sip.call({ requestUri: 'sip:page@x.invalid;transport=ws', from, offer: sdp, via: { flow: source.flow } });
    await until(() => frames.some((each) => each.startsWith('INVITE ')));
    call.cancel();
    socket.terminate();
    await call.outcome;
  });
});

describe('messages the adapter cannot read', () => {
  it('are answered with the status of their fault, and set off nothing else', async () => {
    const [app] = [...server.apps.all];
    const text = 'INVITE sip:bob@x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKbad\r\nContent-Length: 0\r\n\r\n';
    app?.send(['sip', 'network', String(text.length), 'udp', '127.0.0.1', '9', '1', 'txn', '', '127.0.0.1', '5060', 'x'], text);
    app?.send(
      ['sip', 'network', '0', 'udp', '127.0.0.1', '9', '1', 'none', 'nodialog', '127.0.0.1', '5060', 'x'],
      text.replace('INVITE', 'INFO'),
    );
    const { call } = place();
    const invite = await peer.nextRequest('INVITE');
    peer.send(peer.response(invite, 480, { tag: 'd', contact }), server.sipPort);
    expect(await call.outcome).toMatchObject({ status: 480 });
  });
});
