/** Rules that say where a call goes. The interface is in `ports.ts`; here is the matching, without I/O. */
import type { UdpLegOptions, WebRtcLegOptions } from '../media/plane.js';
import type { RouteDecision, Router, TrunkTarget } from './ports.js';
import type { CallRequest } from './request.js';

/** A trunk as the router knows it: the first in the list that exists takes the call. */
export interface TrunkRoute {
  readonly id: string;
  readonly media: UdpLegOptions;
  readonly transfer?: NonNullable<TrunkTarget['transfer']>;
}

/** Which user a number of ours belongs to. `number` is a whole normalised number or `*` for any. */
export interface InboundRule {
  readonly number: string;
  readonly user: string;
}

/** The rules of a configuration. */
export interface RuleRouterOptions {
  readonly trunks: readonly TrunkRoute[];
  readonly inbound: readonly InboundRule[];
  /** How the media of a called browser is made. */
  readonly browserMedia: WebRtcLegOptions;
}

/** Says whether a normalised number may be dialled (see `policy/destinations.ts`). */
export type DestinationCheck = (number: string) => boolean;

/** The router of a configuration: destinations allowed, first trunk, numbers of ours to users. */
export class RuleRouter implements Router {
  constructor(
    private readonly options: RuleRouterOptions,
    private readonly deps: { readonly mayDial: DestinationCheck },
  ) {}

  route(request: CallRequest): RouteDecision {
    return request.direction === 'browser-to-trunk' ? this.outward(request.to) : this.inward(request.to);
  }

  private outward(number: string): RouteDecision {
    if (!this.deps.mayDial(number)) return { kind: 'refused', failure: 'destination-denied' };
    const trunk = this.options.trunks[0];
    if (trunk === undefined) return { kind: 'refused', failure: 'no-route' };
    const { id, media, transfer } = trunk;
    return { kind: 'target', target: { kind: 'trunk', trunk: id, number, media, ...(transfer === undefined ? {} : { transfer }) } };
  }

  private inward(number: string): RouteDecision {
    const user = matchInbound(this.options.inbound, number);
    if (user === undefined) return { kind: 'refused', failure: 'number-not-found' };
    return { kind: 'target', target: { kind: 'browser', user, media: this.options.browserMedia } };
  }
}

/** The exact rule wins over `*`; numbers are compared without their leading `+`, which carriers drop at will. */
export function matchInbound(rules: readonly InboundRule[], number: string): string | undefined {
  const bare = (text: string): string => text.replace(/^\+/, '');
  const exact = rules.find((rule) => rule.number !== '*' && bare(rule.number) === bare(number));
  return (exact ?? rules.find((rule) => rule.number === '*'))?.user;
}
