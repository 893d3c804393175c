import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DrachtioSip } from '../../../../src/sip/drachtio/drachtio-sip.js';
import type { SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import { serialize } from '../../../../src/sip/embedded/serializer.js';
import type { DialogEnd, Reoffer, SipDialog } from '../../../../src/sip/port.js';
import { drachtioOn, drachtioSecret, quickTiming } from '../../../support/drachtio-rig.js';
import { DrachtioServer } from '../../../support/drachtio-server.js';
import { type RawRequest, RawSipPeer } from '../../../support/raw-sip-peer.js';
import { until } from '../../../support/sip-rigs.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const other = sdp.replace('4000', '5000');
const from = { uri: 'sip:alice@example.com' };

let server: DrachtioServer;
let sip: DrachtioSip;
let peer: RawSipPeer;
let dialog: SipDialog;
let ends: DialogEnd[];
let invite: SipRequestMessage;

const tagOf = (value: string | undefined): string => /;tag=([^;]+)/.exec(value ?? '')?.[1] ?? '';
const empty = (): boolean => ['dialog', 'invite', 'transaction'].every((kind) => sip.liveObjects()[kind] === 0);

/** A request of the peer's inside the dialog. */
const inside = (method: string, cseq: number, more: Partial<RawRequest> = {}): SipRequestMessage =>
  peer.request({
    method,
    uri: server.uri(),
    callId: dialog.callIdHeader,
    fromTag: dialog.remoteTag,
    toTag: dialog.localTag,
    cseq,
    ...more,
  });

beforeEach(async () => {
  server = await DrachtioServer.start({ secret: drachtioSecret, timers: { t1Ms: 50, t2Ms: 400, t4Ms: 500 } });
  sip = drachtioOn([server.appPort], { timing: { ...quickTiming, answerMs: 300 } });
  await sip.start();
  peer = await RawSipPeer.open();
  const call = sip.call({ requestUri: peer.uri, from, offer: sdp, credentials: { user: 'alice', password: 'secret' } });
  invite = await peer.nextRequest('INVITE');
  const allow = ['Allow', 'INVITE, ACK, BYE, UPDATE'] as const;
  peer.send(peer.response(invite, 200, { tag: 'peer', contact: `<${peer.uri}>`, body: other, headers: [allow] }), server.sipPort);
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(outcome.kind);
  dialog = outcome.dialog;
  ends = [];
  dialog.onEnd((end) => ends.push(end));
  await peer.nextRequest('ACK');
});

afterEach(async () => {
  await sip.stop();
  await server.stop();
  await peer.close();
  expect(server.complaints).toEqual([]);
});

describe('a dialog through drachtio', () => {
  it('knows its tags and what the peer allows', () => {
    expect([dialog.localTag, dialog.remoteTag]).toEqual([tagOf(invite.headers.get('From')), 'peer']);
    expect([dialog.allows('UPDATE'), dialog.allows('refer'), dialog.allows('bye')]).toEqual([true, false, true]);
  });

  it('tries a re-INVITE again after a 491, and goes on after a refusal', async () => {
    const outcome = dialog.offer(sdp);
    const first = await peer.nextRequest('INVITE');
    peer.send(peer.response(first, 491), server.sipPort);
    const second = await peer.nextRequest('INVITE');
    peer.send(peer.response(second, 488), server.sipPort);
    expect(await outcome).toEqual({ status: 488 });
    const again = dialog.offer(sdp);
    const third = await peer.nextRequest('INVITE');
    peer.send(peer.response(third, 200, { contact: `<${peer.uri}>`, body: other }), server.sipPort);
    expect(await again).toEqual({ status: 200, sdp: other });
    await peer.nextRequest('ACK');
  });

  it('answers a challenge to a re-INVITE and to the BYE', async () => {
    const challenge = ['WWW-Authenticate', 'Digest realm="pbx", nonce="n1", algorithm=SHA-512-256, qop="auth"'] as const;
    const outcome = dialog.offer(sdp);
    const first = await peer.nextRequest('INVITE');
    peer.send(peer.response(first, 401, { headers: [challenge] }), server.sipPort);
    const second = await peer.nextRequest('INVITE');
    expect(second.headers.get('Authorization')).toMatch(/nc=00000001/);
    peer.send(peer.response(second, 200, { contact: `<${peer.uri}>`, body: other }), server.sipPort);
    expect((await outcome).status).toBe(200);
    const gone = dialog.bye();
    const bye = await peer.nextRequest('BYE');
    expect(bye.headers.get('Authorization')).toMatch(/nc=00000002/);
    peer.send(peer.response(bye, 200), server.sipPort);
    await gone;
    expect(empty()).toBe(true);
  });

  it('answers an offer of the peer that meets one of its own with 491', async () => {
    const outcome = dialog.offer(sdp);
    const ours = await peer.nextRequest('INVITE');
    peer.send(inside('INVITE', 10, { body: other }), server.sipPort);
    await peer.nextResponse(491);
    peer.send(peer.response(ours, 200, { contact: `<${peer.uri}>`, body: other }), server.sipPort);
    expect((await outcome).status).toBe(200);
  });

  it('answers a second offer of the peer before the first is answered with 500 and a time', async () => {
    const offers: Reoffer[] = [];
    dialog.onOffer((offer) => offers.push(offer));
    peer.send(inside('INVITE', 10, { body: other }), server.sipPort);
    await until(() => offers.length === 1);
    peer.send(inside('UPDATE', 11, { body: other }), server.sipPort);
    const refused = await peer.nextResponse(500);
    expect(Number(refused.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
    offers[0]?.accept(sdp);
    offers[0]?.reject(488);
    const accepted = await peer.nextResponse(200);
    expect(accepted.body.toString()).toBe(sdp);
    peer.send(inside('ACK', 10), server.sipPort);
  });

  it('hands an UPDATE with an offer up as one, and answers one without at once', async () => {
    dialog.onOffer((offer) => (offer.method === 'UPDATE' ? offer.accept(sdp) : offer.reject(488)));
    peer.send(inside('UPDATE', 10, { body: other }), server.sipPort);
    expect((await peer.nextResponse(200)).body.toString()).toBe(sdp);
    peer.send(inside('UPDATE', 11), server.sipPort);
    expect((await peer.nextResponse(200)).body.length).toBe(0);
  });

  it('ends when the peer no longer knows it', async () => {
    const outcome = dialog.request('INFO');
    peer.send(peer.response(await peer.nextRequest('INFO'), 481), server.sipPort);
    expect((await outcome).status).toBe(481);
    expect(ends).toEqual([{ by: 'dialog-gone' }]);
    peer.send(peer.response(await peer.nextRequest('BYE'), 481), server.sipPort);
    await until(empty);
  });

  it('ends when the server no longer knows it', async () => {
    server.forgetDialogs();
    await expect(dialog.request('INFO')).rejects.toMatchObject({ info: { code: 'sip-request-failed', why: 'transport' } });
    expect(ends).toEqual([{ by: 'dialog-gone' }]);
    await until(empty);
  });

  it('ends when the peer hangs up, and takes no offers after that', async () => {
    peer.send(inside('BYE', 10), server.sipPort);
    await until(() => ends.length === 1);
    expect(ends[0]?.by).toBe('remote');
    expect(await dialog.offer(sdp)).toEqual({ status: 481 });
    await until(empty);
  });

  it('ends when a request in it is never answered, and is not waited for', async () => {
    await expect(dialog.request('INFO')).rejects.toMatchObject({ info: { code: 'sip-request-failed', why: 'timeout' } });
    expect(ends).toEqual([{ by: 'dialog-gone' }]);
    await until(empty);
  });

  it.each([
    ['SIP ;cause=200 ;text="Session timer expired"', 'session-timer'],
    ['SIP ;cause=200 ;text="ACK timeout"', 'ack-timeout'],
    ['SIP ;cause=200 ;text="CANCEL after 200 OK"', 'remote'],
  ])('tells why the server hung up: %s', async (reason, by) => {
    const bye = peer.request({
      method: 'BYE',
      uri: peer.uri,
      callId: dialog.callIdHeader,
      fromTag: dialog.localTag,
      toTag: dialog.remoteTag,
      headers: [['Reason', reason]],
    });
    const text = serialize(bye).toString();
    const [app] = [...server.apps.all];
    app?.send(['sip', 'application', String(text.length), 'udp', '127.0.0.1', '9', '1', 'unsolicited', 'id', ''], text);
    await until(() => ends.length === 1);
    expect(ends[0]?.by).toBe(by);
    expect(empty()).toBe(true);
  });

  it('refuses a request for a dialog that is not there with 481', async () => {
    const lost = inside('INFO', 10);
    const text = serialize({ ...lost, headers: lost.headers })
      .toString()
      .replace(/tag=peer/, 'tag=stranger');
    const [app] = [...server.apps.all];
    const before = app?.responses.length ?? 0;
    app?.send(['sip', 'network', String(text.length), 'udp', '127.0.0.1', '9', '1', 'txn-x', 'id', '127.0.0.1', '5060', ''], text);
    await until(() => (app?.responses.length ?? 0) > before);
    expect(app?.responses.at(-1)).toMatch(/^SIP\/2\.0 481 /);
  });
});
