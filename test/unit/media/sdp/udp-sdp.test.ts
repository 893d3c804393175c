import { describe, expect, it } from 'vitest';
import { LocalDescription } from '../../../../src/media/sdp/local-description.js';
import type { NegotiatedAudio, SdpDirection } from '../../../../src/media/sdp/negotiated-audio.js';
import { parseSdp } from '../../../../src/media/sdp/session-description.js';
import { readUdpAnswer, type SdpAnswer, type UdpAudioOptions, writeUdpAnswer, writeUdpOffer } from '../../../../src/media/sdp/udp-sdp.js';
import { errorOf, LOCAL_UDP, UDP_OPTIONS, vector } from './vectors.js';

const description = (): LocalDescription => new LocalDescription({ sessionId: '77', address: '203.0.113.5' });
const HEAD = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.7', 't=0 0'];
const sdp = (...lines: readonly string[]): string => [...HEAD, ...lines, ''].join('\r\n');

function answerTo(offer: string, options: Partial<UdpAudioOptions> = {}): SdpAnswer {
  return writeUdpAnswer(description(), parseSdp(offer), LOCAL_UDP, { ...UDP_OPTIONS, ...options });
}

function readAnswer(answer: string, options: Partial<UdpAudioOptions> = {}): NegotiatedAudio {
  const { offered } = writeUdpOffer(description(), LOCAL_UDP, { ...UDP_OPTIONS, ...options });
  return readUdpAnswer(parseSdp(answer), offered);
}

