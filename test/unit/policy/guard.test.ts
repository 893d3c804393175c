import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallId } from '../../../src/base/ids.js';
import { silentLog } from '../../../src/base/log.js';
import type { CallFact } from '../../../src/call/facts.js';
import { FraudGuard, type GuardedLeg, type GuardRequest } from '../../../src/policy/guard.js';
import { BudgetFile } from '../../../src/policy/limits/budget-file.js';
import type { RateTable } from '../../../src/policy/limits/rates.js';
import type { ScopeRules } from '../../../src/policy/limits/scopes-of.js';
import { FakeClock } from '../../support/fake-clock.js';

const unbounded: ScopeRules = {
  gateway: { limits: {}, budget: {} },
  sites: [],
  perVisitor: {},
  perNetwork: {},
  destinations: [],
  trunks: [],
};
const rates: RateTable = {
  currency: 'EUR',
  rates: [
    { prefix: '+44', perMinute: 0.06, perCall: 0, incrementSeconds: 1 },
    { prefix: '+4420', perMinute: 0.6, perCall: 0.1, incrementSeconds: 60 },
  ],
};

let serial = 0;

class Rig {
  readonly clock = new FakeClock(Date.UTC(2030, 5, 15, 12));
  readonly facts: CallFact[] = [];
  readonly ended: CallId[] = [];
  readonly guard: FraudGuard;
  private readonly legs = new Map<CallId, GuardedLeg[]>();

  constructor(scopes: Partial<ScopeRules>, file?: BudgetFile, table: RateTable = rates) {
    this.guard = new FraudGuard(
      { scopes: { ...unbounded, ...scopes }, rates: table },
      {
        ...{ clock: this.clock, log: silentLog },
        facts: (fact) => {
          this.facts.push(fact);
          this.guard.take(fact);
        },
        hangUp: (callId) => {
          this.ended.push(callId);
          this.end(callId);
        },
        ...(file === undefined ? {} : { file }),
      },
    );
  }

  /** Dials; the call's id when the guard lets it out, else the failure. */
  dial(wish: Partial<GuardRequest> = {}): { readonly callId: CallId; readonly failure?: string } {
    serial += 1;
    const callId = `c-${serial}` as CallId;
    const verdict = this.guard.admit({ callId, number: '+44700', trunk: 'carrier', address: '192.0.2.1', ...wish });
    if (verdict.kind === 'refused') return { callId: wish.callId ?? callId, failure: verdict.failure };
    const id = wish.callId ?? callId;
    this.legs.set(id, [...(this.legs.get(id) ?? []), verdict.leg]);
    return { callId: id };
  }

  answer(callId: CallId): void {
    this.legs.get(callId)?.at(-1)?.answered();
  }

  move(from: CallId, to: CallId): void {
    const legs = this.legs.get(from) ?? [];
    for (const leg of legs) leg.movedTo(to);
    this.legs.delete(from);
    this.legs.set(to, [...(this.legs.get(to) ?? []), ...legs]);
  }

  end(callId: CallId): void {
    const body = { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 0, totalMs: 0 } as const;
    this.guard.take({ ...body, callId, atMs: this.clock.wallMs() });
    for (const leg of this.legs.get(callId) ?? []) leg.over();
    this.legs.delete(callId);
  }

  /** Time passes second by second, as the guard's own timer does. */
  pass(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) this.clock.advance(1_000);
  }

  /** What was decided, newest last. */
  get decisions(): readonly string[] {
    return this.facts.flatMap((fact) => (fact.type === 'decision' ? [`${fact.verdict} by ${fact.rule}`] : []));
  }
}

