import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.js';
import { broken, kept } from '../../../src/conformance/finding.js';
import { medianLatencyMs, reportJson, reportText } from '../../../src/conformance/report.js';
import { StallWatch } from '../../../src/conformance/stall-watch.js';
import { verdictsOf } from '../../../src/conformance/verdict.js';
import { FakeClock } from '../../support/fake-clock.js';

const rules = [
  { id: 'D1', about: 'one' },
  { id: 'D2', about: 'two' },
  { id: 'D3', about: 'three' },
  { id: 'D4', about: 'four' },
];

const evidence = {
  direction: 'in' as const,
  findings: [kept('D1', 'all well'), kept('D1', 'all well'), kept('D2', 'all well'), broken('D2', 'a hole'), broken('D2', 'another')],
  notPlayed: [{ rule: 'D3', why: 'no such clock' }],
};

describe('the verdicts of a check', () => {
  it('are broken by one fault, kept by none, and not applicable where nothing was seen', () => {
    expect(verdictsOf(rules, evidence).map(({ rule, result, seen }) => [rule, result, seen])).toEqual([
      ['D1', 'pass', 'all well (all 2 times).'],
      ['D2', 'fail', 'a hole (2 of 3 times).'],
      ['D3', 'not-applicable', 'no such clock.'],
      ['D4', 'not-applicable', 'nothing that came out tells of it.'],
    ]);
  });

  it('are told line by line, and to programs as JSON', () => {
    const verdicts = verdictsOf(rules, evidence);
    const exercises = [7, 1, 3].map((latencyMs) => ({ direction: 'in' as const, rule: 'D1', name: 'one', findings: [], latencyMs }));
    const text = reportText(verdicts, exercises);
    expect(text).toContain('D2  in   FAIL  a hole (2 of 3 times).\n');
    expect(text).toContain('1 passed, 1 failed, 2 not applicable, 3 calls; median time to the first event packet 3.0 ms\n');
    expect(JSON.parse(reportJson(verdicts, exercises))).toMatchObject({ verdicts, medianLatencyMs: 3 });
    expect(medianLatencyMs([])).toBeUndefined();
  });
});

describe('the watch for stalls of our own', () => {
  it('knows what was read late, and how late we were at most', () => {
    const time = new FakeClock();
    let lateMs = 0;
    const clock: Clock = {
      nowMs: () => time.nowMs() + lateMs,
      wallMs: () => time.wallMs(),
      after: (delayMs, run) => time.after(delayMs, run),
      liveTimers: 0,
    };
    const watch = new StallWatch({ clock });
    watch.start();
    time.advance(100);
    expect(watch.mayHaveWaited(clock.nowMs())).toBe(false);
    expect(watch.longestMs(0, clock.nowMs())).toBe(0);
    lateMs = 70;
    time.advance(5);
    const overMs = clock.nowMs();
    expect([overMs - 70, overMs, overMs + 5, overMs + 6, overMs - 80].map((atMs) => watch.mayHaveWaited(atMs))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect([watch.longestMs(0, 100), watch.longestMs(0, overMs), watch.longestMs(overMs + 1, overMs + 50)]).toEqual([0, 70, 0]);
    watch.stop();
    expect(time.liveTimers).toBe(0);
  });
});
