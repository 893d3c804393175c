/** What the form over the records asks for. Empty: no condition. */
export interface RecordFilter {
  /** As a field for date and time gives it, in the zone of the viewer. */
  readonly from: string;
  readonly to: string;
  readonly number: string;
  readonly trunk: string;
  readonly site: string;
  readonly disposition: string;
}

export const emptyFilter: RecordFilter = { from: '', to: '', number: '', trunk: '', site: '', disposition: '' };

const names = ['from', 'to', 'number', 'trunk', 'site', 'disposition'] as const;

/** A local time of a form field as the API takes it; empty when it is none. */
function momentOf(local: string): string {
  const ms = local === '' ? Number.NaN : new Date(local).getTime();
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString();
}

/** The query of `GET /cdrs`. */
export function recordQuery(
  filter: RecordFilter,
  page: { readonly limit: number; readonly before?: string; readonly format?: 'csv' },
): string {
  const query = new URLSearchParams({ limit: String(page.limit) });
  for (const name of names) {
    const value = name === 'from' || name === 'to' ? momentOf(filter[name]) : filter[name].trim();
    if (value !== '') query.set(name, value);
  }
  if (page.before !== undefined) query.set('before', page.before);
  if (page.format !== undefined) query.set('format', page.format);
  return query.toString();
}

/** For the address of the page, so that a search can be kept and sent on. */
export function filterToAddress(filter: RecordFilter): string {
  return new URLSearchParams(names.flatMap((name) => (filter[name] === '' ? [] : [[name, filter[name]]]))).toString();
}

export function filterFromAddress(text: string): RecordFilter {
  const given = new URLSearchParams(text);
  const filter = { ...emptyFilter } as { -readonly [K in keyof RecordFilter]: string };
  for (const name of names) filter[name] = given.get(name) ?? '';
  return filter;
}

export const isEmptyFilter = (filter: RecordFilter): boolean => names.every((name) => filter[name] === '');
