import type { Digit } from '../media/dtmf/digit.js';
import { DtmfDecoder } from '../media/dtmf/dtmf-decoder.js';
import type { HeardPacket } from './capture.js';
import type { Exercise } from './exercise.js';
import { type Finding, found } from './finding.js';
import type { VectorDigit } from './vectors.js';

/** Rounding, and the first packet that says an interval before it is over. */
const TOLERANCE_MS = 21;

/** A digit that came by SIP INFO. */
export interface InfoPress {
  readonly digit: Digit;
  readonly durationMs: number;
}

/** The presses a correct receiver takes from what came out. */
export function digitsOf(packets: readonly HeardPacket[], clockRateHz: number): readonly VectorDigit[] {
  const digits: VectorDigit[] = [];
  const onDecoded = ({ type, digit, durationMs }: { readonly type: string; readonly digit: Digit; readonly durationMs: number }): void => {
    if (type === 'end') digits.push({ digit, durationMs });
  };
  const decoder = new DtmfDecoder({ clockRateHz }, { onDecoded });
  for (const { kind, ssrc, timestamp, payload, atMs } of packets) {
    if (kind !== 'event') continue;
    decoder.tick(atMs);
    decoder.receive(ssrc, timestamp, payload, 0, payload.length, atMs);
  }
  decoder.flush();
  return digits;
}

/** Whether exactly the digits of the exercise came out, each once and as long as it was pressed. */
export function judgeDigits(
  { rule, name, digits, lossy }: Pick<Exercise, 'rule' | 'name' | 'digits' | 'lossy'>,
  heard: { readonly rtp: readonly VectorDigit[]; readonly info: readonly InfoPress[] },
): readonly Finding[] {
  const both = heard.rtp.length > 0 && heard.info.length > 0;
  const came = both || heard.rtp.length > 0 ? heard.rtp : heard.info;
  const fault = wrongDigits(digits, came) ?? (came === heard.rtp ? wrongLength(digits, came, lossy) : undefined);
  const how = came === heard.info && came.length > 0 ? ', by SIP INFO' : '';
  return [
    found(rule, fault === undefined ? undefined : `${name}: ${fault}`, `the digits came out as pressed, each once${how}`),
    ...(both ? [found('D14', `${name}: the same digits came by RTP and by SIP INFO`, '')] : []),
  ];
}

function wrongDigits(pressed: readonly VectorDigit[], came: readonly VectorDigit[]): string | undefined {
  const [want, have] = [pressed, came].map((digits) => digits.map(({ digit }) => digit).join(''));
  if (want === have) return undefined;
  return `"${want}" was pressed, ${have === '' ? 'nothing' : `"${have}"`} came out`;
}

function wrongLength(pressed: readonly VectorDigit[], came: readonly VectorDigit[], lossy: boolean): string | undefined {
  for (const [n, { digit, durationMs }] of pressed.entries()) {
    const heardMs = came[n]?.durationMs ?? 0;
    const [tooShort, tooLong] = [durationMs - heardMs > TOLERANCE_MS, heardMs - durationMs > TOLERANCE_MS];
    if (tooLong || (tooShort && !lossy))
      return `"${digit}" was held ${Math.round(durationMs)} ms and came out ${Math.round(heardMs)} ms long`;
  }
  return undefined;
}
