import { describe, expect, it } from 'vitest';
import { codecsOf, eventMaskOf, eventsOf } from '../../../../src/media/sdp/audio-formats.js';
import { parseSdp, type SdpSection } from '../../../../src/media/sdp/session-description.js';

function section(formats: string, ...lines: readonly string[]): SdpSection {
  const [only] = parseSdp(['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', `m=audio 1 RTP/AVP ${formats}`, ...lines].join('\r\n')).sections;
  if (only === undefined) throw new Error('no section');
  return only;
}

describe('audio formats', () => {
  it('are known without rtpmap by their static numbers (R6)', () => {
    expect(codecsOf(section('9 8 0 13'))).toEqual([
      { codec: 'PCMA', payloadType: 8 },
      { codec: 'PCMU', payloadType: 0 },
    ]);
  });

  it('are known by rtpmap under any number and in any case', () => {
    expect(codecsOf(section('100 101', 'a=rtpmap:100 pcma/8000', 'a=rtpmap:101 PcMu/8000/1'))).toEqual([
      { codec: 'PCMA', payloadType: 100 },
      { codec: 'PCMU', payloadType: 101 },
    ]);
  });

  it('believe an rtpmap before a static number, and want the right clock', () => {
    expect(codecsOf(section('0 8', 'a=rtpmap:0 opus/48000/2', 'a=rtpmap:8 PCMA/16000'))).toEqual([]);
  });

  it('do not count what has an rtpmap and is not on the m= line', () => {
    expect(codecsOf(section('9 200 x', 'a=rtpmap:0 PCMU/8000'))).toEqual([]);
    expect(eventsOf(section('0', 'a=rtpmap:101 telephone-event/8000'))).toEqual([]);
  });

  it('put the telephone-event of the audio clock first, whatever the order', () => {
    const lines = ['a=rtpmap:97 telephone-event/48000', 'a=rtpmap:126 telephone-event/8000', 'a=fmtp:126 0-11'];
    expect(eventsOf(section('0 97 126', ...lines))).toEqual([
      { payloadType: 126, clockRateHz: 8000, eventMask: 0x0fff },
      { payloadType: 97, clockRateHz: 48_000, eventMask: 0xffff },
    ]);
  });

  it('take a telephone-event without clock for 8000', () => {
    expect(eventsOf(section('0 101', 'a=rtpmap:101 telephone-event'))).toMatchObject([{ clockRateHz: 8000 }]);
  });

  it.each([
    [undefined, 0xffff],
    ['0-15', 0xffff],
    ['0-16', 0x1ffff],
    ['0-11,16', 0x10fff],
    [' 0 - 9 , 10,11,12-15,66,70', 0xffff],
    ['events=0-15', 0xffff],
    ['10', 0x400],
    ['66,70', 0],
    ['whatever', 0xffff],
    ['', 0xffff],
  ])('read the event list %j (D10)', (parameters, mask) => {
    expect(eventMaskOf(parameters)).toBe(mask);
  });
});
