import { describe, expect, it } from 'vitest';
import { levelOf, readMenu } from '../../../../src/web/widget/ivr-menu.js';

const menu = { 'Opening hours': '1', Sales: { digits: '2', menu: { 'New orders': 'w1000 1', Returns: { menu: { Shoes: '3,w2000,1' } } } } };

describe('the menu of a website', () => {
  it('is read from an object and from JSON text alike, in its order', () => {
    const read = readMenu(menu);
    expect(read).toEqual(readMenu(JSON.stringify(menu)));
    if (!read.ok) throw new Error(read.problem);
    expect(read.menu.map(({ label }) => label)).toEqual(['Opening hours', 'Sales']);
    expect(read.menu[0]).toEqual({ label: 'Opening hours', steps: [{ kind: 'digit', digit: '1' }] });
    const sales = levelOf(read.menu, [1]);
    expect(sales.title).toBe('Sales');
    expect(sales.entries.map(({ label, steps }) => [label, steps.length])).toEqual([
      ['New orders', 2],
      ['Returns', 0],
    ]);
    expect(levelOf(read.menu, [1, 1]).entries[0]?.steps).toEqual([
      { kind: 'digit', digit: '3' },
      { kind: 'pause', pauseMs: 2_000 },
      { kind: 'digit', digit: '1' },
    ]);
  });

  it('stays on the last level there is when asked for one that is not', () => {
    const read = readMenu(menu);
    expect(read.ok && levelOf(read.menu, [1, 7]).title).toBe('Sales');
  });

  it.each<[what: string, source: unknown, problem: RegExp]>([
    ['text that is no JSON', '{ "a": "1", }', /not JSON.*no comma after the last entry/],
    ['a list', ['1'], /^The menu is no menu\. Write/],
    ['nothing in it', {}, /^The menu has no entries/],
    ['a number for digits', { Sales: 1 }, /“Sales” has digits that are no text\. Put them in double quotes/],
    ['digits that are none', { Sales: { menu: { New: '1x' } } }, /“Sales › New”.*“x” at place 2 is no digit\. Write 0-9/],
    ['a pause that is none', { Sales: '1w5' }, /“Sales”.*“w5” at place 2 is no pause.*w2000/],
    ['an entry that does nothing', { Sales: {} }, /“Sales” does nothing/],
    ['an entry without digits', { Sales: ' ' }, /“Sales” presses nothing/],
    ['a menu without entries', { Sales: { digits: '1', menu: {} } }, /“Sales” has no entries/],
    ['an empty label', { ' ': '1' }, /has no label/],
    ['null', { Sales: null }, /“Sales”/],
  ])('says what is wrong with %s, where, and what to write', (_what, source, problem) => {
    const read = readMenu(source);
    expect(read.ok ? '' : read.problem).toMatch(problem);
  });

  it('is not read deeper than six levels', () => {
    const nested = (depth: number): unknown => (depth === 1 ? { a: '1' } : { a: { menu: nested(depth - 1) } });
    expect(readMenu(nested(6)).ok).toBe(true);
    expect(readMenu(nested(7))).toMatchObject({ ok: false, problem: expect.stringContaining('lies too deep') });
  });
});
