import { describe, expect, it } from 'vitest';
import { LocalDescription } from '../../../../src/media/sdp/local-description.js';
import { parseSdp } from '../../../../src/media/sdp/session-description.js';
import type { SdpAnswer } from '../../../../src/media/sdp/udp-sdp.js';
import { readWebRtcAnswer, writeWebRtcAnswer, writeWebRtcOffer } from '../../../../src/media/sdp/webrtc-sdp.js';
import type { LocalWebRtc } from '../../../../src/media/sdp/webrtc-transport.js';
import { errorOf, LOCAL_WEBRTC, vector } from './vectors.js';

const description = (): LocalDescription => new LocalDescription({ sessionId: '88', address: '203.0.113.5' });
const OPTIONS = { codecs: ['PCMU', 'PCMA'], direction: 'sendrecv' } as const;
const OFFERS = [
  'captured-chromium-156-offer',
  'chrome-156-audio-offer',
  'chrome-156-audio-video-data-offer',
  'firefox-140-audio-data-offer',
];

function answerTo(offer: string, local: Partial<LocalWebRtc> = {}, codecs: readonly ('PCMU' | 'PCMA')[] = OPTIONS.codecs): SdpAnswer {
  return writeWebRtcAnswer(description(), parseSdp(offer), { ...LOCAL_WEBRTC, ...local }, { ...OPTIONS, codecs });
}

const linesOf = (text: string, pattern: RegExp): readonly string[] => text.split('\r\n').filter((line) => pattern.test(line));

