/** Rules that say where a call goes. The interface is in `ports.ts`; here is the matching, without I/O. */
import type { UdpLegOptions, WebRtcLegOptions } from '../media/plane.js';
import type { FailureCode } from './failure-code.js';
import type { NextTarget, RingStep, RouteDecision, Router, TrunkTarget, Unserved } from './ports.js';
import type { CallRequest } from './request.js';

/** A trunk as the router knows it: the first in the list takes the call, the others when it cannot. */
export interface TrunkRoute {
  readonly id: string;
  readonly media: UdpLegOptions;
  readonly early?: NonNullable<TrunkTarget['early']>;
  readonly transfer?: NonNullable<TrunkTarget['transfer']>;
  readonly hold?: NonNullable<TrunkTarget['hold']>;
  readonly digits?: NonNullable<TrunkTarget['digits']>;
}

/** Somebody a number of ours leads to. */
export interface InboundTarget {
  readonly to:
    | { readonly user: string }
    /** Users that ring together or one after another, under one name in the record. */
    | { readonly group: string; readonly steps: readonly RingStep[] }
    /** Forwarded to a number behind the trunks, as far as the policy allows it. */
    | { readonly number: string };
  /** What must have become of the target before; anything that sends a call on when absent. */
  readonly when?: readonly Unserved[];
  readonly ringMs?: number;
}

/** Where a number of ours leads, in this order. `number` is a whole normalised number or `*` for any. */
export interface InboundRule {
  readonly number: string;
  readonly targets: readonly InboundTarget[];
}

/** The rules of a configuration. */
export interface RuleRouterOptions {
  readonly trunks: readonly TrunkRoute[];
  readonly inbound: readonly InboundRule[];
  /** How the media of a called browser is made. */
  readonly browserMedia: WebRtcLegOptions;
}

/** Says whether a normalised number may be dialled, and by which rule (see `policy/destinations.ts`). */
export type DestinationCheck = (number: string) => { readonly allowed: boolean; readonly rule: string; readonly why: string };

/** What becomes of a number of an emergency service; undefined for every other number. */
export type EmergencyCheck = (number: string) => 'refuse' | 'allow' | { readonly trunk: string } | undefined;

const ANY: readonly Unserved[] = ['no-answer', 'busy', 'unavailable'];

/** The router of a configuration: destinations allowed, trunks in their order, numbers of ours to whoever has them. */
export class RuleRouter implements Router {
  constructor(
    private readonly options: RuleRouterOptions,
    private readonly deps: { readonly mayDial: DestinationCheck; readonly emergency?: EmergencyCheck },
  ) {}

  route(request: CallRequest): RouteDecision {
    return request.direction === 'browser-to-trunk' ? this.outward(request.to) : this.inward(request.to);
  }

  private outward(number: string): RouteDecision {
    const emergency = this.deps.emergency?.(number);
    if (emergency === 'refuse') {
      const by = { rule: 'policy.emergency', why: 'numbers of emergency services cannot be called from pages' };
      return { kind: 'refused', failure: 'emergency-number', by };
    }
    const { allowed, rule, why } = this.deps.mayDial(number);
    if (emergency === undefined && !allowed) return { kind: 'refused', failure: 'destination-denied', by: { rule, why } };
    const only = typeof emergency === 'object' ? emergency.trunk : undefined;
    const trunks = this.options.trunks.filter(({ id }) => only === undefined || id === only);
    const targets = trunks.map((trunk): NextTarget => ({ target: trunkTarget(trunk, number), when: ['unavailable'] }));
    return inTurn(targets, 'no-route');
  }

  private inward(number: string): RouteDecision {
    const rule = matchInbound(this.options.inbound, number);
    if (rule === undefined) return { kind: 'refused', failure: 'number-not-found' };
    const nobody = rule.targets.some(({ to }) => 'number' in to) ? 'destination-denied' : 'number-not-found';
    return inTurn(
      rule.targets.flatMap((target) => this.inboundTargets(target)),
      nobody,
    );
  }

  /** A forwarded call costs what a dialled one does, so the same policy stands before it. */
  private inboundTargets({ to, when = ANY, ringMs }: InboundTarget): readonly NextTarget[] {
    const limit = ringMs === undefined ? {} : { ringMs };
    if ('number' in to) {
      if (!this.deps.mayDial(to.number).allowed) return [];
      return this.options.trunks.map((trunk, at) => ({
        target: { ...trunkTarget(trunk, to.number), ...limit },
        when: at === 0 ? when : ['unavailable'],
      }));
    }
    const media = this.options.browserMedia;
    const who = 'user' in to ? { user: to.user } : { user: to.group, steps: to.steps };
    return [{ target: { kind: 'browser', ...who, media, ...limit }, when }];
  }
}

function trunkTarget({ id, media, early, transfer, hold, digits }: TrunkRoute, number: string): TrunkTarget {
  return {
    kind: 'trunk',
    ...{ trunk: id, number, media },
    ...(early === undefined ? {} : { early }),
    ...(transfer === undefined ? {} : { transfer }),
    ...(hold === undefined ? {} : { hold }),
    ...(digits === undefined ? {} : { digits }),
  };
}

function inTurn([first, ...otherwise]: readonly NextTarget[], failure: FailureCode): RouteDecision {
  if (first === undefined) return { kind: 'refused', failure };
  return { kind: 'target', target: first.target, ...(otherwise.length === 0 ? {} : { otherwise }) };
}

/** The exact rule wins over `*`; numbers are compared without their leading `+`, which carriers drop at will. */
export function matchInbound(rules: readonly InboundRule[], number: string): InboundRule | undefined {
  const bare = (text: string): string => text.replace(/^\+/, '');
  const exact = rules.find((rule) => rule.number !== '*' && bare(rule.number) === bare(number));
  return exact ?? rules.find((rule) => rule.number === '*');
}
