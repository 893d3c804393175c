import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { DialRequest, DialResult, NumberToRefer, ReferTo, TrunkDialling, TrunkTarget } from '../call/ports.js';
import { formatReplaces, type Referral } from '../call/transfer/refer.js';
import type { ExtraHeaders, OutboundCall, OutboundOptions, OutboundOutcome, SipPort } from '../sip/port.js';
import { parseSipUri } from '../sip/uri.js';
import { requestUriOf, type UriPlace } from './number-uri.js';
import { defaultSilentMs, defaultStalledMs, type TrunkOptions } from './options.js';
import { outgoingIdentity } from './outgoing-identity.js';
import type { KnownPeer, PeerBook } from './peer-book.js';
import { redirectedTo } from './redirect.js';
import { healthOf, tryNext } from './retry-rules.js';
import { TrunkCall } from './trunk-call.js';
import type { TrunkLines } from './trunk-lines.js';

interface TrunkDiallerDeps {
  readonly sip: SipPort;
  readonly lines: TrunkLines;
  readonly book: PeerBook;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a carrier's redirection to this number may be followed. */
  readonly mayDial: (number: string) => boolean;
  /** The peer a trunk is registered with; it is tried first. */
  readonly registeredWith?: (trunk: string) => string | undefined;
}

/** Redirections followed for one call (RFC 3261 §8.1.3.4 leaves the number to us). */
const maxRedirections = 3;

/** Calls numbers behind trunks: one peer after the other, by health, priority and weight. */
export class TrunkDialler implements TrunkDialling {
  private readonly trunks: ReadonlyMap<string, TrunkOptions>;

  constructor(
    trunks: readonly TrunkOptions[],
    private readonly deps: TrunkDiallerDeps,
  ) {
    this.trunks = new Map(trunks.map((options) => [options.id, options]));
  }

  dial(request: DialRequest<TrunkTarget>): DialResult {
    const { target, attempt, callId } = request;
    const { book, lines, log } = this.deps;
    const trunk = this.trunks.get(target.trunk);
    if (trunk === undefined) return { kind: 'refused', failure: 'no-route' };
    const peer = book.peerFor(trunk.id, callId, attempt, this.deps.registeredWith?.(trunk.id));
    if (peer === undefined) return { kind: 'exhausted' };
    const release = lines.take(trunk.id, 'out');
    if (release === undefined) return { kind: 'refused', failure: 'trunk-congested' };
    log.info({ callId, trunk: trunk.id, peer: peer.uri, attempt }, 'dialling on a trunk');
    try {
      const leg = this.place(trunk, peer, request);
      const next = (outcome: Exclude<OutboundOutcome, { readonly kind: 'answered' }>) => tryNext(outcome, leg.hasRung, trunk.retry);
      void leg.outcome.then((outcome) => {
        this.learn(trunk.id, peer.uri, outcome);
        if (outcome.kind === 'answered' || next(outcome) !== 'peer') book.forget(trunk.id, callId);
      });
      return { kind: 'dialling', leg, release, tryNext: next };
    } catch (thrown) {
      release();
      log.error({ callId, trunk: trunk.id, fault: messageOf(thrown) }, 'the INVITE to the trunk cannot be made');
      return { kind: 'refused', failure: 'internal' };
    }
  }

  referTo({ trunk: id, number }: NumberToRefer): ReferTo {
    const trunk = this.trunks.get(id);
    const peer = trunk?.peers[0] === undefined ? undefined : parseSipUri(trunk.peers[0].uri);
    if (trunk === undefined || peer === undefined) return { kind: 'refused', failure: 'no-route' };
    return { kind: 'uri', uri: requestUriOf(number, trunk, homeOf(trunk, placeOf(peer))) };
  }

  private place(trunk: TrunkOptions, peer: KnownPeer, request: DialRequest<TrunkTarget>): TrunkCall {
    const { sip, clock, mayDial, log } = this.deps;
    const called = new Set([request.target.number]);
    const call = (number: string): OutboundCall => sip.call(invitation(trunk, peer, number, request));
    const follow = (outcome: Extract<OutboundOutcome, { readonly kind: 'rejected' }>): OutboundCall | undefined => {
      if (trunk.redirect !== 'same-trunk' || called.size > maxRedirections) return undefined;
      const number = redirectedTo(outcome, trunk, (found) => !called.has(found) && mayDial(found) && request.admits?.(found) !== false);
      if (number === undefined) return undefined;
      called.add(number);
      log.info({ callId: request.callId, trunk: trunk.id, peer: peer.uri }, 'the trunk redirects the call to another number of its own');
      return call(number);
    };
    const { silentMs = defaultSilentMs, stalledMs = defaultStalledMs, earlyMedia = 'relay' } = trunk;
    const elsewhere = this.trunks.size > 1 || request.attempt + 1 < trunk.peers.length;
    const options = { earlyMedia, ...(elsewhere ? { patience: { silentMs, stalledMs } } : {}) };
    return new TrunkCall(call(request.target.number), options, { clock, follow });
  }

  private learn(trunk: string, peer: string, outcome: OutboundOutcome): void {
    const event = healthOf(outcome);
    if (event !== undefined) this.deps.book.mark(trunk, peer, event);
  }
}

const placeOf = ({ scheme, host, port }: UriPlace): UriPlace => ({ scheme, host, ...(port === undefined ? {} : { port }) });

/** The carrier's own name: the domain it is configured with, or the peer. */
function homeOf({ register, domain }: TrunkOptions, peer: UriPlace): UriPlace {
  const host = register?.domain ?? domain;
  return host === undefined ? peer : { scheme: peer.scheme, host };
}

/** What a transferred call says of the one it comes from (RFC 3891 §4, RFC 3892 §2.2). */
function referralHeaders(referral: Referral | undefined): ExtraHeaders {
  if (referral === undefined) return [];
  const { replaces, referredBy } = referral;
  const replacing: ExtraHeaders =
    replaces === undefined
      ? []
      : [
          ['Replaces', formatReplaces(replaces)],
          ['Require', 'replaces'],
        ];
  return referredBy === undefined ? replacing : [...replacing, ['Referred-By', referredBy]];
}

/** The INVITE of one attempt. */
function invitation(trunk: TrunkOptions, peer: KnownPeer, number: string, request: DialRequest<TrunkTarget>): OutboundOptions {
  const there = placeOf(peer.parsed);
  const { from, headers: identity } = outgoingIdentity(trunk, request, homeOf(trunk, there));
  const headers = [...identity, ...referralHeaders(request.referral)];
  return {
    requestUri: requestUriOf(number, trunk, there),
    from,
    offer: request.offer,
    via: { proxy: peer.uri },
    ...(headers.length === 0 ? {} : { headers }),
    ...(trunk.credentials === undefined ? {} : { credentials: trunk.credentials }),
    ...(request.maxForwards === undefined ? {} : { maxForwards: request.maxForwards }),
    ...(trunk.reliable === undefined ? {} : { reliable: trunk.reliable }),
    ...(trunk.sessionTimer === undefined ? {} : { sessionTimer: trunk.sessionTimer }),
  };
}
