import { beforeEach, describe, expect, it } from 'vitest';
import { SiteMenu } from '../../../../src/web/widget/site-menu.js';

const source = JSON.stringify({ Hours: '1', Sales: { digits: '2', menu: { New: 'w1000 1', More: { menu: { Deep: '9' } } } } });

describe('the menu in the button', () => {
  let menu: SiteMenu;
  let told: string[];

  beforeEach(() => {
    told = [];
    menu = new SiteMenu({
      onChange: () => told.push('change'),
      onOpen: () => told.push('open'),
      press: (steps) => told.push(steps.map((step) => (step.kind === 'digit' ? step.digit : `w${step.pauseMs}`)).join('')),
      onFault: (detail) => told.push(detail),
    });
  });

  it('presses what an entry says, and opens its menu when it has one', () => {
    menu.take(source);
    menu.choose(0);
    expect(told).toEqual(['1']);
    menu.choose(1);
    expect(told.slice(1)).toEqual(['change', 'open', '2']);
    menu.choose(0);
    expect(told.at(-1)).toBe('w10001');
    expect(menu.path).toEqual([1]);
  });

  it('opens a menu without digits without pressing anything, and leads back level by level', () => {
    menu.take(source);
    menu.choose(1);
    menu.choose(1);
    expect(menu.path).toEqual([1, 1]);
    menu.back();
    menu.back();
    menu.back();
    expect(menu.path).toEqual([]);
    expect(told.filter((one) => /\d/.test(one))).toEqual(['2']);
  });

  it('does nothing for an entry that is not there', () => {
    menu.choose(0);
    menu.take(source);
    menu.choose(5);
    expect(told).toEqual([]);
  });

  it('is read once for each text, tells of a fault once, and shows nothing then', () => {
    menu.take(source);
    menu.choose(1);
    menu.take(source);
    expect(menu.path).toEqual([1]);
    menu.take('{');
    menu.take('{');
    expect(menu.menu).toBeUndefined();
    expect(menu.path).toEqual([]);
    expect(told.filter((one) => one.startsWith('The menu is not JSON'))).toHaveLength(1);
    menu.take(undefined);
    expect(told.at(-1)).toMatch(/^The menu is not JSON/);
  });
});
