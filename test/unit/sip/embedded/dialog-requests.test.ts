import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAuthValues } from '../../../../src/sip/digest.js';
import type { SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import type { InboundRequest } from '../../../../src/sip/port.js';
import { RawDialogRig } from '../../../support/raw-dialog.js';
import { until } from '../../../support/sip-rigs.js';

const theirs = 'v=0\r\ns=theirs\r\n';
const held = 'v=0\r\ns=held\r\n';

let rig: RawDialogRig;

beforeEach(async () => {
  rig = await RawDialogRig.open({ sessionTimer: 'off' });
});

afterEach(() => rig.close());

const answer = (request: SipRequestMessage, status: number, options: Parameters<typeof rig.peer.response>[2] = {}): void =>
  rig.peer.send(rig.peer.response(request, status, options), rig.port);

describe('the order of requests in a dialog', () => {
  it('may have gaps, but does not go back, whatever the method', async () => {
    const call = await rig.called();
    const seen: string[] = [];
    call.dialog.onRequest((request) => {
      seen.push(request.method);
      request.respond(200);
    });
    call.send('INFO', { cseq: 40 });
    await rig.peer.nextResponse(200);
    for (const method of ['INFO', 'UPDATE', 'INVITE', 'BYE']) {
      call.send(method, { cseq: 39 });
      expect((await rig.peer.nextResponse(500)).headers.get('CSeq')).toBe(`39 ${method}`);
    }
    call.send('INFO', { cseq: 40 });
    await rig.peer.nextResponse(500);
    call.send('NOTIFY', { cseq: 2_000_000_000 });
    await rig.peer.nextResponse(200);
    expect(seen).toEqual(['INFO', 'NOTIFY']);
    expect(call.ends).toEqual([]);
  });

  it('counts ours on by one across methods and challenges', async () => {
    const call = await rig.calling({ credentials: { user: 'alice', password: 'secret' } });
    const numbers: (string | undefined)[] = [];
    for (const method of ['INFO', 'REFER', 'MESSAGE']) {
      const response = call.dialog.request(method);
      const first = await rig.peer.nextRequest(method);
      numbers.push(first.headers.get('CSeq'));
      answer(first, method === 'INFO' ? 401 : 200, { headers: [['WWW-Authenticate', 'Digest realm="r", nonce="n", qop="auth"']] });
      if (method === 'INFO') {
        const second = await rig.peer.nextRequest(method);
        numbers.push(second.headers.get('CSeq'));
        answer(second, 200);
      }
      expect((await response).status).toBe(200);
    }
    expect(numbers).toEqual(['2 INFO', '3 INFO', '4 REFER', '5 MESSAGE']);
  });
});

describe('requests of ours in a dialog', () => {
  it('say where we are when they are of those that may change it', async () => {
    const call = await rig.called();
    for (const method of ['REFER', 'NOTIFY', 'SUBSCRIBE', 'INFO', 'MESSAGE']) {
      const response = call.dialog.request(method, { headers: [['X-Mark', method]] });
      const request = await rig.peer.nextRequest(method);
      const expected = method === 'INFO' || method === 'MESSAGE' ? undefined : `<sip:gateway@127.0.0.1:${rig.port}>`;
      expect([method, request.headers.get('Contact')]).toEqual([method, expected]);
      expect(request.headers.get('X-Mark')).toBe(method);
      answer(request, 200);
      await response;
    }
  });

  it('know what the peer allows, as it said last', async () => {
    const silent = await rig.called();
    expect(silent.dialog.allows('REFER')).toBeUndefined();
    const call = await rig.called({
      headers: [
        ['Allow', 'INVITE, ACK'],
        ['Allow', 'REFER'],
      ],
    });
    expect([call.dialog.allows('REFER'), call.dialog.allows('UPDATE')]).toEqual([true, false]);
    call.send('UPDATE', { headers: [['Allow', 'INVITE, UPDATE']] });
    await rig.peer.nextResponse(200);
    expect([call.dialog.allows('REFER'), call.dialog.allows('UPDATE')]).toEqual([false, true]);
    const broken = await rig.called({ headers: [['Allow', 'IN VITE']] });
    expect(broken.dialog.allows('INVITE')).toBeUndefined();
  });

  it('bear the tags that Replaces would name', async () => {
    const called = await rig.called();
    expect(called.dialog.remoteTag).toBe('peer');
    expect(called.ok.headers.get('To')).toContain(`;tag=${called.dialog.localTag}`);
    const calling = await rig.calling();
    expect(calling.dialog.remoteTag).toBe('far');
    expect(calling.invite.headers.get('From')).toContain(`;tag=${calling.dialog.localTag}`);
  });

  it.each(['REFER', 'INFO', 'BYE'])('answer a challenge to %s', async (method) => {
    const call = await rig.calling({ credentials: { user: 'alice', password: 'secret' } });
    const done = method === 'BYE' ? call.dialog.bye() : call.dialog.request(method);
    answer(await rig.peer.nextRequest(method), 407, { headers: [['Proxy-Authenticate', 'Digest realm="p", nonce="n1"']] });
    const again = await rig.peer.nextRequest(method);
    expect(parseAuthValues(again.headers.get('Proxy-Authorization') ?? '')?.[0]?.parameters.get('realm')).toBe('p');
    answer(again, 200);
    await done;
  });

  it('carry in the ACK of a re-INVITE what its second try carried', async () => {
    const call = await rig.calling({ credentials: { user: 'alice', password: 'secret' } });
    const outcome = call.dialog.offer(held);
    answer(await rig.peer.nextRequest('INVITE'), 407, {
      headers: [['Proxy-Authenticate', 'Digest realm="p", nonce="n1", qop="auth", algorithm=SHA-256']],
    });
    const refused = await rig.peer.nextRequest('ACK');
    expect(refused.headers.has('Proxy-Authorization')).toBe(false);
    const again = await rig.peer.nextRequest('INVITE');
    expect(again.headers.get('CSeq')).toBe('3 INVITE');
    expect(again.body.toString()).toBe(held);
    answer(again, 200, { body: theirs, headers: [['Proxy-Authentication-Info', 'nextnonce="n2"']] });
    const ack = await rig.peer.nextRequest('ACK');
    expect(ack.headers.get('Proxy-Authorization')).toBe(again.headers.get('Proxy-Authorization'));
    expect(ack.headers.get('CSeq')).toBe('3 ACK');
    expect((await outcome).status).toBe(200);
    const bye = call.dialog.bye();
    const last = await rig.peer.nextRequest('BYE');
    const { nonce, nc } = Object.fromEntries(parseAuthValues(last.headers.get('Proxy-Authorization') ?? '')?.[0]?.parameters ?? []);
    expect([nonce, nc]).toEqual(['n2', '00000001']);
    answer(last, 200);
    await bye;
  });

  it('answer the challenge of a carrier to the BYE of a call it made itself', async () => {
    const call = await rig.called({ answer: { credentials: { user: 'alice', password: 'secret' } } });
    const done = call.dialog.bye();
    answer(await rig.peer.nextRequest('BYE'), 407, { headers: [['Proxy-Authenticate', 'Digest realm="p", nonce="n1"']] });
    const again = await rig.peer.nextRequest('BYE');
    expect(again.headers.get('Proxy-Authorization')).toContain('username="alice"');
    expect(again.headers.get('CSeq')).toBe('2 BYE');
    answer(again, 200);
    await done;
  });

  it.each([
    ['INFO', 481, 1],
    ['REFER', 408, 1],
    ['NOTIFY', 481, 0],
    ['NOTIFY', 408, 0],
    ['SUBSCRIBE', 481, 0],
    ['INFO', 404, 0],
    ['REFER', 603, 0],
  ])('%s answered %i ends the call, or only what is beside it', async (method, status, ended) => {
    const call = await rig.called();
    const response = call.dialog.request(method);
    answer(await rig.peer.nextRequest(method), status);
    expect((await response).status).toBe(status);
    expect(call.ends).toHaveLength(ended);
    if (ended > 0) answer(await rig.peer.nextRequest('BYE'), 481);
  });

  it('are not tried again by one who has no credentials', async () => {
    const call = await rig.called();
    const outcome = call.dialog.offer(held);
    answer(await rig.peer.nextRequest('INVITE'), 401, { headers: [['WWW-Authenticate', 'Digest realm="r", nonce="n"']] });
    expect(await outcome).toEqual({ status: 401 });
    expect(call.ends).toEqual([]);
  });
});

describe('the way of a dialog', () => {
  const hop = (name: string, parameters = ';lr'): string => `<sip:${name}@127.0.0.1:${rig.peer.port}${parameters}>`;

  it('stays by the proxies it began with, whatever later messages record', async () => {
    const call = await rig.called({ headers: [['Record-Route', `${hop('one')}, ${hop('two')}`]] });
    call.send('INVITE', { body: theirs, headers: [['Record-Route', hop('three')]] });
    await until(() => call.offers.length === 1);
    call.offers[0]?.accept(held);
    const ok = await rig.peer.nextResponse(200);
    expect(ok.headers.all('Record-Route')).toEqual([hop('three')]);
    call.send('ACK', { cseq: 2 });
    await until(() => call.acks.length === 2);
    const outcome = call.dialog.offer(held);
    const invite = await rig.peer.nextRequest('INVITE');
    expect(invite.headers.all('Route')).toEqual([hop('one'), hop('two')]);
    answer(invite, 200, { body: theirs, headers: [['Record-Route', hop('four')]] });
    expect((await rig.peer.nextRequest('ACK')).headers.all('Route')).toEqual([hop('one'), hop('two')]);
    await outcome;
  });

  it('goes through a strict router as the first hop, for requests and for the ACK', async () => {
    const call = await rig.calling(
      {},
      { contact: '<sip:far@198.51.100.7>', headers: [['Record-Route', `${hop('last')}, ${hop('strict', '')}`]] },
    );
    const response = call.dialog.request('INFO');
    const info = await rig.peer.nextRequest('INFO');
    expect(info.requestUri).toBe(`sip:strict@127.0.0.1:${rig.peer.port}`);
    expect(info.headers.all('Route')).toEqual([hop('last'), '<sip:far@198.51.100.7>']);
    answer(info, 200);
    await response;
    const outcome = call.dialog.offer(held);
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs, contact: '<sip:moved@198.51.100.8>' });
    const ack = await rig.peer.nextRequest('ACK');
    expect(ack.requestUri).toBe(`sip:strict@127.0.0.1:${rig.peer.port}`);
    expect(ack.headers.all('Route')).toEqual([hop('last'), '<sip:moved@198.51.100.8>']);
    await outcome;
    const bye = call.dialog.bye();
    const last = await rig.peer.nextRequest('BYE');
    expect(last.headers.all('Route').at(-1)).toBe('<sip:moved@198.51.100.8>');
    answer(last, 200);
    await bye;
  });

  it('follows the target of INVITE, UPDATE and their 2xx, and keeps it where none is given', async () => {
    const call = await rig.called();
    const at = (user: string): string => `sip:${user}@127.0.0.1:${rig.peer.port}`;
    const targets: string[] = [];
    const ask = async (): Promise<void> => {
      const response = call.dialog.request('INFO');
      const info = await rig.peer.nextRequest('INFO');
      targets.push(info.requestUri);
      answer(info, 200, { contact: '<sip:not-by-info@203.0.113.9>' });
      await response;
    };
    await ask();
    call.send('UPDATE', { contact: `<${at('updated')}>` });
    await rig.peer.nextResponse(200);
    await ask();
    call.send('UPDATE', { contact: null });
    await rig.peer.nextResponse(200);
    await ask();
    const outcome = call.dialog.offer(held);
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs, contact: `<${at('answered')}>` });
    await outcome;
    await ask();
    const second = call.dialog.offer(held);
    answer(await rig.peer.nextRequest('INVITE'), 200, { body: theirs });
    await second;
    await ask();
    expect(targets).toEqual([rig.peer.uri, at('updated'), at('updated'), at('answered'), at('answered')]);
  });
});

