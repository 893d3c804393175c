import { describe, expect, it } from 'vitest';
import { type LineEffect, type LineEvent, type RunningLine, runLine } from '../../../src/demo/line.js';
import { calledBack } from '../../../src/demo/lines/call-back.js';
import { knownNumbers, lineOf } from '../../../src/demo/lines/directory.js';
import { demoNumbers } from '../../../src/web/demo/numbers.js';

const does = (effects: readonly LineEffect[]): string =>
  effects
    .filter((effect) => effect.do !== 'tell')
    .map((effect) => {
      if (effect.do === 'say') return effect.prompts.join('+');
      if (effect.do === 'refuse') return String(effect.status);
      return effect.do === 'press' ? `press ${effect.digits.join('')}` : effect.do;
    })
    .join(' ');

/** Runs events through a line and tells what it did at the beginning and at each. */
function played(line: RunningLine | undefined, ...events: readonly (LineEvent['type'] | { readonly key: '5' })[]): readonly string[] {
  if (line === undefined) return ['no such line'];
  const happen = (event: (typeof events)[number]): LineEvent => {
    if (typeof event === 'object') return { type: 'pressed', digit: event.key };
    return event === 'pressed' ? { type: 'pressed', digit: '1' } : { type: event };
  };
  return [does(line.begin()), ...events.map((event) => does(line.take(happen(event))))];
}

describe('The lines of the demo carrier', () => {
  it('are those that the demo page offers', () => {
    expect([...knownNumbers]).toEqual(demoNumbers.map(({ number }) => number).sort());
  });

  it('do not exist for any other number', () => {
    expect(lineOf('1008')).toBeUndefined();
    expect(lineOf('')).toBeUndefined();
  });

  it('echo: greets, then gives back sound and keys, and leaves when it lasts too long', () => {
    expect(played(lineOf('1002'), 'waited', { key: '5' }, 'keyed', 'said', { key: '5' }, 'too-long', 'said', 'waited', 'said')).toEqual([
      'ring wait',
      'answer echo',
      'press 5',
      '',
      'echo',
      'press 5',
      'stop-waiting goodbye',
      'wait',
      'hang-up',
      '',
    ]);
  });

  it('nobody home: rings, and gives up only when it lasts too long', () => {
    expect(played(lineOf('1003'), 'waited', 'pressed', 'too-long', 'too-long')).toEqual(['ring', '', '', '480', '']);
  });

  it('busy and declined: 486 at once, 603 after a ring', () => {
    expect(played(lineOf('1004'), 'waited')).toEqual(['486', '']);
    expect(played(lineOf('1005'), 'waited', 'waited')).toEqual(['ring wait', '603', '']);
  });

  it('call back: promises, hangs up when the caller does not, and calls back only once the call is over', () => {
    expect(played(lineOf('1006'), 'waited', 'said', 'waited', 'ended')).toEqual([
      'ring wait',
      'answer call-back',
      'wait',
      'hang-up',
      'call-back',
    ]);
    expect(played(lineOf('1006'), 'waited', 'ended')).toEqual(['ring wait', 'answer call-back', 'call-back']);
    expect(played(lineOf('1006'), 'ended')).toEqual(['ring wait', '']);
  });

  it('called back: speaks, presses keys, says goodbye', () => {
    expect(played(runLine(calledBack), 'said', 'keyed', 'waited', 'said', 'waited')).toEqual([
      'called-back',
      'press 123',
      'wait',
      'stop-waiting goodbye',
      'wait',
      'hang-up',
    ]);
  });

  it('announcement: speaks before it answers, and answers only afterwards', () => {
    expect(played(lineOf('1007'), 'pressed', 'said', 'waited', 'said', 'waited')).toEqual([
      'open-early announcement',
      '',
      'wait',
      'answer stop-waiting picked-up+goodbye',
      'wait',
      'hang-up',
    ]);
  });
});
