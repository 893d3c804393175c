import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import type { OutboundOutcome, Progress } from '../../../../src/sip/port.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack, until } from '../../../support/sip-rigs.js';

const sdp = 'v=0\r\n';
const from = { uri: 'sip:+15550100@example.com' };

describe('an INVITE of the stack', () => {
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

  const contact = (): string => `<${peer.uri}>`;

  function place(options: Partial<Parameters<EmbeddedSip['call']>[0]> = {}) {
    const call = stack.call({ requestUri: peer.uri, from, offer: sdp, ...options });
    const heard: Progress[] = [];
    call.onProgress((progress) => heard.push(progress));
    const outcomes: OutboundOutcome[] = [];
    void call.outcome.then((outcome) => outcomes.push(outcome));
    return { call, heard, outcomes };
  }

  it('carries what every INVITE must, and a Contact in dialled form', async () => {
    place({ headers: [['P-Asserted-Identity', '<sip:+15550100@example.com>']] });
    const invite = await peer.nextRequest('INVITE');
    expect(invite.headers.get('Max-Forwards')).toBe('70');
    expect(invite.headers.get('CSeq')).toBe('1 INVITE');
    expect(invite.headers.get('Via')).toMatch(new RegExp(`^SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK[\\w-]{12};rport$`));
    expect(invite.headers.get('Contact')).toBe(`<sip:+15550100@127.0.0.1:${port}>`);
    expect(invite.headers.get('From')).toMatch(/^<sip:\+15550100@example\.com>;tag=[0-9a-f]{16}$/);
    expect(invite.headers.get('To')).toBe(`<${peer.uri}>`);
    expect(invite.headers.get('P-Asserted-Identity')).toBe('<sip:+15550100@example.com>');
    expect(invite.body.toString()).toBe(sdp);
  });

  it('acknowledges the 2xx at its Contact with the number of the INVITE, and again for each repeat', async () => {
    const { outcomes } = place();
    const invite = await peer.nextRequest('INVITE');
    const elsewhere = await RawSipPeer.open();
    const ok = peer.response(invite, 200, { tag: 't', contact: `<${elsewhere.uri}>`, body: sdp });
    peer.send(ok, port);
    const ack = await elsewhere.nextRequest('ACK');
    peer.send(ok, port);
    const again = await elsewhere.nextRequest('ACK');
    expect(ack.headers.get('CSeq')).toBe('1 ACK');
    expect(ack.requestUri).toBe(elsewhere.uri);
    expect(ack.headers.get('Via')).not.toBe(invite.headers.get('Via'));
    expect(again.headers.get('Via')).toBe(ack.headers.get('Via'));
    await until(() => outcomes.length === 1);
    await elsewhere.close();
  });

  it('takes the target of the 2xx, not that of an earlier 183', async () => {
    place();
    const invite = await peer.nextRequest('INVITE');
    peer.send(peer.response(invite, 183, { tag: 't', contact: '<sip:early@198.51.100.1>', body: sdp }), port);
    peer.send(peer.response(invite, 200, { tag: 't', contact: contact(), body: sdp }), port);
    expect((await peer.nextRequest('ACK')).requestUri).toBe(peer.uri);
  });

  it('takes 180 and 200 without Contact and without tag', async () => {
    const { heard, outcomes } = place();
    const invite = await peer.nextRequest('INVITE');
    peer.send(peer.response(invite, 180), port);
    peer.send(peer.response(invite, 200, { body: sdp }), port);
    expect((await peer.nextRequest('ACK')).requestUri).toBe(peer.uri);
    await until(() => outcomes.length === 1);
    expect(heard.map(({ status, fork }) => [status, fork])).toEqual([[180, '']]);
    expect(outcomes[0]).toMatchObject({ kind: 'answered', sdp, fork: '' });
  });

  it('takes the answer from the 183 of the same fork when the 200 leaves it out', async () => {
    const { outcomes } = place();
    const invite = await peer.nextRequest('INVITE');
    peer.send(peer.response(invite, 183, { tag: 'a', body: 'v=0\r\na=early\r\n' }), port);
    peer.send(peer.response(invite, 200, { tag: 'a', contact: contact() }), port);
    await until(() => outcomes.length === 1);
    expect(outcomes[0]).toMatchObject({ kind: 'answered', sdp: 'v=0\r\na=early\r\n' });
  });

  it('keeps forks apart, takes the first 2xx, and acknowledges and ends every other', async () => {
    const { heard, outcomes } = place();
    const invite = await peer.nextRequest('INVITE');
    peer.send(peer.response(invite, 180, { tag: 'a' }), port);
    peer.send(peer.response(invite, 183, { tag: 'b', body: sdp }), port);
    peer.send(peer.response(invite, 200, { tag: 'b', contact: contact(), body: sdp }), port);
    await peer.nextRequest('ACK');
    peer.send(peer.response(invite, 200, { tag: 'a', contact: contact(), body: sdp }), port);
    const ack = await peer.nextRequest('ACK');
    const bye = await peer.nextRequest('BYE');
    expect(ack.headers.get('To')).toMatch(/;tag=a$/);
    expect(bye.headers.get('To')).toMatch(/;tag=a$/);
    peer.send(peer.response(bye, 200), port);
    await until(() => heard.length === 2 && outcomes.length === 1);
    expect(heard.map(({ fork }) => fork)).toEqual(['a', 'b']);
    expect(outcomes[0]).toMatchObject({ kind: 'answered', fork: 'b' });
    await until(() => stack.liveObjects()['dialog'] === 1);
  });

  it('reverses Record-Route into its route set', async () => {
    place();
    const invite = await peer.nextRequest('INVITE');
    const headers = [['Record-Route', `<sip:last.example.com;lr>, <sip:127.0.0.1:${peer.port};lr>`]] as const;
    peer.send(peer.response(invite, 200, { tag: 't', contact: '<sip:far@198.51.100.7>', body: sdp, headers }), port);
    const ack = await peer.nextRequest('ACK');
    expect(ack.requestUri).toBe('sip:far@198.51.100.7');
    expect(ack.headers.all('Route')).toEqual([`<sip:127.0.0.1:${peer.port};lr>`, '<sip:last.example.com;lr>']);
  });

  it('is given up after 64*T1 without a word', async () => {
    const { outcomes } = place();
    await peer.nextRequest('INVITE');
    await clock.advanceAsync(32_000);
    expect(outcomes).toMatchObject([{ kind: 'failed', why: 'timeout' }]);
  });

  it('fails as refused within 2*T1 when nobody listens on the UDP port', async () => {
    const gone = await RawSipPeer.open();
    const { uri } = gone;
    await gone.close();
    const { outcomes } = place({ requestUri: uri });
    await until(() => stack.liveObjects()['sip_timer'] !== 0);
    clock.advance(500);
    await until(() => {
      clock.advance(10);
      return outcomes.length === 1 || clock.nowMs() > 31_000;
    });
    expect(outcomes).toMatchObject([{ kind: 'failed', why: 'refused' }]);
    expect(clock.nowMs()).toBeLessThan(5000);
  });

  it('fails at once as unresolvable toward a name without address and toward .invalid', async () => {
    const { outcomes: none } = place({ requestUri: 'sip:x@df7jal23ls0d.invalid;transport=ws' });
    const { outcomes: unknown } = place({ requestUri: 'sip:x@host.invalid' });
    await until(() => none.length + unknown.length === 2);
    expect([none[0], unknown[0]]).toMatchObject([{ why: 'unresolvable' }, { why: 'unresolvable' }]);
  });

  describe('being cancelled', () => {
    it('waits for a provisional response before the CANCEL, which follows the INVITE to the letter', async () => {
      const { call, outcomes } = place();
      const invite = await peer.nextRequest('INVITE');
      call.cancel({ headers: [['Reason', 'SIP;cause=200']] });
      await clock.advanceAsync(400);
      expect(peer.countOf('CANCEL')).toBe(0);
      peer.send(peer.response(invite, 100), port);
      const cancel = await peer.nextRequest('CANCEL');
      expect(cancel.requestUri).toBe(invite.requestUri);
      for (const name of ['Via', 'From', 'To', 'Call-ID']) expect(cancel.headers.get(name)).toBe(invite.headers.get(name));
      expect(cancel.headers.get('CSeq')).toBe('1 CANCEL');
      expect(cancel.headers.get('Reason')).toBe('SIP;cause=200');
      peer.send(peer.response(cancel, 200, { tag: 't' }), port);
      expect(outcomes).toEqual([]);
      peer.send(peer.response(invite, 487, { tag: 't' }), port);
      await peer.nextRequest('ACK');
      await until(() => outcomes.length === 1);
      expect(outcomes).toMatchObject([{ kind: 'failed', why: 'cancelled' }]);
    });

    it('acknowledges and ends a 2xx that crosses the CANCEL', async () => {
      const { call, outcomes } = place();
      const invite = await peer.nextRequest('INVITE');
      peer.send(peer.response(invite, 180, { tag: 't' }), port);
      await until(() => stack.liveObjects()['sip_timer'] === 0);
      call.cancel();
      const cancel = await peer.nextRequest('CANCEL');
      peer.send(peer.response(invite, 200, { tag: 't', contact: contact(), body: sdp }), port);
      peer.send(peer.response(cancel, 200, { tag: 't' }), port);
      await peer.nextRequest('ACK');
      peer.send(peer.response(await peer.nextRequest('BYE'), 200), port);
      await until(() => outcomes.length === 1 && stack.liveObjects()['dialog'] === 0);
      expect(outcomes).toMatchObject([{ kind: 'failed', why: 'cancelled' }]);
    });

    it('reports the refusal that crosses the CANCEL as what it is', async () => {
      const { call, outcomes } = place();
      const invite = await peer.nextRequest('INVITE');
      call.cancel();
      peer.send(peer.response(invite, 486, { tag: 't' }), port);
      await until(() => outcomes.length === 1);
      expect(outcomes).toMatchObject([{ kind: 'rejected', status: 486 }]);
      expect(peer.countOf('CANCEL')).toBe(0);
    });

    it('gives the INVITE up 64*T1 after a CANCEL that leads to nothing', async () => {
      const { call, outcomes } = place();
      const invite = await peer.nextRequest('INVITE');
      peer.send(peer.response(invite, 180, { tag: 't' }), port);
      await until(() => stack.liveObjects()['sip_timer'] === 0);
      call.cancel();
      peer.send(peer.response(await peer.nextRequest('CANCEL'), 200), port);
      await clock.advanceAsync(31_999);
      expect(outcomes).toEqual([]);
      await clock.advanceAsync(1);
      expect(outcomes).toMatchObject([{ kind: 'failed', why: 'cancelled' }]);
      await clock.advanceAsync(10_000);
      expect(stack.liveObjects()).toMatchObject({ transaction: 0, invite: 0 });
    });

    it('still answers a 2xx that comes after nobody waits for it', async () => {
      const { call } = place();
      const invite = await peer.nextRequest('INVITE');
      call.cancel();
      await clock.advanceAsync(400);
      peer.send(peer.response(invite, 200, { tag: 't', contact: contact(), body: sdp }), port);
      await peer.nextRequest('ACK');
      peer.send(peer.response(await peer.nextRequest('BYE'), 200), port);
      expect(await call.outcome).toMatchObject({ why: 'cancelled' });
    });
  });

  describe('being challenged', () => {
    const credentials = { user: 'u', password: 'secret' };
    const challenge = (nonce: string, more = ''): [string, string] => [
      'WWW-Authenticate',
      `Digest realm="r", nonce="${nonce}", qop="auth", algorithm=MD5${more}`,
    ];

    it('answers once, in the same call with the next number', async () => {
      place({ credentials });
      const first = await peer.nextRequest('INVITE');
      peer.send(peer.response(first, 401, { tag: 'x', headers: [challenge('n1')] }), port);
      await peer.nextRequest('ACK');
      const second = await peer.nextRequest('INVITE');
      expect(second.headers.get('CSeq')).toBe('2 INVITE');
      for (const name of ['Call-ID', 'From', 'To']) expect(second.headers.get(name)).toBe(first.headers.get(name));
      expect(second.headers.get('Via')).not.toBe(first.headers.get('Via'));
      expect(second.headers.get('Authorization')).toMatch(/username="u".*nonce="n1"/);
      expect(second.body.toString()).toBe(sdp);
      peer.send(peer.response(second, 200, { tag: 'y', contact: contact(), body: sdp }), port);
      const ack = await peer.nextRequest('ACK');
      expect(ack.headers.get('CSeq')).toBe('2 ACK');
      expect(ack.headers.get('Authorization')).toBe(second.headers.get('Authorization'));
    });

    it('does not answer a refusal of its credentials', async () => {
      const { outcomes } = place({ credentials });
      peer.send(peer.response(await peer.nextRequest('INVITE'), 401, { tag: 'x', headers: [challenge('n1')] }), port);
      peer.send(peer.response(await peer.nextRequest('INVITE'), 401, { tag: 'x', headers: [challenge('n2')] }), port);
      await until(() => outcomes.length === 1);
      expect(outcomes).toMatchObject([{ kind: 'rejected', status: 401 }]);
    });

    it('takes a stale nonce as reason for one more try, not for two', async () => {
      const { outcomes } = place({ credentials });
      for (const nonce of ['n1', 'n2', 'n3']) {
        const invite = await peer.nextRequest('INVITE');
        peer.send(peer.response(invite, 401, { tag: 'x', headers: [challenge(nonce, nonce === 'n1' ? '' : ', stale=true')] }), port);
      }
      await until(() => outcomes.length === 1);
      expect(outcomes).toMatchObject([{ kind: 'rejected', status: 401 }]);
      expect(peer.countOf('INVITE')).toBe(3);
    });

    it('does not answer without credentials, or once cancelled', async () => {
      const { outcomes: without } = place();
      peer.send(peer.response(await peer.nextRequest('INVITE'), 401, { tag: 'x', headers: [challenge('n1')] }), port);
      await until(() => without.length === 1);
      expect(without).toMatchObject([{ kind: 'rejected', status: 401 }]);
      const { call, outcomes } = place({ credentials });
      const invite = await peer.nextRequest('INVITE');
      call.cancel();
      peer.send(peer.response(invite, 401, { tag: 'x', headers: [challenge('n1')] }), port);
      await until(() => outcomes.length === 1);
      expect(outcomes).toMatchObject([{ kind: 'failed', why: 'cancelled' }]);
    });

    it('answers a challenge of a BYE in the dialog', async () => {
      const { outcomes } = place({ credentials });
      peer.send(peer.response(await peer.nextRequest('INVITE'), 200, { tag: 't', contact: contact(), body: sdp }), port);
      await until(() => outcomes.length === 1);
      const [outcome] = outcomes;
      if (outcome?.kind !== 'answered') throw new Error('not answered');
      const done = outcome.dialog.bye();
      peer.send(peer.response(await peer.nextRequest('BYE'), 401, { headers: [challenge('b1')] }), port);
      const bye = await peer.nextRequest('BYE');
      expect(bye.headers.get('CSeq')).toBe('3 BYE');
      expect(bye.headers.get('Authorization')).toContain('nonce="b1"');
      peer.send(peer.response(bye, 200), port);
      await done;
    });
  });

  it('waits 2.1 to 4 s after a 491 as owner of the Call-ID', async () => {
    const { outcomes } = place();
    peer.send(peer.response(await peer.nextRequest('INVITE'), 200, { tag: 't', contact: contact(), body: sdp }), port);
    await until(() => outcomes.length === 1);
    const [outcome] = outcomes;
    if (outcome?.kind !== 'answered') throw new Error('not answered');
    await peer.nextRequest('ACK');
    const result = outcome.dialog.offer(sdp);
    peer.send(peer.response(await peer.nextRequest('INVITE'), 491), port);
    await peer.nextRequest('ACK');
    await clock.advanceAsync(3049);
    expect(peer.countOf('INVITE')).toBe(2);
    await clock.advanceAsync(1);
    peer.send(peer.response(await peer.nextRequest('INVITE'), 488), port);
    expect(await result).toEqual({ status: 488 });
  });

  it('goes to the proxy it is told, with the Request-URI untouched', async () => {
    place({ requestUri: 'sip:+15550123@carrier.example', via: { proxy: `sip:127.0.0.1:${peer.port}` } });
    const invite = await peer.nextRequest('INVITE');
    expect(invite.requestUri).toBe('sip:+15550123@carrier.example');
    expect(invite.headers.has('Route')).toBe(false);
    peer.send(peer.response(invite, 200, { tag: 't', body: sdp }), port);
    expect((await peer.nextRequest('ACK')).requestUri).toBe('sip:+15550123@carrier.example');
  });

  it('registers with one Call-ID and rising numbers', async () => {
    const register = { method: 'REGISTER', requestUri: `sip:127.0.0.1:${peer.port}`, from, headers: [['Expires', '60']] as const };
    const seen: (string | undefined)[][] = [];
    for (let i = 0; i < 2; i += 1) {
      const response = stack.request(register);
      const request = await peer.nextRequest('REGISTER');
      seen.push([request.headers.get('Call-ID'), request.headers.get('CSeq'), request.headers.get('To')]);
      expect(request.headers.get('Contact')).toBe(`<sip:+15550100@127.0.0.1:${port}>`);
      peer.send(peer.response(request, 200), port);
      expect((await response).status).toBe(200);
    }
    expect(seen[0]?.[0]).toBe(seen[1]?.[0]);
    expect(seen.map((each) => each[1])).toEqual(['1 REGISTER', '2 REGISTER']);
    expect(seen[0]?.[2]).toBe('<sip:+15550100@example.com>');
  });
});
