import { describe, expect, it } from 'vitest';
import { TelephoneEvent, writeTelephoneEvent } from '../../../../src/media/dtmf/telephone-event.js';

describe('the telephone-event payload', () => {
  it('reads back every volume with many durations and events', () => {
    const buffer = Buffer.alloc(6, 0xff);
    const view = new TelephoneEvent();
    let compared = 0;
    for (let volume = 0; volume < 64; volume += 1) {
      for (let duration = 1; duration <= 0xffff; duration += 251) {
        const [event, end] = [duration % 17, duration % 2 === 0];
        expect(writeTelephoneEvent(buffer, 2, event, end, volume, duration)).toBe(4);
        expect(view.read(buffer, 2, 6)).toBe(true);
        if (view.event !== event || view.end !== end || view.volume !== volume || view.duration !== duration) {
          expect(view).toMatchObject({ event, end, volume, duration });
        }
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(16_000);
  });

  it('writes R as zero and ignores it when reading (D13)', () => {
    const buffer = Buffer.alloc(4);
    writeTelephoneEvent(buffer, 0, 5, true, 63, 800);
    expect(buffer.toString('hex')).toBe('05bf0320');
    const view = new TelephoneEvent();
    view.read(Buffer.from('05ca0320', 'hex'), 0, 4);
    expect(view).toMatchObject({ event: 5, end: true, volume: 10, duration: 800 });
  });

  it('clamps what does not fit', () => {
    const buffer = Buffer.alloc(4);
    writeTelephoneEvent(buffer, 0, 1, false, 99, 70_000);
    expect(buffer.toString('hex')).toBe('013fffff');
    writeTelephoneEvent(buffer, 0, 1, false, -5, -1);
    expect(buffer.toString('hex')).toBe('01000000');
  });

  it('refuses less than four bytes and ends beyond the buffer', () => {
    const view = new TelephoneEvent();
    expect(view.read(Buffer.alloc(3), 0, 3)).toBe(false);
    expect(view.read(Buffer.alloc(4), 0, 5)).toBe(false);
  });
});