describe('an answer to a browser', () => {
  it('is this, byte for byte, for Chrome’s audio', () => {
    expect(answerTo(vector('chrome-156-audio-offer')).sdp).toBe(
      [
        ...[
          'v=0',
          'o=- 88 1 IN IP4 203.0.113.5',
          's=-',
          'c=IN IP4 203.0.113.5',
          't=0 0',
          'a=ice-lite',
          'a=group:BUNDLE 0',
          'a=msid-semantic: WMS call',
        ],
        ...['m=audio 40000 UDP/TLS/RTP/SAVPF 0 126', 'a=ice-ufrag:gwuf', 'a=ice-pwd:gwpasswordgwpasswordgw'],
        ...['a=candidate:1 1 udp 2130706431 203.0.113.5 40000 typ host', 'a=end-of-candidates', 'a=fingerprint:sha-256 AA:BB:CC'],
        ...['a=setup:passive', 'a=mid:0', 'a=sendrecv', 'a=rtcp-mux', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:126 telephone-event/8000'],
        ...[
          'a=fmtp:126 0-15',
          'a=ptime:20',
          'a=msid:call call-audio',
          'a=ssrc:4000000000 cname:gateway',
          'a=ssrc:4000000000 msid:call call-audio',
          '',
        ],
      ].join('\r\n'),
    );
  });

  it.each(OFFERS)('to %s has one codec and one telephone-event of clock 8000, in as many sections as offered', (name) => {
    const offer = vector(name);
    const { sdp, audio } = answerTo(offer, {}, ['PCMA', 'PCMU']);
    expect(linesOf(sdp, /^a=rtpmap/)).toEqual([
      'a=rtpmap:8 PCMA/8000',
      `a=rtpmap:${audio.telephoneEvent?.sendPayloadType} telephone-event/8000`,
    ]);
    expect(linesOf(sdp, /^m=/).length).toBe(linesOf(offer, /^m=/).length);
    expect(linesOf(sdp, /^a=extmap|^a=rtcp-fb/)).toEqual([]);
    expect(audio.telephoneEvent).toMatchObject({ clockRateHz: 8000, sendEventMask: 0xffff });
    expect(parseSdp(sdp).sections.map(({ mid }) => mid)).toEqual(parseSdp(offer).sections.map(({ mid }) => mid));
  });

  it('takes the data channel into the bundle and refuses video in its place', () => {
    const { sdp, audio } = answerTo(vector('chrome-156-audio-video-data-offer'));
    expect(linesOf(sdp, /^m=|BUNDLE|sctp|max-message/)).toEqual([
      'a=group:BUNDLE 0 2',
      'm=audio 40000 UDP/TLS/RTP/SAVPF 0 126',
      'm=video 0 UDP/TLS/RTP/SAVPF 98 99',
      'm=application 40000 UDP/DTLS/SCTP webrtc-datachannel',
      'a=sctp-port:5000',
      'a=max-message-size:65536',
    ]);
    expect(audio.webRtc?.dataChannel).toEqual({ mid: '2', sctpPort: 5000, maxMessageSize: 262_144 });
  });

  it('refuses the data channel when we have none, and when it has a transport of its own', () => {
    const offer = vector('chrome-156-audio-video-data-offer');
    const { dataChannel: _, ...withoutData } = LOCAL_WEBRTC;
    const answer = writeWebRtcAnswer(description(), parseSdp(offer), withoutData, OPTIONS);
    expect(linesOf(answer.sdp, /^m=application|BUNDLE/)).toEqual(['a=group:BUNDLE 0', 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel']);
    expect(linesOf(answerTo(offer.replace('BUNDLE 0 1 2', 'BUNDLE 0 1')).sdp, /^m=application/)).toEqual([
      'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
    ]);
    expect(answerTo(offer.replace('a=group:BUNDLE 0 1 2\r\n', '')).sdp).not.toContain('BUNDLE');
  });

  it('reads the transport of the browser', () => {
    const { webRtc, remote } = answerTo(vector('firefox-140-audio-data-offer')).audio;
    expect(webRtc).toMatchObject({ mid: '0', setup: 'passive', ice: { usernameFragment: '12345678', lite: false, endOfCandidates: true } });
    expect(webRtc?.ice.candidates[0]).toBe('0 1 UDP 2122252543 192.168.1.21 57922 typ host');
    expect(webRtc?.fingerprints).toMatchObject([{ algorithm: 'sha-256', value: expect.stringMatching(/^D2:FA:/) }]);
    expect(remote).toMatchObject({ address: '192.168.1.21', port: 57_922, rtcpPort: 57_922, rtcpMux: true });
  });

  it('uses the transport of the first of the bundle when the audio has none of its own', () => {
    const [audio = '', rest = ''] = vector('chrome-156-audio-video-data-offer').split(/(?=m=video)/);
    const bare =
      audio
        .split(/(?=m=audio)/)[1]
        ?.replace(/a=(ice-ufrag|ice-pwd|fingerprint|setup).*\r\n/g, '')
        .replace('audio 9', 'audio 0') ?? '';
    const offer = `${audio.split('m=audio')[0]?.replace('BUNDLE 0 1 2', 'BUNDLE 1 0 2')}${rest}${bare}a=bundle-only\r\n`;
    const { sdp, audio: agreed } = answerTo(offer);
    expect(agreed.webRtc?.ice.usernameFragment).toBe('Qm3r');
    expect(linesOf(sdp, /^m=audio|BUNDLE/)).toEqual(['a=group:BUNDLE 0 2', 'm=audio 40000 UDP/TLS/RTP/SAVPF 0 126']);
  });

  it.each([
    ['actpass', 'active', 'active'],
    ['actpass', 'passive', 'passive'],
    ['active', 'active', 'passive'],
    ['passive', 'passive', 'active'],
  ] as const)('to setup:%s, preferring %s, is %s (C2)', (offered, preferred, setup) => {
    const { sdp, audio } = answerTo(vector('chrome-156-audio-offer').replace('setup:actpass', `setup:${offered}`), { setup: preferred });
    expect([linesOf(sdp, /^a=setup/), audio.webRtc?.setup]).toEqual([[`a=setup:${setup}`], setup]);
  });

  it('takes a missing setup for a free choice, and has no mid nor bundle where none was offered', () => {
    const offer = vector('chrome-156-audio-offer')
      .replace('a=setup:actpass\r\n', '')
      .replace('a=mid:0\r\n', '')
      .replace('a=group:BUNDLE 0\r\n', '');
    const { sdp, audio } = answerTo(offer);
    expect(audio.webRtc?.setup).toBe('passive');
    expect(audio.webRtc?.mid).toBeUndefined();
    expect(linesOf(sdp, /mid:0|BUNDLE/)).toEqual([]);
  });

  it('takes no telephone-event rather than one of another clock', () => {
    const { sdp, audio } = answerTo(vector('chrome-156-audio-offer').replace('a=rtpmap:126 telephone-event/8000\r\n', ''));
    expect(sdp).not.toContain('telephone-event');
    expect(audio.telephoneEvent).toBeUndefined();
  });

  it('leaves out ice-lite when we are a full agent, and mirrors directions', () => {
    const offer = vector('chrome-156-audio-offer').replace('a=sendrecv', 'a=sendonly');
    const { sdp, audio } = answerTo(offer, { ice: { ...LOCAL_WEBRTC.ice, lite: false } });
    expect(sdp).not.toContain('ice-lite');
    expect([audio.direction, linesOf(sdp, /^a=recvonly/).length]).toEqual(['recvonly', 1]);
  });

  it('is the same bytes again for the same offer, and keeps all that carries DTLS when only the direction changes (O3)', () => {
    const said = description();
    const offer = parseSdp(vector('chrome-156-audio-offer'));
    const first = writeWebRtcAnswer(said, offer, LOCAL_WEBRTC, OPTIONS).sdp;
    expect(writeWebRtcAnswer(said, offer, LOCAL_WEBRTC, OPTIONS).sdp).toBe(first);
    const held = writeWebRtcAnswer(said, offer, LOCAL_WEBRTC, { ...OPTIONS, direction: 'sendonly' }).sdp;
    expect(held).toBe(first.replace('o=- 88 1', 'o=- 88 2').replace('a=sendrecv', 'a=sendonly'));
  });

  it.each([
    ['no audio', (offer: string) => offer.replace('m=audio', 'm=video')],
    ['plain RTP', (offer: string) => offer.replace('UDP/TLS/RTP/SAVPF', 'RTP/AVP')],
    ['no ICE, bundled with nobody', (offer: string) => offer.replace(/a=ice-(ufrag|pwd).*\r\n/g, '').replace('a=mid:0\r\n', '')],
    [
      'no ICE, bundled with a section that is not there',
      (offer: string) => offer.replace(/a=ice-(ufrag|pwd).*\r\n/g, '').replace('BUNDLE 0', 'BUNDLE 7 0'),
    ],
    ['no rtcp-mux (R8)', (offer: string) => offer.replace('a=rtcp-mux\r\n', '')],
    ['no G.711', (offer: string) => offer.replace('96 35 9 0 8 13 97 126', '96 9')],
    ['no ICE', (offer: string) => offer.replace(/a=ice-(ufrag|pwd).*\r\n/g, '')],
    ['a short password', (offer: string) => offer.replace(/a=ice-pwd.*\r\n/, 'a=ice-pwd:short\r\n')],
    ['no fingerprint', (offer: string) => offer.replace(/a=fingerprint.*\r\n/, '')],
    ['setup:holdconn', (offer: string) => offer.replace('actpass', 'holdconn')],
  ])('is not given to an offer of %s', (_, change) => {
    const offer = vector('chrome-156-audio-offer');
    expect(change(offer)).not.toBe(offer);
    expect(errorOf(() => answerTo(change(offer))).code).toBe('sdp-not-acceptable');
  });
});

describe('an offer to a browser', () => {
  it('has no telephone-event where none is wanted, at first and in a running dialog, and takes none', () => {
    const options = { ...OPTIONS, telephoneEvents: false };
    const previous = parseSdp(vector('chrome-156-audio-offer'));
    const answered = writeWebRtcAnswer(description(), previous, LOCAL_WEBRTC, options);
    expect(answered.sdp).not.toContain('telephone-event');
    expect(answered.audio.telephoneEvent).toBeUndefined();
    for (const before of [undefined, previous]) {
      const { sdp, offered } = writeWebRtcOffer(description(), LOCAL_WEBRTC, options, before);
      expect(sdp).not.toContain('telephone-event');
      expect(offered.eventPayloadType).toBeUndefined();
    }
  });

  it('has both codecs, one telephone-event, and leaves the role open', () => {
    const { sdp, offered } = writeWebRtcOffer(description(), LOCAL_WEBRTC, OPTIONS);
    expect(linesOf(sdp, /^m=|BUNDLE|setup|mid:|rtpmap/)).toEqual([
      ...['a=group:BUNDLE 0 1', 'm=audio 40000 UDP/TLS/RTP/SAVPF 0 8 101', 'a=setup:actpass', 'a=mid:0'],
      ...['a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000'],
      ...['m=application 40000 UDP/DTLS/SCTP webrtc-datachannel', 'a=setup:actpass', 'a=mid:1'],
    ]);
    const { dataChannel: _, ...withoutData } = LOCAL_WEBRTC;
    expect(linesOf(writeWebRtcOffer(description(), withoutData, OPTIONS).sdp, /^m=|BUNDLE/)).toEqual([
      ...['a=group:BUNDLE 0', 'm=audio 40000 UDP/TLS/RTP/SAVPF 0 8 101'],
    ]);
    const audio = readWebRtcAnswer(parseSdp(vector('chrome-156-answer')), offered);
    expect(audio).toMatchObject({
      codec: 'PCMU',
      telephoneEvent: { sendPayloadType: 101 },
      direction: 'sendrecv',
      webRtc: { setup: 'passive', mid: '0' },
    });
  });

  it('reads what Chromium answered to it', () => {
    const { offered } = writeWebRtcOffer(description(), LOCAL_WEBRTC, OPTIONS);
    const audio = readWebRtcAnswer(parseSdp(vector('captured-chromium-156-answer')), offered);
    expect(audio).toMatchObject({
      codec: 'PCMU',
      telephoneEvent: { sendPayloadType: 101, clockRateHz: 8000 },
      webRtc: { setup: 'passive' },
    });
  });

  it('takes a missing role in the answer for the active one, and the defaults of a bare data channel', () => {
    const previous = parseSdp(vector('chrome-156-audio-video-data-offer'));
    const { offered } = writeWebRtcOffer(description(), LOCAL_WEBRTC, OPTIONS, previous);
    const answer = vector('chrome-156-audio-video-data-offer').replace(/a=(setup|sctp-port|max-message-size).*\r\n/g, '');
    const { webRtc } = readWebRtcAnswer(parseSdp(answer), offered);
    expect(webRtc).toMatchObject({ setup: 'passive', dataChannel: { sctpPort: 5000, maxMessageSize: 65_536 } });
  });

  it('in a running dialog without events or data channel offers none', () => {
    const { dataChannel: _, ...withoutData } = LOCAL_WEBRTC;
    const previous = parseSdp(vector('chrome-156-audio-video-data-offer').replace('a=rtpmap:126 telephone-event/8000\r\n', ''));
    const { sdp } = writeWebRtcOffer(description(), withoutData, OPTIONS, previous);
    expect(linesOf(sdp, /^m=|telephone/)).toEqual([
      ...['m=audio 40000 UDP/TLS/RTP/SAVPF 0', 'm=video 0 UDP/TLS/RTP/SAVPF 98 99', 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel'],
    ]);
  });

  it.each([
    ['passive', 'active'],
    ['active', 'passive'],
  ])('answered with setup:%s makes us %s', (answered, ours) => {
    const { offered } = writeWebRtcOffer(description(), LOCAL_WEBRTC, OPTIONS);
    const answer = vector('chrome-156-answer').replace('setup:active', `setup:${answered}`);
    expect(readWebRtcAnswer(parseSdp(answer), offered).webRtc?.setup).toBe(ours);
  });

  it.each([
    ['port 0', (answer: string) => answer.replace('m=audio 9', 'm=audio 0')],
    ['no section', (answer: string) => answer.slice(0, answer.indexOf('m=audio'))],
    ['an open role', (answer: string) => answer.replace('setup:active', 'setup:actpass')],
    ['other codecs', (answer: string) => answer.replace('0 8 101', '9')],
  ])('answered with %s is refused', (_, change) => {
    const { offered } = writeWebRtcOffer(description(), LOCAL_WEBRTC, OPTIONS);
    expect(errorOf(() => readWebRtcAnswer(parseSdp(change(vector('chrome-156-answer'))), offered)).code).toBe('sdp-not-acceptable');
  });

  it('in a running dialog keeps every section, mid and payload type (O1, O2)', () => {
    const previous = parseSdp(vector('chrome-156-audio-video-data-offer'));
    const { sdp, offered } = writeWebRtcOffer(description(), LOCAL_WEBRTC, { ...OPTIONS, direction: 'sendonly' }, previous);
    expect(linesOf(sdp, /^m=|BUNDLE|setup|^a=sendonly/)).toEqual([
      ...['a=group:BUNDLE 0 2', 'm=audio 40000 UDP/TLS/RTP/SAVPF 0 126', 'a=setup:actpass', 'a=sendonly'],
      ...['m=video 0 UDP/TLS/RTP/SAVPF 98 99', 'm=application 40000 UDP/DTLS/SCTP webrtc-datachannel', 'a=setup:actpass'],
    ]);
    expect(offered).toMatchObject({ audioIndex: 0, eventPayloadType: 126, direction: 'sendonly' });
  });

  it('reads the data channel out of an answer', () => {
    const previous = parseSdp(vector('chrome-156-audio-video-data-offer'));
    const { offered } = writeWebRtcOffer(description(), LOCAL_WEBRTC, OPTIONS, previous);
    const answer = vector('chrome-156-audio-video-data-offer').replaceAll('actpass', 'active');
    expect(readWebRtcAnswer(parseSdp(answer), offered).webRtc?.dataChannel).toMatchObject({ mid: '2' });
  });

  it('starts afresh when what the browser said before holds no audio of ours', () => {
    const previous = parseSdp(vector('chrome-156-audio-offer').replace('m=audio', 'm=video'));
    expect(writeWebRtcOffer(description(), LOCAL_WEBRTC, OPTIONS, previous).offered.eventPayloadType).toBe(101);
  });
});