describe('the guard', () => {
  it('lets out as many calls at a time as may be, and again when one is over', () => {
    const rig = new Rig({ gateway: { limits: { calls: 2 }, budget: {} } });
    const [first] = [rig.dial(), rig.dial()];
    expect(rig.dial().failure).toBe('over-limit');
    rig.end(first.callId);
    expect(rig.dial().failure).toBeUndefined();
    expect(rig.decisions).toEqual([
      ...['allowed by policy.limits', 'allowed by policy.limits', 'refused by policy.limits.calls', 'allowed by policy.limits'],
    ]);
  });

  const account = { site: 'pk_shop', visitor: 'ann' };
  const scopes: readonly (readonly [
    what: string,
    scopes: Partial<ScopeRules>,
    wish: Partial<GuardRequest>,
    other: Partial<GuardRequest>,
    rule: string,
  ])[] = [
    [
      'site',
      { sites: [{ key: 'pk_shop', limits: { calls: 1 } }] },
      { account },
      { account: { site: 'pk_bank' } },
      'sites[pk_shop].limits.calls',
    ],
    [
      'visitor of a site',
      { sites: [{ key: 'pk_shop', perVisitor: { calls: 1 } }] },
      { account },
      { account: { ...account, visitor: 'bob' } },
      'sites[pk_shop].perVisitor.calls',
    ],
    ['household', { perVisitor: { calls: 1 } }, { address: '2001:db8:1:2::3' }, { address: '2001:db8:1:3::3' }, 'policy.perVisitor.calls'],
    ['network', { perNetwork: { calls: 1 } }, { address: '192.0.2.77' }, { address: '192.0.3.77' }, 'policy.perNetwork.calls'],
    [
      'destination',
      { destinations: [{ prefix: '+4420', limits: { calls: 1 } }] },
      { number: '004420555' },
      { number: '+4421555' },
      'policy.perDestination[+4420].limits.calls',
    ],
    [
      'trunk',
      { trunks: [{ id: 'carrier', limits: { calls: 1 } }] },
      { trunk: 'carrier' },
      { trunk: 'other' },
      'trunks[carrier].limits.calls',
    ],
  ];

  it.each(scopes)('counts a %s for itself', (_what, rules, wish, other, rule) => {
    const rig = new Rig(rules);
    expect(rig.dial(wish).failure).toBeUndefined();
    expect(rig.dial(wish).failure).toBe('over-limit');
    expect(rig.decisions.at(-1)).toBe(`refused by ${rule}`);
    expect(rig.dial(other).failure).toBeUndefined();
  });

  it('counts a second peer or trunk of the same call as no second call', () => {
    const rig = new Rig({ gateway: { limits: { callsPerMinute: 1 }, budget: {} } });
    const { callId } = rig.dial();
    expect(rig.dial({ callId, trunk: 'other' }).failure).toBeUndefined();
    expect(rig.dial().failure).toBe('over-limit');
  });

  it('counts everybody for a destination that is any number', () => {
    const rig = new Rig({ destinations: [{ prefix: '*', limits: { calls: 1 } }] });
    expect([rig.dial().failure, rig.dial({ number: '+33123' }).failure]).toEqual([undefined, 'over-limit']);
  });

  it('counts a transfer out of a call that is answered as one more', () => {
    const rig = new Rig({ gateway: { limits: { callsPerMinute: 2 }, budget: {} } });
    const { callId } = rig.dial();
    rig.answer(callId);
    expect(rig.dial({ callId, number: '+44701' }).failure).toBeUndefined();
    expect(rig.dial({ callId, number: '+44702' }).failure).toBe('over-limit');
  });

  it('goes on to count and to end a leg that a transfer has put into another call', () => {
    const rig = new Rig({ gateway: { limits: {}, budget: { perDay: 0.06 } } });
    const [one, other] = [rig.dial().callId, rig.dial().callId];
    rig.answer(one);
    rig.move(one, other);
    rig.end(one);
    expect(rig.guard.view()).toMatchObject([{ calls: 2 }]);
    rig.pass(60);
    expect(rig.ended).toEqual([other]);
    expect(rig.guard.view()).toMatchObject([{ calls: 0 }]);
    expect(rig.guard.liveLegs).toBe(0);
  });

  it('never lets out more in any minute than may be, whenever they come', () => {
    const rig = new Rig({ gateway: { limits: { callsPerMinute: 7 }, budget: {} } });
    const admitted: number[] = [];
    let seed = 7;
    for (let step = 0; step < 4_000; step += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      rig.clock.advance(seed % 3_000);
      const { callId, failure } = rig.dial();
      if (failure === undefined) {
        admitted.push(rig.clock.nowMs());
        rig.end(callId);
      }
    }
    const busiest = Math.max(...admitted.map((from) => admitted.filter((at) => at >= from && at < from + 60_000).length));
    expect(busiest).toBe(7);
  });

  it('charges by the longest prefix, and what nobody priced like the dearest', () => {
    const rig = new Rig({});
    for (const [number, amount] of [
      ['+44700', 0.06],
      ['+442079460018', 0.7],
      ['+33123', 0.7],
      ['+44020', 0.7],
    ] as const) {
      const { callId } = rig.dial({ number });
      rig.answer(callId);
      rig.pass(59);
      rig.end(callId);
      expect(rig.facts.at(-1)).toMatchObject({ type: 'cost', amount, currency: 'EUR' });
    }
  });

  it('charges nothing for a call that was not answered', () => {
    const rig = new Rig({});
    const { callId } = rig.dial();
    rig.pass(30);
    rig.end(callId);
    expect(rig.facts.filter(({ type }) => type === 'cost')).toEqual([]);
  });

  it('ends every call of a budget that is used up, before it costs more than is left', () => {
    const rig = new Rig({ sites: [{ key: 'pk_shop', budget: { perDay: 0.06 } }] });
    const [one, two, other] = [rig.dial({ account }), rig.dial({ account }), rig.dial()];
    for (const { callId } of [one, two, other]) rig.answer(callId);
    rig.pass(40);
    expect(rig.ended).toEqual([one.callId, two.callId]);
    expect(rig.decisions.at(-1)).toBe('ended by sites[pk_shop].budget.perDay');
    const spent = rig.guard.view().find(({ scope }) => scope === 'site pk_shop');
    expect(spent?.spentOfDay).toBeLessThanOrEqual(0.06);
    expect(spent?.spentOfDay).toBeGreaterThan(0.05);
    expect(rig.dial({ account }).failure).toBe('over-budget');
    rig.pass(12 * 3600);
    expect(rig.dial({ account }).failure).toBeUndefined();
  });

  it('does not let out at once what a budget could not pay for together', () => {
    const rig = new Rig({ gateway: { limits: {}, budget: { perMonth: 1.5 } } });
    const answers = [rig.dial({ number: '+4420' }), rig.dial({ number: '+4420' }), rig.dial({ number: '+4420' })];
    expect(answers.map(({ failure }) => failure)).toEqual([undefined, undefined, 'over-budget']);
  });

  it('ends calls when the minutes of the day are used up, and begins anew at midnight', () => {
    const rig = new Rig({ gateway: { limits: { minutesPerDay: 1 }, budget: {} } });
    const { callId } = rig.dial();
    rig.answer(callId);
    rig.pass(61);
    expect(rig.ended).toEqual([callId]);
    expect(rig.dial().failure).toBe('over-budget');
    rig.pass(12 * 3600);
    expect(rig.dial().failure).toBeUndefined();
  });

  it('is back at nothing after calls that begin, fail, are answered and end in any order', () => {
    const rig = new Rig({ gateway: { limits: { calls: 5 }, budget: {} }, perVisitor: { calls: 3 } });
    const live = new Set<CallId>();
    let seed = 11;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let step = 0; step < 5_000; step += 1) {
      const [any] = live;
      if (random(2) === 0 || any === undefined) {
        const { callId, failure } = rig.dial({ address: `192.0.2.${random(4)}` });
        if (failure === undefined) live.add(callId);
      } else if (random(3) === 0) rig.answer(any);
      else {
        rig.end(any);
        live.delete(any);
      }
      expect(live.size).toBeLessThanOrEqual(5);
      expect(rig.guard.liveLegs).toBe(live.size);
    }
    for (const callId of live) rig.end(callId);
    rig.pass(2);
    expect([rig.guard.liveLegs, rig.clock.liveTimers]).toEqual([0, 0]);
    expect(rig.guard.view().every(({ calls }) => calls === 0)).toBe(true);
  });
});

