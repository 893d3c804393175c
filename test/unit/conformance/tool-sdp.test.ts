import { describe, expect, it } from 'vitest';
import { answerOffer, readToolAnswer, writeToolOffer } from '../../../src/conformance/tool-sdp.js';

const near = { address: '127.0.0.1', port: 4000 };
const far = { address: '127.0.0.1', port: 5000 };

describe('the descriptions of a check', () => {
  it.each([
    [8000, 'pcmu'],
    [16_000, 'speex'],
    [48_000, 'opus'],
  ])('agree with each other on events of %i Hz beside %s', (clockRateHz, codec) => {
    const answer = answerOffer(writeToolOffer(near, clockRateHz), far, clockRateHz);
    const agreed = readToolAnswer(answer?.sdp ?? '', clockRateHz);
    for (const side of [agreed, answer?.agreed]) {
      expect(side?.audio.name.toLowerCase()).toBe(codec);
      expect(side?.events).toMatchObject({ clockRateHz, audioClockRateHz: clockRateHz, listed: true, mask: 0x1ffff });
    }
    expect(agreed?.remote).toEqual(far);
    expect(answer?.agreed.remote).toEqual(near);
    expect(agreed?.events?.sendPayloadType).toBe(answer?.agreed.events?.receivePayloadType);
  });

  it('send by the numbers of the answer and take those of the offer', () => {
    const answer = [
      'v=0',
      'o=- 1 1 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=audio 7000 RTP/AVP 8 96',
      'a=rtpmap:96 telephone-event/8000',
      '',
    ];
    const agreed = readToolAnswer(answer.join('\r\n'), 8000);
    expect(agreed?.audio).toEqual({ name: 'PCMA', sendPayloadType: 8, receivePayloadType: 8 });
    expect(agreed?.events).toMatchObject({ sendPayloadType: 96, receivePayloadType: 101, listed: false, mask: 0xffff });
    expect(agreed?.remote).toEqual({ address: '192.0.2.1', port: 7000 });
  });

  it('do without events, and without audio not at all', () => {
    const without = writeToolOffer(near, 8000)
      .replace(/ 101\b/, '')
      .replace(/a=(rtpmap|fmtp):101.*\r\n/g, '');
    expect(answerOffer(without, far, 8000)?.agreed.events).toBeUndefined();
    expect(answerOffer(without.replace('m=audio 4000', 'm=audio 0'), far, 8000)).toBeUndefined();
    expect(answerOffer(without.replace('RTP/AVP 0 8', 'RTP/AVP 18'), far, 8000)).toBeUndefined();
  });
});
