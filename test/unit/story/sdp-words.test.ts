import { describe, expect, it } from 'vitest';
import { describeChanges, describePicture, readPicture, type SdpPicture } from '../../../src/story/sdp-words.js';

const sdp = (...lines: readonly string[]): string => ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', ...lines, ''].join('\r\n');

function read(...lines: readonly string[]): SdpPicture {
  const picture = readPicture(sdp(...lines));
  if (picture === undefined) throw new Error('no description');
  return picture;
}

const trunk = (port: number, formats: string, ...more: readonly string[]): SdpPicture =>
  read('c=IN IP4 192.0.2.1', 't=0 0', `m=audio ${port} RTP/AVP ${formats}`, 'a=rtpmap:101 telephone-event/8000', ...more);

describe('a session description in words', () => {
  it('says what a browser offers, and that its address is hidden', () => {
    const picture = read(
      't=0 0',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111 8 0 110',
      'c=IN IP4 0.0.0.0',
      'a=candidate:1 1 udp 2113937151 5d7ac2cb-3e5e.local 40000 typ host',
      'a=ice-ufrag:abcd',
      'a=rtpmap:111 opus/48000/2',
      'a=rtpmap:110 telephone-event/8000',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    );
    expect(describePicture(picture, false)).toEqual([
      'offers Opus, G.711 A-law, G.711 µ-law and key presses (telephone-event 8 kHz)',
      'wants to send and receive; address hidden (its own); encrypted by DTLS; a data channel too',
    ]);
  });

  it.each([
    [
      trunk(4000, '8 101'),
      true,
      'takes G.711 A-law and key presses (telephone-event 8 kHz)',
      'wants to send and receive; at 192.0.2.1 port 4000; not encrypted',
    ],
    [trunk(4000, '8'), true, 'takes G.711 A-law and no key presses', 'wants to send and receive; at 192.0.2.1 port 4000; not encrypted'],
    [
      trunk(4000, '97 101', 'a=rtpmap:97 SILK/16000', 'a=sendonly'),
      false,
      'offers SILK 16 kHz and key presses (telephone-event 8 kHz)',
      'wants to send only (hold); at 192.0.2.1 port 4000; not encrypted',
    ],
    [
      read('c=IN IP4 0.0.0.0', 't=0 0', 'a=recvonly', 'm=audio 4000 RTP/SAVP 3', 'a=crypto:1 x inline:y'),
      false,
      'offers payload 3 and no key presses',
      'wants neither to send nor to receive (hold); no address yet; encrypted with keys in the description (SDES)',
    ],
  ])('says the same of every kind (%#)', (picture, answer, first, second) => {
    expect(describePicture(picture, answer)).toEqual([first, second]);
  });

  it('says when audio is refused', () => {
    expect(describePicture(trunk(0, '0'), true)).toEqual(['refuses the audio (port 0)']);
    expect(describePicture(trunk(0, '0'), false)).toEqual(['switches off the audio (port 0)']);
  });

  it('says what has changed since the one before, and that nothing has', () => {
    const before = trunk(4000, '0 8 101');
    expect(describeChanges(before, before)).toEqual(['nothing changed']);
    expect(describeChanges(before, trunk(5000, '8', 'a=inactive'))).toEqual([
      'changed: formats from G.711 µ-law and G.711 A-law to G.711 A-law',
      'changed: key presses from telephone-event 8 kHz to none',
      'changed: direction from sendrecv to inactive',
      'changed: the address media goes to',
    ]);
    const ice = (user: string): SdpPicture => read('m=audio 9 UDP/TLS/RTP/SAVPF 0', 'c=IN IP4 0.0.0.0', `a=ice-ufrag:${user}`);
    expect(describeChanges(ice('a'), ice('b'))).toEqual(['changed: ICE starts anew']);
  });

  it('is none without audio, and of text that is something else', () => {
    expect(readPicture('Signal=1\r\n')).toBeUndefined();
    expect(readPicture(sdp('m=video 9 RTP/AVP 96'))).toBeUndefined();
  });
});
