import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const folder = new URL('../../../../src/web/widget/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const reference = read('README.md').split('## How it is made')[0] ?? '';
const button = read('call-button.ts');
const views = readdirSync(folder)
  .filter((name) => name.endsWith('view.ts'))
  .map(read)
  .join('\n');

const all = (text: string, pattern: RegExp): string[] => [...new Set([...text.matchAll(pattern)].flatMap(([, found]) => found ?? []))];
const missing = (names: readonly string[]): string[] => names.filter((name) => !reference.includes(`\`${name}`));

describe('The reference of the button', () => {
  it('names every attribute', () => {
    const properties = button.slice(button.indexOf('properties = {'), button.indexOf('};'));
    const attributes = [
      ...all(properties, /attribute: '([\w-]+)'/g),
      ...all(properties, /^ {4}(\w+): \{ type: String \}/gm),
      ...all(properties, /^ {4}(\w+): \{ attribute: false \}/gm),
    ];
    expect(attributes.length).toBeGreaterThan(12);
    expect(missing(attributes)).toEqual([]);
  });

  it('names every method', () => {
    const methods = all(read('call-button-element.ts'), /^ {2}(\w+)\(.*\): (?:void|boolean|Promise<\w+>);/gm);
    expect(methods.length).toBeGreaterThan(8);
    expect(missing(methods.filter((name) => name !== 'addEventListener').map((name) => `${name}(`))).toEqual([]);
  });

  it('names every event', () => {
    const events = all(read('call-button-events.ts'), /^ {2}'?([\w-]+)'?: [\w{]/gm);
    expect(events).toContain('dtmf-receipt');
    expect(missing(events.map((name) => `${name}\``))).toEqual([]);
  });

  it('names every part, and none that is not there', () => {
    const parts = all(views, /part="([^"]+)"/g).flatMap((names) => names.split(' '));
    expect(parts.length).toBeGreaterThan(30);
    expect(missing(parts.map((name) => `${name}\``))).toEqual([]);
    const table = reference.slice(reference.indexOf('| where | parts |'), reference.indexOf('## Policies'));
    expect(all(table, /`([\w-]+)`/g).filter((name) => !parts.includes(name))).toEqual([]);
  });

  it('names every CSS property, and none that is not there', () => {
    const properties = all(read('styles.ts'), /var\((--call-button-[\w-]+)/g);
    expect(properties.length).toBeGreaterThan(12);
    expect(missing(properties)).toEqual([]);
    expect(all(reference, /`(--call-button-[\w-]+)/g).filter((name) => !properties.includes(name))).toEqual([]);
  });
});
