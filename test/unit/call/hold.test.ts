import { describe, expect, it } from 'vitest';
import {
  asked,
  asks,
  farAsksForOffer,
  farOffers,
  farSays,
  type Hold,
  isHeld,
  notHeld,
  owed,
  seatedAnew,
  wanted,
} from '../../../src/call/hold.js';
import type { LegName, MediaDirection } from '../../../src/media/plane.js';

const directions: readonly MediaDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

/** The largest answer an offer leaves room for (RFC 3264 §6.1). */
const mirror: Readonly<Record<MediaDirection, MediaDirection>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/** What a far end that wants `will` answers to `offer`. */
function answerOf(offer: MediaDirection, will: MediaDirection): MediaDirection {
  const room = mirror[offer];
  const can = (way: 'send' | 'recv', direction: MediaDirection): boolean => direction.startsWith(way) || direction === 'sendrecv';
  const sends = can('send', room) && can('send', will);
  const receives = can('recv', room) && can('recv', will);
  if (sends) return receives ? 'sendrecv' : 'sendonly';
  return receives ? 'recvonly' : 'inactive';
}

const offered = (hold: Hold, leg: LegName, direction: MediaDirection): Hold => farSays(farOffers(hold, leg), leg, direction);

/** Tells every side what it is owed, each answering by its own will, until nobody is owed anything. Returns how many offers that took. */
function talk(start: Hold, wills: Readonly<Record<LegName, MediaDirection>>): { readonly hold: Hold; readonly offers: readonly string[] } {
  let hold = start;
  const offers: string[] = [];
  for (let round = 0; round < 20; round += 1) {
    const [leg] = owed(hold);
    if (leg === undefined) return { hold, offers };
    const said = wanted(hold, leg);
    offers.push(`${leg} ${said}`);
    hold = asked(asks(hold, leg), leg, true);
    hold = farSays(hold, leg, answerOf(said, wills[leg]));
  }
  throw new Error(`they never stop: ${offers.join(', ')}`);
}

describe('hold', () => {
  it('is told to the other side once, in the words of the one who holds', () => {
    for (const direction of directions.slice(1)) {
      const { hold, offers } = talk(offered(notHeld, 'b', direction), { a: 'sendrecv', b: direction });
      expect(offers).toEqual([`a ${direction}`]);
      expect(hold.a.wish).toBe('sendrecv');
      expect(isHeld(hold)).toBe(true);
    }
  });

  it('ends for both when the one who held resumes', () => {
    const held = talk(offered(notHeld, 'b', 'sendonly'), { a: 'sendrecv', b: 'sendonly' }).hold;
    const { hold, offers } = talk(offered(held, 'b', 'sendrecv'), { a: 'sendrecv', b: 'sendrecv' });
    expect(offers).toEqual(['a sendrecv']);
    expect(isHeld(hold)).toBe(false);
  });

  it('returns to sendrecv after both held, whoever resumes first', () => {
    for (const first of ['a', 'b'] as const) {
      const second = first === 'a' ? 'b' : 'a';
      let { hold } = talk(offered(notHeld, 'b', 'sendonly'), { a: 'sendrecv', b: 'sendonly' });
      ({ hold } = talk(offered(hold, 'a', 'sendonly'), { a: 'sendonly', b: 'sendonly' }));
      expect([hold.a.wish, hold.b.wish]).toEqual(['sendonly', 'sendonly']);
      ({ hold } = talk(offered(hold, first, 'sendrecv'), { a: 'sendonly', b: 'sendonly', [first]: 'sendrecv' }));
      expect([hold[first].wish, hold[second].wish, hold[first].told]).toEqual(['sendrecv', 'sendonly', 'sendonly']);
      ({ hold } = talk(offered(hold, second, 'sendrecv'), { a: 'sendrecv', b: 'sendrecv' }));
      expect([hold.a.wish, hold.b.wish, hold.a.told, hold.b.told]).toEqual(['sendrecv', 'sendrecv', 'sendrecv', 'sendrecv']);
    }
  });

  it('settles when both hold at the same moment: no side is told for ever', () => {
    for (const [left, right] of directions.flatMap((one) => directions.map((other) => [one, other] as const))) {
      const both = offered(offered(notHeld, 'a', left), 'b', right);
      const { hold, offers } = talk(both, { a: left, b: right });
      expect([left, right, hold.a.wish, hold.b.wish]).toEqual([left, right, left, right]);
      expect(offers.length).toBeLessThanOrEqual(2);
    }
  });

  it('takes an offer of the far end that overtakes ours for its own will, and our answered one for ours', () => {
    let hold = offered(notHeld, 'a', 'sendonly');
    hold = asks(hold, 'b');
    hold = offered(hold, 'b', 'sendonly');
    expect(hold.b.wish).toBe('sendonly');
    hold = farSays(asked(hold, 'b', true), 'b', 'inactive');
    expect(hold.b.wish).toBe('sendonly');
  });

  it('that the other side refuses to hear of is not offered again', () => {
    const held = offered(notHeld, 'b', 'sendonly');
    expect(owed(held)).toEqual(['a']);
    expect(owed(asked(asks(held, 'a'), 'a', false))).toEqual([]);
  });

  it('has one offer at a time on a leg and catches up afterwards', () => {
    const asking = asks(offered(notHeld, 'b', 'sendonly'), 'a');
    const resumed = offered(asking, 'b', 'sendrecv');
    expect(owed(resumed)).toEqual([]);
    expect(owed(asked(resumed, 'a', true))).toEqual(['a']);
  });

  it('is in the offer that a re-INVITE without one asks us for', () => {
    const held = farAsksForOffer(offered(notHeld, 'b', 'inactive'), 'a');
    expect([held.a.told, owed(held)]).toEqual(['inactive', []]);
    expect(farSays(held, 'a', 'inactive').a.wish).toBe('sendrecv');
  });

  it('is over for who takes the place of the one who held', () => {
    const { hold } = talk(offered(notHeld, 'b', 'sendonly'), { a: 'sendrecv', b: 'sendonly' });
    const seated = seatedAnew(hold, 'b');
    expect([isHeld(seated), owed(seated), wanted(seated, 'a')]).toEqual([false, ['a'], 'sendrecv']);
  });
});
