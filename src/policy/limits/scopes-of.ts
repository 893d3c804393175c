/** For whom a call is counted. Pure. */
import { household, neighbourhood, networkPrefix } from '../../base/network-prefix.js';
import type { CallAccount } from '../../call/account.js';
import { bare, dialled } from '../spelling.js';
import type { Budget, Limits, Scope } from './scope.js';

/** Limits of one website. */
export interface SiteLimits {
  readonly key: string;
  readonly limits?: Limits;
  readonly budget?: Budget;
  /** Of each of its visitors. */
  readonly perVisitor?: Limits;
}

/** Limits of numbers that begin so. */
export interface DestinationLimits {
  readonly prefix: string;
  readonly limits?: Limits;
  readonly budget?: Budget;
}

export interface ScopeRules {
  readonly gateway: { readonly limits: Limits; readonly budget: Budget };
  readonly sites: readonly SiteLimits[];
  /** Of each page that has no account at a site, told apart by its household. */
  readonly perVisitor: Limits;
  /** Of each neighbourhood. */
  readonly perNetwork: Limits;
  readonly destinations: readonly DestinationLimits[];
  readonly trunks: readonly { readonly id: string; readonly limits?: Limits; readonly budget?: Budget }[];
}

/** What is known of a call that wants out. */
export interface CountedAttempt {
  readonly number: string;
  readonly trunk: string;
  readonly account?: CallAccount;
  /** Where the page is; absent for a call that came in by a trunk. */
  readonly address?: string;
}

const none = {};

function scope(id: string, path: string, limits: Limits = none, budget: Budget = none): Scope {
  return { id, rule: `${path}limits`, budgetRule: `${path}budget`, limits, budget };
}

/** All that count it, the widest first. Those without any bound are left out. */
export function scopesOf(rules: ScopeRules, { number, trunk, account, address }: CountedAttempt): readonly Scope[] {
  const scopes: Scope[] = [scope('gateway', 'policy.', rules.gateway.limits, rules.gateway.budget)];
  const line = rules.trunks.find(({ id }) => id === trunk);
  if (line !== undefined) scopes.push(scope(`trunk ${trunk}`, `trunks[${trunk}].`, line.limits, line.budget));
  for (const { prefix, limits, budget } of rules.destinations) {
    if (prefix === '*' || dialled(number).startsWith(bare(prefix)))
      scopes.push(scope(`destination ${prefix}`, `policy.perDestination[${prefix}].`, limits, budget));
  }
  const site = rules.sites.find(({ key }) => key === account?.site);
  if (site !== undefined) scopes.push(scope(`site ${site.key}`, `sites[${site.key}].`, site.limits, site.budget));
  if (address !== undefined) {
    scopes.push({ ...scope(`network ${networkPrefix(address, neighbourhood)}`, '', rules.perNetwork), rule: 'policy.perNetwork' });
    const who = account?.visitor ?? `address ${networkPrefix(address, household)}`;
    const limits = site?.perVisitor ?? rules.perVisitor;
    const rule = site?.perVisitor === undefined ? 'policy.perVisitor' : `sites[${site.key}].perVisitor`;
    scopes.push({ ...scope(`visitor ${account?.site ?? ''} ${who}`, '', limits), rule });
  }
  return scopes.filter(({ limits, budget }) => Object.keys(limits).length + Object.keys(budget).length > 0);
}
