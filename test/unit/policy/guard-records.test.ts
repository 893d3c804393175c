import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallId } from '../../../src/base/ids.js';
import { silentLog } from '../../../src/base/log.js';
import type { CallFact } from '../../../src/call/facts.js';
import { Brake } from '../../../src/policy/brake.js';
import { FraudGuard, type GuardedLeg, type GuardRequest } from '../../../src/policy/guard.js';
import { BudgetFile } from '../../../src/policy/limits/budget-file.js';
import type { ScopeRules } from '../../../src/policy/limits/scopes-of.js';
import { FakeClock } from '../../support/fake-clock.js';

const unbounded: ScopeRules = {
  gateway: { limits: {}, budget: {} },
  ...{ sites: [], perVisitor: {}, perNetwork: {}, destinations: [], trunks: [] },
};
const perMinute = (amount: number) => ({
  currency: 'EUR',
  rates: [{ prefix: '+44', perMinute: amount, perCall: 0, incrementSeconds: 1 }],
});

function make(scopes: Partial<ScopeRules>, wish: { file?: BudgetFile; brake?: 'hold' | 'warn'; free?: boolean; exempt?: string } = {}) {
  const clock = new FakeClock(Date.UTC(2030, 5, 15, 12));
  const facts: CallFact[] = [];
  const brake = new Brake({ action: wish.brake ?? 'off', known: [], learnCalls: 1, forgetMs: 1e9 }, { clock, log: silentLog });
  const logged: string[] = [];
  const note = (_about: object, text: string): void => {
    logged.push(text);
  };
  const guard = new FraudGuard(
    {
      scopes: { ...unbounded, ...scopes },
      rates: wish.free === true ? { currency: 'EUR', rates: [] } : perMinute(0.6),
      isExempt: (number) => number === wish.exempt,
    },
    {
      ...{ clock, brake, facts: (fact: CallFact) => void facts.push(fact), hangUp: () => undefined },
      log: { ...silentLog, warn: note, error: note },
      ...(wish.file === undefined ? {} : { file: wish.file }),
    },
  );
  let serial = 0;
  const dial = (request: Partial<GuardRequest> = {}): { readonly callId: CallId; readonly leg?: GuardedLeg; readonly failure?: string } => {
    serial += 1;
    const callId = `c-${serial}` as CallId;
    const verdict = guard.admit({ callId, number: '+44700', trunk: 'carrier', ...request });
    return verdict.kind === 'refused' ? { callId, failure: verdict.failure } : { callId, leg: verdict.leg };
  };
  const end = (callId: CallId): void => {
    const body = { type: 'ended', by: 'caller', disposition: 'completed', q850: 16, talkMs: 0, totalMs: 0 } as const;
    guard.take({ ...body, callId, atMs: clock.wallMs() });
  };
  return { clock, facts, guard, logged, dial, end };
}