describe('requests of the peer in a dialog', () => {
  it.each(['INFO', 'REFER', 'NOTIFY', 'MESSAGE'])('hands %s up, and answers as it is told', async (method) => {
    const call = await rig.called();
    const seen: InboundRequest[] = [];
    call.dialog.onRequest((request) => {
      seen.push(request);
      request.respond(method === 'REFER' ? 202 : 200);
    });
    call.send(method, { body: 'x', headers: [['Content-Type', 'text/plain']] });
    const { headers } = await rig.peer.nextResponse(method === 'REFER' ? 202 : 200);
    const place = method === 'REFER' || method === 'NOTIFY' ? `<sip:gateway@127.0.0.1:${rig.port}>` : undefined;
    expect(headers.get('Contact')).toBe(place);
    expect(seen.map((request) => [request.method, request.body?.content])).toEqual([[method, 'x']]);
  });

  it('answers 481 to all of them once it has ended, and 200 to BYE', async () => {
    const call = await rig.called();
    void call.dialog.bye();
    const bye = await rig.peer.nextRequest('BYE');
    for (const method of ['INFO', 'UPDATE', 'REFER']) {
      call.send(method);
      expect((await rig.peer.nextResponse(481)).headers.get('CSeq')).toContain(method);
    }
    call.send('BYE');
    await rig.peer.nextResponse(200);
    answer(bye, 200);
    await until(() => rig.stack.liveObjects()['dialog'] === 0);
  });
});
