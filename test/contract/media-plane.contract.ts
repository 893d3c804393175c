import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSessionId } from '../../src/base/ids.js';
import type { LiveObjects } from '../../src/base/live-objects.js';
import type { LegOptions, MediaEvent, MediaPlane, UdpLegOptions, WebRtcLegOptions } from '../../src/media/plane.js';

export interface PlaneUnderTest {
  readonly plane: MediaPlane;
}

const udp: UdpLegOptions = { kind: 'udp', codecs: ['PCMA', 'PCMU'], learnFrom: [] };
const webrtc: WebRtcLegOptions = { kind: 'webrtc', codecs: ['PCMU', 'PCMA'] };

/** A trunk's SDP. */
export function trunkSdp(payloads: readonly string[] = ['8 PCMA', '101 telephone-event'], port = 39_000): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${payloads.map((payload) => payload.split(' ')[0]).join(' ')}`,
    ...payloads.map((payload) => `a=rtpmap:${payload}/8000`),
    'a=sendrecv',
    '',
  ].join('\r\n');
}

/** A browser's offer, as small as one can be. */
export function browserSdp(setup = 'actpass', payloads: readonly string[] = ['111 opus', '0 PCMU', '126 telephone-event']): string {
  return [
    'v=0',
    'o=- 7 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${payloads.map((payload) => payload.split(' ')[0]).join(' ')}`,
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=rtcp-mux',
    'a=sendrecv',
    `a=setup:${setup}`,
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuv',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
    ...payloads.map((payload) => `a=rtpmap:${payload}/${payload.endsWith('opus') ? '48000/2' : '8000'}`),
    '',
  ].join('\r\n');
}

const originOf = (sdp: string): readonly string[] => /^o=\S+ (\d+) (\d+)/m.exec(sdp)?.slice(1) ?? [];

