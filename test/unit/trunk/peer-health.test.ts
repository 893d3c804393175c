import { describe, expect, it } from 'vitest';
import { longestRestMs, nextHealth, type PeerEvent, type PeerHealth, rankOf, suspectMs, untried } from '../../../src/trunk/peer-health.js';

const rules = { failures: 3, successes: 2 };
const outcomeOf = (events: readonly PeerEvent['type'][], from: PeerHealth = untried, nowMs = 0): PeerHealth =>
  events.reduce((state, type) => nextHealth(state, type === 'unavailable' ? { type, retryAfterMs: 60_000 } : { type }, rules, nowMs), from);

const up = (failures = 0): PeerHealth => ({ name: 'up', failures });
const down = (successes = 0): PeerHealth => ({ name: 'down', successes });
const suspect: PeerHealth = { name: 'resting', untilMs: suspectMs, why: 'suspect' };
const told: PeerHealth = { name: 'resting', untilMs: 60_000, why: 'told' };

describe('the health of a peer', () => {
  it.each<[string, PeerHealth, PeerEvent['type'], PeerHealth]>([
    ['a lost probe is counted', up(), 'silent', up(1)],
    ['the last of several lost probes takes it down', up(2), 'silent', down()],
    ['a probe answered clears the count', up(2), 'alive', up()],
    ['a call served clears the count', up(2), 'served', up()],
    ['a call lost makes it suspect', up(), 'undelivered', suspect],
    ['a 503 with Retry-After rests it', up(), 'unavailable', told],
    ['one success is not enough', down(), 'alive', down(1)],
    ['enough successes bring it back', down(1), 'alive', up()],
    ['a call served counts as a success', down(1), 'served', up()],
    ['a lost probe starts the successes anew', down(1), 'silent', down()],
    ['a lost call does so too', down(1), 'undelivered', down()],
    ['busy is not back', down(1), 'unavailable', down()],
    ['a suspect that answers is cleared', suspect, 'alive', up()],
    ['a suspect that serves is cleared', suspect, 'served', up()],
    ['a suspect that stays silent is down', suspect, 'silent', down()],
    ['a suspect that loses another call waits on', suspect, 'undelivered', suspect],
    ['a suspect may send calls away', suspect, 'unavailable', told],
    ['a probe does not cut short what it asked for itself', told, 'alive', told],
    ['nor does a lost one', told, 'silent', told],
    ['a call served does', told, 'served', up()],
    ['a lost call leaves the longer rest', told, 'undelivered', told],
    ['it may ask for more', told, 'unavailable', told],
  ])('%s', (_, from, event, to) => expect(outcomeOf([event], from)).toEqual(to));

  it('does not flap: after going down it needs its successes in a row', () => {
    expect(outcomeOf(['silent', 'silent', 'silent', 'alive', 'silent', 'alive'])).toEqual(down(1));
  });

  it('forgets a rest that is over', () => {
    expect(outcomeOf(['silent'], suspect, suspectMs)).toEqual(up(1));
    expect(rankOf(told, 59_999)).toBe(1);
    expect(rankOf(told, 60_000)).toBe(0);
    expect(rankOf(down(), 1e9)).toBe(2);
  });

  it('rests no longer than is reasonable, whatever it is told', () => {
    expect(nextHealth(untried, { type: 'unavailable', retryAfterMs: 1e12 }, rules, 0)).toEqual({
      name: 'resting',
      untilMs: longestRestMs,
      why: 'told',
    });
  });
});
