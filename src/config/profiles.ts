/** Carrier profiles: how a kind of carrier behaves, as data in `config/profiles/`. */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { messageOf } from '../base/errors.js';
import type { ConfigFault } from './fault.js';
import { profileSchema } from './sections/trunk-behaviour.js';
import { nearest } from './suggest.js';

const folder = new URL('../../config/profiles/', import.meta.url);

type Keys = Readonly<Record<string, unknown>>;

/** What a profile gives, as it stands in its file; a sentence when it cannot be used. */
type ProfileResult =
  | { readonly ok: true; readonly description: string; readonly keys: Keys }
  | { readonly ok: false; readonly why: string };

/** Names of the profiles that come with the gateway. */
export function profileNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** Reads one profile. */
export function readProfile(name: string): ProfileResult {
  try {
    const file: unknown = parse(readFileSync(new URL(`${name}.yaml`, folder), 'utf8'));
    const checked = profileSchema.safeParse(file);
    if (!checked.success)
      return { ok: false, why: checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ') };
    return { ok: true, description: checked.data.description, keys: (file as { readonly trunk: Keys }).trunk };
  } catch (thrown) {
    return { ok: false, why: messageOf(thrown) };
  }
}

const isGroup = (value: unknown): value is Keys => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `own` over `given`, group by group. */
function under(given: Keys, own: Keys): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...given };
  for (const [name, value] of Object.entries(own)) {
    const below = merged[name];
    merged[name] = isGroup(below) && isGroup(value) ? { ...below, ...value } : value;
  }
  return merged;
}

/** Puts the keys of their profiles under the trunks' own, in the document before it is checked. */
export function applyProfiles(document: Record<string, unknown>): ConfigFault[] {
  const { trunks } = document;
  if (!Array.isArray(trunks)) return [];
  const faults: ConfigFault[] = [];
  document['trunks'] = trunks.map((trunk: unknown, at): unknown => {
    if (!isGroup(trunk)) return trunk;
    const { profile } = trunk;
    if (typeof profile !== 'string' || !/^[a-z0-9-]+$/.test(profile)) return trunk;
    const names = profileNames();
    if (!names.includes(profile)) {
      const guess = nearest(profile, names);
      const remedy = guess === undefined ? `use one of ${names.join(', ')}` : `did you mean "${guess}"?`;
      faults.push({ path: `trunks[${at}].profile`, problem: `there is no profile "${profile}"`, remedy });
      return trunk;
    }
    const read = readProfile(profile);
    if (read.ok) return under(read.keys, trunk);
    faults.push({
      path: `trunks[${at}].profile`,
      problem: `the profile "${profile}" cannot be used (${read.why})`,
      remedy: 'correct its file',
    });
    return trunk;
  });
  return faults;
}
