import { english, type Texts } from './texts.js';

/** Languages beside English, each with the hash of its file (Subresource Integrity §3.3). The build puts them here. */
declare const __languages__: Readonly<Record<string, string>>;

const known = typeof __languages__ === 'undefined' ? {} : __languages__;
const rightToLeft = new Set(['ar']);

/** What the widget speaks, and which way it is written. */
export interface Language {
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  readonly texts: Texts;
}

export const inEnglish: Language = { lang: 'en', dir: 'ltr', texts: english };

const read = new Map<string, Promise<Language>>();

/** The first of the wishes (`de-AT`, `pt`) that the widget has, as the name of its file. */
export function chosen(wishes: readonly (string | undefined)[], there: Readonly<Record<string, string>> = known): string {
  for (const wish of wishes) {
    const name = wish?.toLowerCase().split('-')[0] ?? '';
    if (name === 'en' || there[name] !== undefined) return name;
  }
  return 'en';
}

/** What the page and the browser wish: the nearest `lang`, also through shadow roots, then the person's own languages. */
export function wishesOf(element: Element): readonly (string | undefined)[] {
  const near: (string | undefined)[] = [];
  for (let at: Element | null = element; at !== null; ) {
    const holder: Element | null = at.closest('[lang]:not([lang=""])');
    near.push(holder?.getAttribute('lang') ?? undefined);
    const root: Node = at.getRootNode();
    at = root instanceof ShadowRoot ? root.host : null;
  }
  return [...near, ...navigator.languages];
}

/** A language by its name; English where its file cannot be had. */
export function languageNamed(name: string): Promise<Language> {
  const integrity = known[name];
  if (integrity === undefined) return Promise.resolve(inEnglish);
  const loading = read.get(name) ?? load(name, integrity);
  read.set(name, loading);
  return loading;
}

async function load(name: string, integrity: string): Promise<Language> {
  try {
    const answer = await fetch(new URL(`call-button.${name}.json`, import.meta.url), { integrity, credentials: 'omit' });
    if (!answer.ok) return inEnglish;
    return { lang: name, dir: rightToLeft.has(name) ? 'rtl' : 'ltr', texts: (await answer.json()) as Texts };
  } catch {
    read.delete(name);
    return inEnglish;
  }
}