/** What every media plane does, whatever carries its packets. */
export function mediaPlaneContract(name: string, make: () => Promise<PlaneUnderTest>): void {
  describe(`the media plane port, as ${name} has it`, () => {
    let plane: MediaPlane;
    let baseline: LiveObjects;

    beforeEach(async () => {
      ({ plane } = await make());
      await plane.start();
      baseline = await plane.liveObjects();
    });
    afterEach(async () => {
      await plane.stop();
    });

    async function opened() {
      const session = newSessionId();
      await plane.open(session);
      return session;
    }

    const codeOf = async (request: Promise<unknown>): Promise<unknown> => {
      try {
        await request;
        return 'resolved';
      } catch (thrown) {
        return (thrown as { code?: unknown }).code;
      }
    };

    it('starts twice and stops twice without harm', async () => {
      await plane.start();
      await plane.stop();
      await plane.stop();
      await plane.start();
    });

    it('holds nothing before the first session', () => {
      expect(baseline).toMatchObject({ media_session: 0, media_socket: 0, media_timer: 0, media_port: 0 });
      expect(baseline['media_worker']).toBeGreaterThan(0);
    });

    it('refuses a second session of the same id', async () => {
      const session = await opened();
      expect(await codeOf(plane.open(session))).toBe('wrong-state');
    });

    it('offers a trunk its codecs in order, and telephone-events', async () => {
      const sdp = await plane.offer(await opened(), 'b', udp);
      expect(sdp).toMatch(/^m=audio \d+ RTP\/AVP 8 0 \d+\r$/m);
      expect(sdp).toMatch(/^a=rtpmap:\d+ telephone-event\/8000\r$/m);
      expect(Number(/^m=audio (\d+)/m.exec(sdp)?.[1]) % 2).toBe(0);
    });

    it('answers a trunk with one codec and its telephone-event', async () => {
      const sdp = await plane.answer(await opened(), 'a', trunkSdp(['0 PCMU', '8 PCMA', '96 telephone-event']), udp);
      expect(sdp).toMatch(/^m=audio \d+ RTP\/AVP 8 96\r$/m);
    });

    it('answers a browser as DTLS server, with ICE, multiplexed', async () => {
      const sdp = await plane.answer(await opened(), 'a', browserSdp(), webrtc);
      expect(sdp).toMatch(/^m=audio \d+ UDP\/TLS\/RTP\/SAVPF 0 126\r$/m);
      for (const line of ['a=setup:passive', 'a=rtcp-mux', 'a=ice-lite', 'a=group:BUNDLE 0']) expect(sdp).toContain(`${line}\r\n`);
      expect(sdp).toMatch(/^a=fingerprint:sha-256 [0-9A-F:]{95}\r$/m);
      expect(sdp).toMatch(/^a=candidate:\S+ 1 udp \d+ \S+ \d+ typ host\r$/m);
    });

    it('says the same again when a re-offer changes nothing', async () => {
      const session = await opened();
      const first = await plane.answer(session, 'a', trunkSdp(), udp);
      expect(await plane.answer(session, 'a', trunkSdp(), udp)).toBe(first);
    });

    it('raises the version of its SDP when a re-offer changes it, on the same port', async () => {
      const session = await opened();
      const first = await plane.answer(session, 'a', trunkSdp(), udp);
      const second = await plane.answer(session, 'a', trunkSdp(['0 PCMU', '101 telephone-event']), udp);
      expect(originOf(second)).toEqual([originOf(first)[0], String(Number(originOf(first)[1]) + 1)]);
      expect(/^m=audio (\d+)/m.exec(second)?.[1]).toBe(/^m=audio (\d+)/m.exec(first)?.[1]);
    });

    it('takes an answer again, from a fork or at last', async () => {
      const session = await opened();
      await plane.offer(session, 'b', udp);
      await plane.accept(session, 'b', trunkSdp());
      await plane.accept(session, 'b', trunkSdp(['0 PCMU'], 39_002));
      expect((await plane.stats(session)).b?.codec).toBe('PCMU');
    });

    it('cannot read what is not SDP', async () => {
      const session = await opened();
      expect(await codeOf(plane.answer(session, 'a', 'hello', udp))).toBe('sdp-malformed');
      expect(await codeOf(plane.answer(session, 'a', '', webrtc))).toBe('sdp-malformed');
    });

    it('refuses an offer with no codec of ours, and frees what it had taken for it', async () => {
      const session = await opened();
      expect(await codeOf(plane.answer(session, 'a', trunkSdp(['18 G729']), udp))).toBe('sdp-not-acceptable');
      expect(await codeOf(plane.answer(session, 'a', browserSdp('actpass', ['111 opus']), webrtc))).toBe('sdp-not-acceptable');
      expect(await plane.liveObjects()).toMatchObject({ media_session: 1, media_socket: 0, media_port: 0 });
    });

    it('keeps a leg as it was when a re-offer is refused', async () => {
      const session = await opened();
      const first = await plane.answer(session, 'a', trunkSdp(), udp);
      expect(await codeOf(plane.answer(session, 'a', trunkSdp(['18 G729']), udp))).toBe('sdp-not-acceptable');
      expect(await plane.answer(session, 'a', trunkSdp(), udp)).toBe(first);
    });

    it('refuses an answer where it made no offer, and a leg that changes its kind', async () => {
      const session = await opened();
      expect(await codeOf(plane.accept(session, 'b', trunkSdp()))).toBe('wrong-state');
      await plane.answer(session, 'a', trunkSdp(), udp);
      expect(await codeOf(plane.accept(session, 'a', trunkSdp()))).toBe('wrong-state');
      expect(await codeOf(plane.answer(session, 'a', browserSdp(), webrtc))).toBe('wrong-state');
    });

    it('knows no session that was never opened, or is closed', async () => {
      const closed = await opened();
      await plane.close(closed);
      for (const session of [newSessionId(), closed]) {
        expect(await codeOf(plane.offer(session, 'a', udp))).toBe('unknown-session');
        expect(await codeOf(plane.answer(session, 'a', trunkSdp(), udp))).toBe('unknown-session');
        expect(await codeOf(plane.accept(session, 'a', trunkSdp()))).toBe('unknown-session');
        expect(await codeOf(plane.sendDigits(session, 'a', [{ digit: '1', durationMs: 100 }]))).toBe('unknown-session');
        expect(await codeOf(plane.stats(session))).toBe('unknown-session');
      }
    });

    it('refuses digits for a peer that takes none, and for a leg that is not there', async () => {
      const session = await opened();
      expect(await codeOf(plane.sendDigits(session, 'a', [{ digit: '1', durationMs: 100 }]))).toBe('wrong-state');
      await plane.answer(session, 'a', trunkSdp(['8 PCMA']), udp);
      expect(await codeOf(plane.sendDigits(session, 'a', [{ digit: '1', durationMs: 100 }]))).toBe('wrong-state');
    });

    for (const [digits, payloads, as] of [
      ['events', ['8 PCMA', '101 telephone-event'], 'rfc4733'],
      ['tones', ['8 PCMA', '101 telephone-event'], 'inband'],
      ['auto', ['8 PCMA', '101 telephone-event'], 'rfc4733'],
      ['auto', ['8 PCMA'], 'inband'],
    ] as const) {
      it(`says of each digit when it has left, as ${as} on a leg of ${digits} to a peer of ${payloads.length} formats`, async () => {
        const session = await opened();
        await plane.answer(session, 'a', trunkSdp(payloads), { ...udp, digits });
        const told: MediaEvent[] = [];
        const both = new Promise<void>((resolve) => {
          plane.onEvent((event) => event.type === 'digit-sent' && told.push(event) === 2 && resolve());
        });
        const presses = await plane.sendDigits(session, 'a', [
          { digit: '1', durationMs: 60 },
          { digit: '#', durationMs: 80 },
        ]);
        await both;
        expect(new Set(presses).size).toBe(2);
        const packets = as === 'rfc4733' ? 2 : 0;
        expect(told).toEqual([
          { type: 'digit-sent', session, leg: 'a', press: presses[0], as, durationMs: 60, packets: packets + 3 },
          { type: 'digit-sent', session, leg: 'a', press: presses[1], as, durationMs: 80, packets: packets + 4 },
        ]);
      });
    }

    it('offers and answers no telephone-events where digits are tones or not in the media', async () => {
      for (const digits of ['tones', 'none'] as const) {
        const session = await opened();
        expect(await plane.offer(session, 'b', { ...udp, digits })).not.toContain('telephone-event');
        await plane.accept(session, 'b', trunkSdp(['8 PCMA']));
        expect(await plane.answer(session, 'a', trunkSdp(), { ...udp, digits })).toMatch(/^m=audio \d+ RTP\/AVP 8\r$/m);
        expect(await codeOf(plane.sendDigits(session, 'a', [{ digit: '1', durationMs: 60 }]))).toBe(
          digits === 'tones' ? 'resolved' : 'wrong-state',
        );
        expect(await plane.answer(session, 'a', trunkSdp(), { ...udp, digits: 'auto' }), 'a re-offer may change it').toContain(
          'telephone-event',
        );
      }
    });

    it('sends no message where no data channel is open, and knows no session that is not there', async () => {
      const session = await opened();
      expect(await plane.sendMessage(session, 'a', '{}')).toBe(false);
      await plane.answer(session, 'a', browserSdp(), webrtc);
      await plane.answer(session, 'b', trunkSdp(), udp);
      expect([await plane.sendMessage(session, 'a', '{}'), await plane.sendMessage(session, 'b', '{}')]).toEqual([false, false]);
      expect(await codeOf(plane.sendMessage(newSessionId(), 'a', '{}'))).toBe('unknown-session');
    });

    const directionOf = (sdp: string): string | undefined => /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m.exec(sdp)?.[1];
    const held = (direction: string): string => trunkSdp().replace('a=sendrecv', `a=${direction}`);

    it('offers the direction it is asked for, with a new version only when it changes', async () => {
      const session = await opened();
      const first = await plane.offer(session, 'b', udp);
      const hold = await plane.offer(session, 'b', { ...udp, direction: 'sendonly' });
      const again = await plane.offer(session, 'b', { ...udp, direction: 'sendonly' });
      expect([first, hold, again].map(directionOf)).toEqual(['sendrecv', 'sendonly', 'sendonly']);
      expect(again).toBe(hold);
      expect(originOf(hold)[1]).toBe(String(Number(originOf(first)[1]) + 1));
    });

    it('answers hold as its kind demands and says what the far end does, once for each change', async () => {
      const session = await opened();
      const told: unknown[] = [];
      plane.onEvent((event) => event.type === 'leg-direction' && told.push([event.leg, event.direction]));
      const answers: (string | undefined)[] = [];
      for (const direction of ['sendrecv', 'sendonly', 'sendonly', 'inactive', 'recvonly', 'sendrecv']) {
        answers.push(directionOf(await plane.answer(session, 'a', held(direction), udp)));
      }
      const oldWay = trunkSdp().replace('c=IN IP4 127.0.0.1', 'c=IN IP4 0.0.0.0');
      answers.push(directionOf(await plane.answer(session, 'a', oldWay, udp)));

      expect(answers).toEqual(['sendrecv', 'recvonly', 'recvonly', 'inactive', 'sendonly', 'sendrecv', 'recvonly']);
      await plane.stats(session);
      expect(told).toEqual([
        ['a', 'sendonly'],
        ['a', 'inactive'],
        ['a', 'recvonly'],
        ['a', 'sendrecv'],
        ['a', 'sendonly'],
      ]);
    });

    it('says what the far end answers to our hold', async () => {
      const session = await opened();
      const told: unknown[] = [];
      plane.onEvent((event) => event.type === 'leg-direction' && told.push([event.leg, event.direction]));
      await plane.offer(session, 'b', { ...udp, direction: 'sendonly' });
      await plane.accept(session, 'b', held('sendrecv'));
      await plane.offer(session, 'b', udp);
      await plane.accept(session, 'b', held('sendrecv'));
      await plane.stats(session);
      expect(told).toEqual([
        ['b', 'recvonly'],
        ['b', 'sendrecv'],
      ]);
    });

    it('makes a third leg ready and puts it in the place of one, of another kind too', async () => {
      const session = await opened();
      await plane.answer(session, 'a', browserSdp(), webrtc);
      await plane.answer(session, 'b', trunkSdp(), udp);
      const before = await plane.liveObjects();
      const offer = await plane.offer(session, 'c', udp);
      await plane.accept(session, 'c', trunkSdp(['0 PCMU', '101 telephone-event'], 39_100));
      expect(await plane.stats(session)).toMatchObject({ a: { kind: 'webrtc' }, b: { kind: 'udp', codec: 'PCMA' } });

      expect(await plane.replace(session, 'a')).toMatchObject({ kind: 'webrtc', codec: 'PCMU' });
      const after = await plane.stats(session);
      expect(after).toMatchObject({ a: { kind: 'udp', codec: 'PCMU' }, b: { kind: 'udp', codec: 'PCMA' } });
      expect(after.path).toHaveLength(2);
      expect(await plane.offer(session, 'a', udp), 'it keeps its port').toContain(/^m=audio \d+ /m.exec(offer)?.[0] ?? 'no port');
      expect(await plane.liveObjects()).toMatchObject({
        media_socket: (before['media_socket'] ?? 0) + 1,
        media_port: (before['media_port'] ?? 0) + 1,
      });
    });

    it('has nothing to put in a place when no third leg was made', async () => {
      const session = await opened();
      await plane.answer(session, 'a', trunkSdp(), udp);
      expect(await codeOf(plane.replace(session, 'a'))).toBe('wrong-state');
      expect((await plane.stats(session)).a).toMatchObject({ codec: 'PCMA' });
    });

    it('drops one leg, which can then be made anew of another kind', async () => {
      const session = await opened();
      await plane.answer(session, 'a', trunkSdp(), udp);
      await plane.offer(session, 'b', webrtc);
      expect(await plane.drop(session, 'b')).toMatchObject({ kind: 'webrtc' });
      expect(await plane.drop(session, 'b')).toBeUndefined();
      expect(await plane.liveObjects()).toMatchObject({ media_socket: 2, media_port: 2 });
      expect(await plane.offer(session, 'b', udp)).toContain('RTP/AVP');
      expect(await codeOf(plane.drop(newSessionId(), 'b'))).toBe('unknown-session');
    });

    it('gives the last counters at close, and nothing the second time', async () => {
      const session = await opened();
      const legs: readonly ['a' | 'b', string, LegOptions][] = [
        ['a', browserSdp(), webrtc],
        ['b', trunkSdp(), udp],
      ];
      for (const [leg, offer, options] of legs) await plane.answer(session, leg, offer, options);
      const last = await plane.close(session);
      expect(last).toMatchObject({ session, a: { kind: 'webrtc', codec: 'PCMU' }, b: { kind: 'udp', codec: 'PCMA' } });
      expect(last?.path).toHaveLength(2);
      expect(await plane.close(session)).toBeUndefined();
      expect(await plane.close(newSessionId())).toBeUndefined();
    });

    it('holds nothing more after many sessions than before', async () => {
      for (let round = 0; round < 5; round += 1) {
        const sessions = await Promise.all(Array.from({ length: 4 }, opened));
        await Promise.all(sessions.map((session) => plane.answer(session, 'a', browserSdp(), webrtc)));
        await Promise.all(sessions.map((session) => plane.offer(session, 'b', udp)));
        expect(await plane.liveObjects()).toMatchObject({ media_session: 4, media_socket: 12, media_port: 12 });
        await Promise.all(sessions.map((session) => plane.close(session)));
      }
      expect(await plane.liveObjects()).toEqual(baseline);
    });

    it('frees open sessions when it stops', async () => {
      const session = await opened();
      await plane.answer(session, 'a', browserSdp(), webrtc);
      await plane.stop();
      await plane.start();
      expect(await plane.liveObjects()).toEqual(baseline);
      expect(await codeOf(plane.stats(session))).toBe('unknown-session');
    });
  });
}
