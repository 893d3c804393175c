import { describe, expect, it } from 'vitest';
import { SilenceWatch } from '../../../../src/media/embedded/silence-watch.js';

describe('the silence watch', () => {
  it('investigates half-way, tells at the time set, and again after twice and four times as long', () => {
    const watch = new SilenceWatch({ afterMs: 1000 });
    watch.restart(0);
    expect([100, 500, 600, 1000, 1500, 2000, 3000, 4000].map((nowMs) => watch.look(nowMs))).toEqual([
      undefined,
      'investigate',
      undefined,
      1000,
      undefined,
      2000,
      undefined,
      4000,
    ]);
  });

  it('says once that sound came back, and starts over', () => {
    const watch = new SilenceWatch({ afterMs: 1000 });
    watch.restart(0);
    expect(watch.heard(10)).toBe(false);
    expect(watch.look(1010)).toBe(1000);
    expect(watch.heard(1100)).toBe(true);
    expect(watch.heard(1120)).toBe(false);
    expect(watch.look(1700)).toBe('investigate');
    expect(watch.look(2120)).toBe(1000);
  });

  it('starts its clock anew with each SDP', () => {
    const watch = new SilenceWatch({ afterMs: 1000 });
    watch.restart(0);
    watch.restart(900);
    expect(watch.look(1300)).toBeUndefined();
    expect(watch.look(1900)).toBe(1000);
  });
});
