/** What sits on a leg: a page, or a carrier's side. */
export type LegKind = 'browser' | 'trunk';
