import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { languages } from '../../../../src/web/browser-bundle.mjs';
import { chosen } from '../../../../src/web/widget/language.js';
import { english, filled } from '../../../../src/web/widget/texts.js';

type Tree = string | readonly Tree[] | { readonly [name: string]: Tree };

/** Every text by its path. */
function textsOf(tree: Tree, path = ''): ReadonlyMap<string, string> {
  if (typeof tree === 'string') return new Map([[path, tree]]);
  return new Map(Object.entries(tree).flatMap(([name, inner]) => [...textsOf(inner as Tree, path === '' ? name : `${path}.${name}`)]));
}

const placesIn = (text: string): readonly string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).sort();
const inEnglish = textsOf(english as unknown as Tree);
/** Words that another language has as well. */
const shared = new Set(['Microphone', 'Volume', 'Menu', 'OK']);

describe('the languages of the button', () => {
  it('are English and the six others that were promised', () => {
    expect(languages.map(({ lang }) => lang).sort()).toEqual(['ar', 'de', 'es', 'fr', 'ja', 'pt']);
    expect(inEnglish.size).toBeGreaterThan(100);
  });

  it.each(languages)('has in $lang every text, each translated, with the places that English has', ({ json }) => {
    const texts = textsOf(JSON.parse(json) as Tree);
    expect([...texts.keys()].sort()).toEqual([...inEnglish.keys()].sort());
    for (const [path, text] of texts) {
      const there = inEnglish.get(path) ?? '';
      expect(text.trim(), path).not.toBe('');
      expect(placesIn(text), path).toEqual(placesIn(there));
      if (!shared.has(there)) expect(text, path).not.toBe(there);
    }
  });

  it.each(languages)('writes $lang in its own script', ({ lang, json }) => {
    const letters = [...textsOf(JSON.parse(json) as Tree).values()].join(' ').replace(/\{\w+\}|Wi-Fi|VPN|https/g, '');
    const scripts: Readonly<Record<string, RegExp>> = {
      ar: /\p{Script=Arabic}/gu,
      ja: /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/gu,
    };
    const own = letters.match(scripts[lang] ?? /\p{Script=Latin}/gu)?.length ?? 0;
    const all = letters.match(/\p{L}/gu)?.length ?? 1;
    expect(own / all).toBeGreaterThan(0.98);
  });

  it('come with the hash of what is served, so that nothing else is taken for them', () => {
    for (const { json, integrity } of languages) expect(integrity).toBe(`sha384-${createHash('sha384').update(json).digest('base64')}`);
  });

  it.each([
    [['de-AT', 'en'], 'de'],
    [[undefined, 'PT-br'], 'pt'],
    [['nl', 'fr'], 'fr'],
    [['en-GB', 'fr'], 'en'],
    [['nl', ''], 'en'],
  ])('of %j speaks %s', (wishes, name) => {
    expect(chosen(wishes, Object.fromEntries(languages.map(({ lang, integrity }) => [lang, integrity])))).toBe(name);
  });

  it('put values where they belong, and nothing where there is none', () => {
    expect(filled(english.digitFailed, { digit: '5', reason: '' })).toBe('“5” was not sent.');
    expect(filled('{a} {b}', { a: 1 })).toBe('1 {b}');
  });
});