describe('an offer to a trunk', () => {
  it('holds G.711, one telephone-event and 20 ms, byte for byte', () => {
    expect(writeUdpOffer(description(), LOCAL_UDP, UDP_OPTIONS).sdp).toBe(
      [
        ...['v=0', 'o=- 77 1 IN IP4 203.0.113.5', 's=-', 'c=IN IP4 203.0.113.5', 't=0 0'],
        ...['m=audio 30000 RTP/AVP 0 8 101', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000'],
        ...['a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-16', 'a=ptime:20', 'a=sendrecv', ''],
      ].join('\r\n'),
    );
  });

  it('keeps the order of preference and says where RTCP goes when it is not the next port', () => {
    const { sdp: text } = writeUdpOffer(
      description(),
      { ...LOCAL_UDP, rtcpPort: 30_007 },
      { ...UDP_OPTIONS, codecs: ['PCMA', 'PCMU'], direction: 'sendonly' },
    );
    expect(text).toContain('RTP/AVP 8 0 101\r\n');
    expect(text).toContain('a=rtcp:30007\r\n');
    expect(text).toContain('a=sendonly\r\n');
  });

  it('holds no telephone-event where none is wanted, and takes none from an answer then', () => {
    const { sdp: text } = writeUdpOffer(description(), LOCAL_UDP, { ...UDP_OPTIONS, telephoneEvents: false });
    expect(text).toContain('m=audio 30000 RTP/AVP 0 8\r\n');
    expect(text).not.toContain('telephone-event');
    const audio = readAnswer(sdp('m=audio 4000 RTP/AVP 8 101', 'a=rtpmap:101 telephone-event/8000'), { telephoneEvents: false });
    expect(audio.telephoneEvent).toBeUndefined();
    expect(audio.receivePayloadTypes.map(({ format }) => format)).toEqual(['PCMU', 'PCMA']);
  });

  it('is the same bytes again until something changes (O3)', () => {
    const said = description();
    const first = writeUdpOffer(said, LOCAL_UDP, UDP_OPTIONS).sdp;
    expect(writeUdpOffer(said, LOCAL_UDP, UDP_OPTIONS).sdp).toBe(first);
    expect(writeUdpOffer(said, LOCAL_UDP, { ...UDP_OPTIONS, direction: 'inactive' }).sdp).toContain('o=- 77 2 IN');
  });
});

describe('a trunk’s answer', () => {
  it('may use other payload types than we did: each direction has its own (O2, O9)', () => {
    expect(readAnswer(vector('trunk-plain-answer'))).toEqual({
      codec: 'PCMA',
      sendPayloadType: 8,
      receivePayloadTypes: [
        { payloadType: 0, format: 'PCMU' },
        { payloadType: 8, format: 'PCMA' },
        { payloadType: 101, format: 'telephone-event' },
        { payloadType: 96, format: 'telephone-event' },
      ],
      telephoneEvent: { clockRateHz: 8000, sendPayloadType: 96, sendEventMask: 0xffff },
      ptimeMs: 30,
      direction: 'sendrecv',
      remote: { address: '198.51.100.11', port: 18_422, rtcpAddress: '198.51.100.11', rtcpPort: 18_423, rtcpMux: false },
    });
  });

  it('may take no telephone-events', () => {
    const audio = readAnswer(sdp('m=audio 4000 RTP/AVP 0'));
    expect(audio.telephoneEvent).toBeUndefined();
    expect(audio).toMatchObject({ codec: 'PCMU', ptimeMs: 20 });
  });

  it('may have its address in the section, in IPv6, and RTCP elsewhere', () => {
    const audio = readAnswer(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:db8::9', 'a=rtcp:4444 IN IP6 2001:db8::a'));
    expect(audio.remote).toMatchObject({ address: '2001:db8::9', rtcpAddress: '2001:db8::a', rtcpPort: 4444 });
    expect(readAnswer(sdp('m=audio 4000 RTP/AVP 0', 'a=rtcp:4444')).remote).toMatchObject({ rtcpAddress: '192.0.2.7', rtcpPort: 4444 });
  });

  it.each([
    ['sendrecv', 'sendrecv'],
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
  ])('of %s means %s for us', (theirs, ours) => {
    expect(readAnswer(sdp('m=audio 4000 RTP/AVP 0', `a=${theirs}`)).direction).toBe(ours);
  });

  it('with no address holds us (O4)', () => {
    expect(readAnswer(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 0.0.0.0')).direction).toBe('recvonly');
    expect(readAnswer(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP6 ::')).direction).toBe('recvonly');
  });

  it('with a packet time nobody can mean counts as 20 ms', () => {
    expect(readAnswer(sdp('m=audio 4000 RTP/AVP 0', 'a=ptime:5000')).ptimeMs).toBe(20);
  });

  it.each([
    ['port 0', sdp('m=audio 0 RTP/AVP 0')],
    ['no section', sdp()],
    ['another medium', sdp('m=video 4000 RTP/AVP 0')],
    ['another profile', sdp('m=audio 4000 RTP/SAVP 0')],
    ['no address', sdp('m=audio 4000 RTP/AVP 0').replace('c=IN IP4 192.0.2.7\r\n', '')],
    ['other codecs', sdp('m=audio 4000 RTP/AVP 9 18')],
  ])('of %s is not acceptable', (_, text) => {
    expect(errorOf(() => readAnswer(text)).code).toBe('sdp-not-acceptable');
  });
});

describe('an answer to a trunk', () => {
  const offer = sdp('m=audio 4000 RTP/AVP 18 8 0 96', 'a=rtpmap:96 telephone-event/8000', 'a=fmtp:96 0-11', 'a=ptime:40');

  it('takes one codec of our preference and its own number for events, byte for byte', () => {
    const { sdp: text, audio } = answerTo(offer);
    expect(text).toBe(
      [
        ...['v=0', 'o=- 77 1 IN IP4 203.0.113.5', 's=-', 'c=IN IP4 203.0.113.5', 't=0 0'],
        ...['m=audio 30000 RTP/AVP 0 96', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:96 telephone-event/8000', 'a=fmtp:96 0-16'],
        ...['a=ptime:20', 'a=sendrecv', ''],
      ].join('\r\n'),
    );
    expect(audio).toMatchObject({
      ...{ codec: 'PCMU', sendPayloadType: 0, ptimeMs: 40, direction: 'sendrecv' },
      telephoneEvent: { sendPayloadType: 96, sendEventMask: 0x0fff, clockRateHz: 8000 },
      receivePayloadTypes: [
        { payloadType: 0, format: 'PCMU' },
        { payloadType: 96, format: 'telephone-event' },
      ],
    });
  });

  it('leaves out events that are not wanted', () => {
    const { sdp: text, audio } = answerTo(offer, { telephoneEvents: false });
    expect(text).not.toContain('telephone-event');
    expect([audio.telephoneEvent, audio.receivePayloadTypes.length]).toEqual([undefined, 1]);
  });

  it('refuses other sections in their places and keeps mids (O1)', () => {
    const text = answerTo(
      sdp(
        'm=video 5 RTP/AVP 31 34',
        'a=mid:v',
        'm=audio 0 RTP/AVP 0',
        'm=audio 9 RTP/SAVP 0',
        'm=audio 6 RTP/AVPF 8',
        'a=mid:a',
        'm=image 7 udptl t38',
      ),
    ).sdp;
    expect(text.split('\r\n').filter((line) => /^(m|a=mid)/.test(line))).toEqual([
      ...['m=video 0 RTP/AVP 31 34', 'a=mid:v', 'm=audio 0 RTP/AVP 0', 'm=audio 0 RTP/SAVP 0'],
      ...['m=audio 30000 RTP/AVPF 8', 'a=mid:a', 'm=image 0 udptl t38'],
    ]);
  });

  it('says rtcp-mux only when asked and able', () => {
    const muxed = sdp('m=audio 4000 RTP/AVP 0', 'a=rtcp-mux');
    expect(answerTo(muxed).sdp).not.toContain('rtcp-mux');
    const answer = answerTo(muxed, { rtcpMux: true });
    expect(answer.sdp).toContain('a=rtcp-mux\r\n');
    expect(answer.audio.remote).toMatchObject({ port: 4000, rtcpPort: 4000, rtcpAddress: '192.0.2.7', rtcpMux: true });
    expect(answerTo(offer, { rtcpMux: true }).sdp).not.toContain('rtcp-mux');
  });

  it('holds and resumes as RFC 6337 §5.3 has it, also after both sides held (O4)', () => {
    const said = description();
    const directions = (theirs: SdpDirection, ours: SdpDirection): SdpDirection => {
      const session = parseSdp(sdp('m=audio 4000 RTP/AVP 0', `a=${theirs}`));
      return writeUdpAnswer(said, session, LOCAL_UDP, { ...UDP_OPTIONS, direction: ours }).audio.direction;
    };
    expect([directions('sendonly', 'sendrecv'), directions('sendonly', 'sendonly'), directions('sendrecv', 'sendrecv')]).toEqual([
      ...['recvonly', 'inactive', 'sendrecv'],
    ]);
    expect(answerTo(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 0.0.0.0')).audio.direction).toBe('recvonly');
  });

  it.each([
    ['no audio', sdp('m=video 5 RTP/AVP 31'), 'it offers no audio'],
    ['audio of port 0', sdp('m=audio 0 RTP/AVP 0'), 'it offers no audio'],
    ['encrypted audio', sdp('m=audio 5 RTP/SAVP 0'), 'its audio is for RTP/SAVP, only plain RTP is taken here'],
    ['other codecs', sdp('m=audio 5 RTP/AVP 18 9'), 'its audio has none of PCMU, PCMA'],
  ])('is not given to an offer of %s', (_, text, detail) => {
    expect(errorOf(() => answerTo(text))).toEqual({ code: 'sdp-not-acceptable', detail });
  });

  it('agrees with what the offerer reads out of it', () => {
    const ours = writeUdpOffer(description(), LOCAL_UDP, UDP_OPTIONS);
    const theirs = answerTo(ours.sdp, { codecs: ['PCMA'] });
    const read = readUdpAnswer(parseSdp(theirs.sdp), ours.offered);
    expect([read.codec, read.telephoneEvent]).toEqual([theirs.audio.codec, theirs.audio.telephoneEvent]);
    expect(read.codec).toBe('PCMA');
  });
});
