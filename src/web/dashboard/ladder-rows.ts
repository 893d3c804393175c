import type { StoryMessage } from '../../story/call-story.js';
import type { Tone } from './words.js';

/** An arrow between two lanes of a ladder. */
export interface LadderRow {
  /** Of the message among all. */
  readonly index: number;
  /** The gap it crosses: left of the gateway's lane or right of it. */
  readonly gap: 'left' | 'right';
  readonly points: 'left' | 'right';
  readonly title: string;
  /** `sent 3 times`; empty when once. */
  readonly repeated: string;
  readonly hasSdp: boolean;
  readonly tone: Tone;
  readonly atMs: number;
  /** Where the arrow goes, for those who do not see it. */
  readonly spoken: string;
}

function toneOf(title: string): Tone {
  const status = /^([1-6])\d\d\b/.exec(title)?.[1];
  if (status === undefined || status === '1') return 'plain';
  if (status === '2') return 'good';
  // A challenge is part of logging in.
  return /^40[17]\b/.test(title) || status === '3' ? 'warn' : 'bad';
}

/** The arrows of a ladder; leg a is between the caller and the gateway, leg b between it and whoever was called. */
export function ladderRows(messages: readonly StoryMessage[], lanes: readonly string[]): readonly LadderRow[] {
  const [caller = 'Caller', gateway = 'Gateway', called = 'Called'] = lanes;
  return messages.map(({ leg, way, title, repeats, sdp, atMs }, index) => {
    const gap = leg === 'a' ? 'left' : 'right';
    const far = leg === 'a' ? caller : called;
    const repeated = repeats === 0 ? '' : `sent ${repeats + 1} times`;
    const [from, to] = way === 'in' ? [far, gateway] : [gateway, far];
    return {
      ...{ index, gap, title, repeated, atMs },
      points: (way === 'in') === (leg === 'a') ? 'right' : 'left',
      hasSdp: sdp !== undefined,
      tone: toneOf(title),
      spoken: `from ${from} to ${to}`,
    };
  });
}
