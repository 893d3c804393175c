import { describe, expect, it } from 'vitest';
import { parseSdp } from '../../../../src/media/sdp/session-description.js';
import { integerIn, seededRandom } from '../seeded-random.js';
import { errorOf, vector } from './vectors.js';

const HEAD = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n';

describe('parseSdp', () => {
  it('keeps session id and version as text, whatever their size (O8)', () => {
    expect(parseSdp(vector('trunk-plain-answer'))).toMatchObject({
      sessionId: '18446744073709551615',
      sessionVersion: '18446744073709551615',
    });
    expect(parseSdp(vector('chrome-156-audio-offer')).sessionId).toBe('7614219274584779017');
  });

  it('reads the sections of a Chrome offer', () => {
    const session = parseSdp(vector('chrome-156-audio-video-data-offer'));
    expect(session.bundle).toEqual(['0', '1', '2']);
    expect(session.sections.map(({ kind, port, protocol, mid }) => [kind, port, protocol, mid])).toEqual([
      ['audio', 9, 'UDP/TLS/RTP/SAVPF', '0'],
      ['video', 9, 'UDP/TLS/RTP/SAVPF', '1'],
      ['application', 9, 'UDP/DTLS/SCTP', '2'],
    ]);
    expect(session.sections[2]).toMatchObject({ formats: ['webrtc-datachannel'], sctpPort: 5000, maxMessageSize: 262_144 });
  });

  it('keeps every candidate as it was written', () => {
    const [audio] = parseSdp(vector('chrome-156-audio-offer')).sections;
    expect(audio?.candidates.length).toBe(3);
    expect(audio?.candidates[1]).toContain('.local 51235 typ host');
  });

  it('lets sections inherit from the session, and have their own (O8)', () => {
    const text = `${HEAD}c=IN IP4 192.0.2.9\r\nt=0 0\r\na=sendonly\r\na=ice-ufrag:1234\r\na=ice-pwd:5678\r\na=setup:ACTIVE\r\na=end-of-candidates\r\na=fingerprint:SHA-256 aa:bb\r\n`;
    const own =
      'm=audio 1 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\na=inactive\r\na=ice-ufrag:own1\r\na=fingerprint:sha-1 01:02\r\na=fingerprint:sha-256 03:04\r\n';
    const [first, second] = parseSdp(`${text}m=audio 1 RTP/AVP 0\r\n${own}`).sections;
    expect(first).toMatchObject({
      connectionAddress: '192.0.2.9',
      direction: 'sendonly',
      iceUsernameFragment: '1234',
      icePassword: '5678',
    });
    expect(first).toMatchObject({ setup: 'active', endOfCandidates: true, fingerprints: [{ algorithm: 'sha-256', value: 'AA:BB' }] });
    expect(second).toMatchObject({
      connectionAddress: '2001:db8::1',
      direction: 'inactive',
      iceUsernameFragment: 'own1',
      icePassword: '5678',
    });
    expect(second?.fingerprints).toEqual([
      { algorithm: 'sha-1', value: '01:02' },
      { algorithm: 'sha-256', value: '03:04' },
    ]);
  });

  it('reads a=rtcp with and without an address, and a multicast c= line', () => {
    const text = `${HEAD}c=IN IP4 224.2.1.1/127/3\r\nm=audio 10 RTP/AVP 0\r\na=rtcp:53020\r\nm=audio 10 RTP/AVP 0\r\na=rtcp:53020 IN IP4 192.0.2.2\r\n`;
    const [first, second] = parseSdp(text).sections;
    expect([first?.connectionAddress, first?.rtcp, second?.rtcp]).toEqual([
      '224.2.1.1',
      { port: 53_020 },
      { port: 53_020, address: '192.0.2.2' },
    ]);
  });

  it('takes line ends of every kind and blank lines at the end', () => {
    for (const lineEnd of ['\r\n', '\n', '\r']) {
      expect(parseSdp(`${vector('trunk-plain-answer').replaceAll('\r\n', lineEnd)}${lineEnd}`).sections.length).toBe(1);
    }
  });

  it('passes over attributes that make no sense', () => {
    const text = `${HEAD}m=audio 10/2 RTP/AVP 0\r\na=rtpmap:x\r\na=fingerprint:md\r\na=ptime:none\r\na=maxptime\r\na=candidate:\r\na=group:BUNDLE\r\n`;
    const session = parseSdp(text);
    expect(session.bundle).toEqual([]);
    expect(session.sections[0]).toMatchObject({ port: 10, fingerprints: [], direction: 'sendrecv' });
    expect(session.sections[0]?.ptimeMs).toBeUndefined();
    expect(session.sections[0]?.connectionAddress).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['another version', HEAD.replace('v=0', 'v=1')],
    ['no origin', 'v=0\r\ns=-\r\n'],
    ['an origin of letters', HEAD.replace('1 1', 'a b')],
    ['an m= line without formats', `${HEAD}m=audio 1 RTP/AVP\r\n`],
    ['a port beyond the last', `${HEAD}m=audio 65536 RTP/AVP 0\r\n`],
    ['a port of letters', `${HEAD}m=audio x RTP/AVP 0\r\n`],
    ['a c= line of another network', `${HEAD}c=ATM NSAP 47\r\n`],
    ['a line that is none', `${HEAD}hello\r\n`],
    ['too much text', `${HEAD}${'a=x\r\n'.repeat(20_000)}`],
    ['too many sections', `${HEAD}${'m=audio 1 RTP/AVP 0\r\n'.repeat(65)}`],
  ])('refuses %s as malformed', (_, text) => {
    expect(errorOf(() => parseSdp(text)).code).toBe('sdp-malformed');
  });

  it('throws nothing but its own error, whatever is done to an offer', () => {
    const random = seededRandom(5);
    const base = vector('chrome-156-audio-offer');
    let refused = 0;
    for (let round = 0; round < 3000; round += 1) {
      const at = integerIn(random, 0, base.length - 1);
      const cut = integerIn(random, 0, 12);
      const put = String.fromCharCode(integerIn(random, 0, 255)).repeat(integerIn(random, 0, 3));
      try {
        parseSdp(base.slice(0, at) + put + base.slice(at + cut));
      } catch (error) {
        expect(error).toMatchObject({ code: 'sdp-malformed' });
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(50);
    expect(refused).toBeLessThan(2900);
  });
});