describe('what budgets have used', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'budget-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is kept over a restart', () => {
    const file = new BudgetFile(join(folder, 'budgets.json'));
    const rules = { gateway: { limits: {}, budget: { perDay: 0.7 } } };
    const before = new Rig(rules, file);
    const { callId } = before.dial({ number: '+4420' });
    before.answer(callId);
    before.pass(10);
    before.end(callId);
    before.guard.stop();
    expect(new Rig(rules, file).dial({ number: '+44700' }).failure).toBe('over-budget');
    expect(new Rig(rules).dial({ number: '+44700' }).failure).toBeUndefined();
  });

  it('is known for calls that were up when the process was killed', () => {
    const file = new BudgetFile(join(folder, 'budgets.json'));
    const rules = { gateway: { limits: {}, budget: { perDay: 0.7 } } };
    const killed = new Rig(rules, file);
    killed.answer(killed.dial({ number: '+4420' }).callId);
    killed.pass(10);
    expect(new Rig(rules, file).dial({ number: '+44700' }).failure).toBe('over-budget');
  });

  it('is not thought to be nothing when its file is broken', () => {
    const path = join(folder, 'budgets.json');
    writeFileSync(path, '{"gateway": 5}');
    expect(() => new Rig({}, new BudgetFile(path))).toThrow(/policy\.budgetFile: .*remove it to begin anew/);
  });
});
