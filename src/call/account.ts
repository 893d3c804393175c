/** To whom a call from a page is accounted: what limits and budgets count by. Nothing here is a claim of the page. */
export interface CallAccount {
  /** Public key of the website, `sites[].key`. */
  readonly site?: string;
  /** Visitor or user the ticket was made out to. */
  readonly visitor?: string;
  /** Number of the ticket (`jti`, RFC 7519 §4.1.7). */
  readonly ticket?: string;
  /** The name that was called in place of a number, where the ticket or the site resolved one. */
  readonly alias?: string;
}
