import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.js';
import { Brake, type BrakeOptions } from '../../../src/policy/brake.js';
import { countryCodeOf } from '../../../src/policy/country-codes.js';
import { FakeClock } from '../../support/fake-clock.js';

const dayMs = 86_400_000;

function make(options: Partial<BrakeOptions> = {}) {
  const clock = new FakeClock();
  const brake = new Brake({ action: 'hold', known: [], learnCalls: 3, forgetMs: 60 * dayMs, ...options }, { clock, log: silentLog });
  const learn = (site: string | undefined, number: string, times = 3): void => {
    for (let time = 0; time < times; time += 1) brake.answered(site, number);
  };
  return { clock, brake, learn };
}

describe('the brake', () => {
  it('holds back a call to a country that a website never called, once it knows its ways', () => {
    const { brake, learn } = make();
    expect(brake.judge('pk_shop', '+53712345')).toBeUndefined();
    learn('pk_shop', '+442079460018');
    expect(brake.judge('pk_shop', '+441632960000')).toBeUndefined();
    expect(brake.judge('pk_shop', '+53712345')).toEqual({ country: '+53', held: true });
    expect(brake.judge('pk_other', '+53712345')).toBeUndefined();
    expect(brake.view().unusual).toMatchObject([{ who: 'pk_shop', country: '+53', count: 1 }]);
  });

  it('lets it through, and tells of it, when it is only to warn; and knows nothing when it is off', () => {
    const warns = make({ action: 'warn' });
    warns.learn('pk_shop', '+442079460018');
    expect(warns.brake.judge('pk_shop', '+53712345')).toEqual({ country: '+53', held: false });
    const off = make({ action: 'off' });
    off.learn('pk_shop', '+442079460018');
    expect(off.brake.judge('pk_shop', '+53712345')).toBeUndefined();
  });

  it('is released by the operator, for that website and country alone', () => {
    const { brake, learn } = make();
    for (const site of ['pk_shop', 'pk_bank']) learn(site, '+442079460018');
    brake.judge('pk_shop', '+53712345');
    expect(brake.allow('pk_shop', '+53')).toBe(true);
    expect([brake.judge('pk_shop', '+53712345'), brake.judge('pk_bank', '+53712345')?.held]).toEqual([undefined, true]);
    expect(brake.view().unusual.map(({ who }) => who)).toEqual(['pk_bank']);
    for (const none of ['53', '+', '+0', '+999999', '+442', 'Cuba']) expect(brake.allow('pk_shop', none)).toBe(false);
  });

  it('forgets a country that was not called for long, and never one the configuration names', () => {
    const { brake, clock, learn } = make({ known: ['+353'] });
    learn('pk_shop', '+442079460018');
    learn('pk_shop', '+4930901820', 1);
    clock.advance(59 * dayMs);
    learn('pk_shop', '+442079460018', 1);
    clock.advance(2 * dayMs);
    expect(brake.judge('pk_shop', '+4930901820')?.country).toBe('+49');
    expect(brake.judge('pk_shop', '+442079460018')).toBeUndefined();
    expect(brake.judge('pk_shop', '+35312345678')).toBeUndefined();
  });

  it('says nothing of numbers that have no country', () => {
    const { brake, learn } = make();
    learn(undefined, '+442079460018');
    for (const number of ['100', '*21#', '02079460018']) expect(brake.judge(undefined, number)).toBeUndefined();
    expect(brake.judge(undefined, '0053712345')?.country).toBe('+53');
  });

  it('knows over a restart what it learnt, and says when its file is broken', () => {
    const folder = mkdtempSync(join(tmpdir(), 'brake-'));
    try {
      const path = join(folder, 'usual.json');
      const before = make({ path });
      before.learn('pk_shop', '+442079460018');
      before.brake.write();
      const after = make({ path });
      expect(after.brake.judge('pk_shop', '+53712345')?.held).toBe(true);
      expect(after.brake.judge('pk_shop', '+442079460018')).toBeUndefined();
      writeFileSync(path, '{');
      expect(() => make({ path })).toThrow(/policy\.unusual\.file: .*remove it to begin anew/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the country of a number', () => {
  it.each([
    ['+12125550100', '+1'],
    ['+74951234567', '+7'],
    ['+442079460018', '+44'],
    ['+35312345678', '+353'],
    ['00442079460018', '+44'],
    ['011442079460018', '+44'],
    ['0011442079460018', '+44'],
    ['+881612345678', '+881'],
    ['100', undefined],
    ['+1', undefined],
  ])('%s is %s', (number, code) => {
    expect(countryCodeOf(number)).toBe(code);
  });
});
