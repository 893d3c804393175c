import { beforeEach, describe, expect, it } from 'vitest';
import type { CallFact } from '../../../src/call/facts.js';
import { tokenDigest } from '../../../src/call/token-digest.js';
import { RatingDesk } from '../../../src/cdr/rating-desk.js';
import { beganAtMs, factAt } from '../../support/call-facts.js';
import { FakeClock } from '../../support/fake-clock.js';

const token = 'a-token-of-the-page';
const given = (callId = 'c-1', text = token): CallFact => factAt(0, { type: 'page-token', leg: 'a', digest: tokenDigest(text) }, callId);
const ended = (callId = 'c-1'): CallFact =>
  factAt(1000, { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 500, totalMs: 1000 }, callId);

let clock: FakeClock;
let told: CallFact[];
let desk: RatingDesk;
beforeEach(() => {
  clock = new FakeClock();
  told = [];
  desk = new RatingDesk({ clock, facts: (fact) => told.push(fact) });
});

describe('ratings', () => {
  it('are taken once from whoever has the token, in the call and after it, and told as a fact', () => {
    desk.take(given());
    desk.take(ended());
    expect(desk.rate({ callToken: 'another', stars: 5 })).toBe(false);
    expect(desk.rate({ callToken: token, stars: 4, comment: 'a little echo' })).toBe(true);
    expect(told).toEqual([{ type: 'rated', stars: 4, comment: 'a little echo', callId: 'c-1', atMs: clock.wallMs() }]);
    expect(desk.rate({ callToken: token, stars: 1 })).toBe(false);
    expect(JSON.stringify(told)).not.toContain(token);
  });

  it('are taken by every token that a page may have got, but not by very old ones', () => {
    for (let at = 0; at < 8; at += 1) desk.take(given('c-1', `token-${at}`));
    expect(desk.rate({ callToken: 'token-1', stars: 5 })).toBe(false);
    expect(desk.rate({ callToken: 'token-2', stars: 5 })).toBe(true);
    expect(desk.size).toBe(1);
  });

  it('come too late a quarter of an hour after the call', () => {
    desk.take(given());
    desk.take(ended());
    clock.advance(15 * 60_000 + 1);
    expect(desk.rate({ callToken: token, stars: 5 })).toBe(false);
  });

  it('are of the last thousand calls at most, and of all that are up', () => {
    for (let at = 0; at < 1_500; at += 1) {
      desk.take(given(`c-${at}`, `token-${at}`));
      if (at > 0) desk.take(ended(`c-${at}`));
    }
    expect(desk.size).toBe(1_001);
    expect(desk.rate({ callToken: 'token-0', stars: 5 })).toBe(true);
    expect(desk.rate({ callToken: 'token-1', stars: 5 })).toBe(false);
    expect(desk.rate({ callToken: 'token-1499', stars: 5 })).toBe(true);
    expect(beganAtMs).toBeGreaterThan(0);
  });
});
