import { beforeEach, describe, expect, it } from 'vitest';
import type { CallQuality } from '../../../../src/web/widget/quality.js';
import { QualityWatch } from '../../../../src/web/widget/quality-watch.js';
import { FakeClock } from '../../../support/fake-clock.js';

describe('the watch over how well a call is heard', () => {
  let clock: FakeClock;
  let watch: QualityWatch;
  let seen: CallQuality[];
  let reports: CallQuality[];
  let counts: { received: number; energy: number | undefined; arrived: number | undefined };
  /** What each look adds. */
  let each: { received: number; energy: number; arrived: number };
  let deaths: number;
  let expects: { incoming: boolean; outgoing: boolean };

  beforeEach(() => {
    clock = new FakeClock();
    seen = [];
    reports = [];
    counts = { received: 0, energy: 0, arrived: 0 };
    deaths = 0;
    each = { received: 100, energy: 0.1, arrived: 17_000 };
    expects = { incoming: true, outgoing: true };
    watch = new QualityWatch({
      clock,
      stats: async () => {
        counts = {
          received: counts.received + each.received,
          energy: counts.energy === undefined ? undefined : counts.energy + each.energy,
          arrived: counts.arrived === undefined ? undefined : counts.arrived + each.arrived,
        };
        const entries: [string, unknown][] = [['I', { type: 'inbound-rtp', kind: 'audio', packetsReceived: counts.received }]];
        if (counts.energy !== undefined) entries.push(['M', { type: 'media-source', kind: 'audio', totalAudioEnergy: counts.energy }]);
        if (counts.arrived !== undefined)
          entries.push([
            'P',
            { type: 'candidate-pair', bytesReceived: counts.arrived, responsesReceived: Math.floor(counts.arrived / 10_000) },
          ]);
        return new Map(entries) as unknown as RTCStatsReport;
      },
      expects: () => expects,
      onQuality: (quality) => seen.push(quality),
      onDead: () => {
        deaths += 1;
      },
      onReport: (quality) => reports.push(quality),
    });
    watch.start();
  });
  const hints = (): unknown[] => seen.map(({ hint }) => hint);

  it('tells every two seconds from the second look on, and reports every ten', async () => {
    await clock.advanceAsync(24_000);
    expect(seen).toHaveLength(11);
    expect(reports).toHaveLength(2);
    watch.stop();
    await clock.advanceAsync(10_000);
    expect([seen.length, clock.liveTimers]).toEqual([11, 0]);
  });

  it('reports at once when there is another hint', async () => {
    each.energy = 0;
    await clock.advanceAsync(8_000);
    expect(reports.map(({ hint }) => hint)).toEqual(['microphone-silent']);
    each.energy = 0.1;
    await clock.advanceAsync(2_000);
    expect(reports.map(({ hint }) => hint)).toEqual(['microphone-silent', undefined]);
  });

  it('says once that the path is dead, when not a byte came over it for four seconds', async () => {
    await clock.advanceAsync(4_000);
    each = { ...each, received: 0, arrived: 0 };
    await clock.advanceAsync(2_000);
    expect(deaths).toBe(0);
    await clock.advanceAsync(8_000);
    expect(deaths).toBe(1);
    each.arrived = 40;
    await clock.advanceAsync(2_000);
    each.arrived = 0;
    await clock.advanceAsync(4_000);
    expect(deaths).toBe(2);
  });

  it('takes silence for no dead path: on hold, with answers to checks, and where the browser counts none', async () => {
    await clock.advanceAsync(4_000);
    each = { ...each, received: 0, arrived: 0 };
    expects = { incoming: false, outgoing: false };
    await clock.advanceAsync(10_000);
    expects = { incoming: true, outgoing: true };
    each.arrived = 10_000;
    await clock.advanceAsync(10_000);
    counts.arrived = undefined;
    await clock.advanceAsync(10_000);
    expect(deaths).toBe(0);
  });

  it('tells that nothing comes in after six seconds of it', async () => {
    await clock.advanceAsync(4_000);
    each.received = 0;
    await clock.advanceAsync(6_000);
    expect(hints()).toEqual([undefined, undefined, undefined, 'no-incoming-sound']);
    each.received = 100;
    await clock.advanceAsync(2_000);
    expect(hints().at(-1)).toBeUndefined();
  });

  it('expects nothing to come in while the call is on hold', async () => {
    expects = { incoming: false, outgoing: false };
    each = { received: 0, energy: 0, arrived: 100 };
    await clock.advanceAsync(30_000);
    expect(hints().filter((hint) => hint !== undefined)).toEqual([]);
  });

  it('tells of a microphone that never gave a sound, and of none that did', async () => {
    each.energy = 0;
    await clock.advanceAsync(8_000);
    expect(hints()).toEqual([undefined, undefined, 'microphone-silent']);
    each.energy = 0.1;
    await clock.advanceAsync(2_000);
    each.energy = 0;
    await clock.advanceAsync(30_000);
    expect(
      hints()
        .slice(3)
        .every((hint) => hint === undefined),
    ).toBe(true);
  });

  it('does not blame a microphone that is muted, or of which the browser tells nothing', async () => {
    each.energy = 0;
    expects = { incoming: true, outgoing: false };
    await clock.advanceAsync(20_000);
    counts.energy = undefined;
    expects = { incoming: true, outgoing: true };
    await clock.advanceAsync(20_000);
    expect(hints().every((hint) => hint === undefined)).toBe(true);
  });
});