describe('what the guard keeps and tells', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'guard-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('refuses one call too many within an hour', () => {
    const { dial, end, clock } = make({ gateway: { limits: { callsPerHour: 1 }, budget: {} } });
    end(dial().callId);
    clock.advance(10 * 60_000);
    expect(dial().failure).toBe('over-limit');
    clock.advance(61 * 60_000);
    expect(dial().failure).toBeUndefined();
  });

  it('counts a leg once, however often it is said to be answered or over', () => {
    const { dial, end, clock, facts } = make({});
    const { callId, leg } = dial();
    leg?.answered();
    clock.advance(9_000);
    leg?.answered();
    clock.advance(10_000);
    leg?.over();
    leg?.over();
    end(callId);
    end(callId);
    expect(facts.filter(({ type }) => type === 'cost')).toMatchObject([{ amount: 0.2 }]);
  });

  it('costs nothing where nothing has a price, and holds nothing back from an exempt number', () => {
    const { dial, end, clock, facts } = make({ gateway: { limits: { calls: 1 }, budget: {} } }, { free: true, exempt: '112' });
    const { callId, leg } = dial();
    leg?.answered();
    clock.advance(60_000);
    expect([dial().failure, dial({ number: '112' }).failure]).toEqual(['over-limit', undefined]);
    end(callId);
    expect(facts.some(({ type }) => type === 'cost')).toBe(false);
  });

  it('shows how much of each budget is used, and warns once when it is most of it', () => {
    const { dial, guard, clock, logged } = make({ gateway: { limits: {}, budget: { perDay: 1, perMonth: 2 } } });
    dial().leg?.answered();
    for (let second = 0; second < 89; second += 1) clock.advance(1_000);
    expect(guard.budgets()).toEqual([
      { scope: 'gateway', period: 'day', usedRatio: 0.9 },
      { scope: 'gateway', period: 'month', usedRatio: 0.45 },
    ]);
    expect(logged.filter((text) => text === 'most of a budget is used up')).toHaveLength(1);
    guard.stop();
  });

  it.each(['hold', 'warn'] as const)('tells of a country that is unusual when it is to %s', (brake) => {
    const { dial, end, facts } = make({}, { brake });
    const { callId, leg } = dial();
    leg?.answered();
    end(callId);
    const { failure } = dial({ number: '+53712345' });
    expect(failure).toBe(brake === 'hold' ? 'unusual-destination' : undefined);
    expect(facts.at(-1)).toMatchObject({ type: 'decision', why: expect.stringContaining('calls to +53 are unusual here') });
  });

  it('goes on when its file cannot be written, says so, and writes it when it can', () => {
    const path = join(folder, 'gone', 'budgets.json');
    const { dial, end, guard, logged } = make({ gateway: { limits: {}, budget: { perDay: 1 } } }, { file: new BudgetFile(path) });
    end(dial().callId);
    guard.stop();
    expect(logged).toContain('what budgets have used cannot be written down');
    mkdirSync(join(folder, 'gone'));
    guard.stop();
    expect(new BudgetFile(path).read()).toHaveProperty('gateway');
  });

  it.each(['{', '[null]', '7', '{"gateway":null}'])('does not begin anew over a file that holds %s', (text) => {
    const path = join(folder, 'budgets.json');
    writeFileSync(path, text);
    expect(() => new BudgetFile(path).read()).toThrow(/cannot be used/);
  });

  it('counts nothing for a call that was told to be over after its end, and shows budgets of one period alone', () => {
    const { dial, end, guard } = make({ gateway: { limits: {}, budget: {} }, sites: [{ key: 'pk_shop', budget: { perMonth: 5 } }] });
    const { callId, leg } = dial({ account: { site: 'pk_shop' } });
    end(callId);
    leg?.over();
    expect(guard.budgets().map(({ period }) => period)).toEqual(['month']);
    expect(guard.liveLegs).toBe(0);
    guard.stop();
  });

  it('forgets visitors who lose nothing by it when they become too many', () => {
    const { dial, end, guard, clock } = make({ perVisitor: { callsPerHour: 5 } });
    for (let one = 0; one < 50_000; one += 1) end(dial({ address: `10.${one >> 16}.${(one >> 8) & 255}.${one & 255}` }).callId);
    const full = guard.view().length;
    clock.advance(3 * 3_600_000);
    dial({ address: '192.0.2.1' });
    expect(full).toBeGreaterThan(49_000);
    expect(guard.view().length).toBeLessThan(10);
    guard.stop();
  });
});

describe('what the brake keeps', () => {
  it('shows the newest hundreds of unusual countries, whoever tries them', () => {
    const clock = new FakeClock();
    const brake = new Brake({ action: 'warn', known: [], learnCalls: 1, forgetMs: 1e9 }, { clock, log: silentLog });
    for (let one = 0; one < 3_000; one += 1) {
      brake.answered(`pk_${one}`, '+442079460018');
      brake.judge(`pk_${one}`, '+53712345');
    }
    expect(brake.view().unusual.length).toBeGreaterThan(50);
    expect(brake.view().unusual.length).toBeLessThan(3_000);
  });

  it('tells the newest unusual country first, and says when it cannot be written down', () => {
    const clock = new FakeClock();
    const errors: string[] = [];
    const log = { ...silentLog, error: (_about: object, text: string) => void errors.push(text) };
    const path = join(tmpdir(), 'no-such-folder', 'usual.json');
    const brake = new Brake({ action: 'hold', known: [], learnCalls: 1, forgetMs: 1e9, path }, { clock, log });
    brake.answered('pk_shop', '+442079460018');
    brake.judge('pk_shop', '+53712345');
    clock.advance(1_000);
    brake.judge('pk_shop', '+35312345678');
    expect(brake.view().unusual.map(({ country }) => country)).toEqual(['+353', '+53']);
    brake.write();
    expect(errors).toEqual(['which countries are usual cannot be written down']);
  });
});
