import { createHash, timingSafeEqual } from 'node:crypto';

/** A website that may have calls placed, as its configuration describes it. */
export interface Site {
  /** Public: stands in pages. */
  readonly key: string;
  /** Of the website's back end, for asking for tickets. */
  readonly secret?: string;
  /** Origins of its pages; `*` is any. */
  readonly origins: readonly string[];
  /** What its pages may call by name. */
  readonly destinations: readonly { readonly name: string; readonly number: string }[];
  /** Number shown to the called side; the trunk's own when absent. */
  readonly from?: string;
  /** Further numbers that a ticket may show. */
  readonly callerIds?: readonly string[];
  readonly maxSeconds?: number;
  /** Users that its tickets may register. */
  readonly users?: readonly string[];
  /** Pages may ask for tickets themselves; absent: only the back end may. */
  readonly anonymous?: AnonymousRules;
}

/** What pages without a back end are held to. */
export interface AnonymousRules {
  /** Tickets one visitor gets in an hour. */
  readonly ticketsPerHour: number;
}

/** Whether a page of this origin is one of the site's. */
export function isOwnOrigin(origins: readonly string[], origin: string | undefined): boolean {
  return origin !== undefined && origins.some((known) => known === '*' || known === origin);
}

/** Whether a ticket for these origins may come from there; `*` is for connections that tell none, too. */
export function coversOrigin(origins: readonly string[], origin: string | undefined): boolean {
  return origins.includes('*') || isOwnOrigin(origins, origin);
}

/** Whether calls of the site may show this number: a ticket chooses among the site's, and is no way to pose as somebody else. */
export function mayShow({ from, callerIds = [] }: Site, shown: string): boolean {
  return shown === from || callerIds.includes(shown);
}

/** The number a name stands for; undefined when the site has no such name. */
export function numberNamed(site: Site, name: string): string | undefined {
  return site.destinations.find((destination) => destination.name === name)?.number;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** All websites, found by what they show. */
export class Sites {
  private readonly byKey: ReadonlyMap<string, Site>;
  private readonly secrets: readonly { readonly digest: Buffer; readonly site: Site }[];

  constructor(readonly all: readonly Site[]) {
    this.byKey = new Map(all.map((site) => [site.key, site]));
    this.secrets = all.flatMap((site) => (site.secret === undefined ? [] : [{ digest: digest(site.secret), site }]));
  }

  withKey(key: string): Site | undefined {
    return this.byKey.get(key);
  }

  /** Compares with every secret, in the same time whichever it is. */
  withSecret(secret: string): Site | undefined {
    const given = digest(secret);
    let found: Site | undefined;
    for (const { digest: known, site } of this.secrets) if (timingSafeEqual(known, given)) found = site;
    return found;
  }
}
