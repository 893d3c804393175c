import { GatewayError, messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Party } from '../call/facts.js';
import type { Dialler, DialRequest, DialResult, TrunkTarget } from '../call/ports.js';
import type { OutboundOptions, SipPort } from '../sip/port.js';
import { escapeUser, formatSipUri, parseSipUri, type SipUri } from '../sip/uri.js';
import { formatNumber, isPhoneNumber } from './number-format.js';
import type { TrunkOptions } from './options.js';
import { peerOrder } from './peer-order.js';
import type { TrunkLines } from './trunk-lines.js';

export type TrunkErrorInfo = { readonly code: 'trunk-peer-invalid'; readonly trunk: string };

interface Peer {
  readonly uri: string;
  readonly priority: number;
  readonly weight: number;
  readonly parsed: SipUri;
}

interface Trunk {
  readonly options: TrunkOptions;
  readonly peers: readonly Peer[];
}

/** Calls numbers behind trunks: one peer after the other, by priority and weight. */
export class TrunkDialler implements Dialler<TrunkTarget> {
  private readonly trunks: ReadonlyMap<string, Trunk>;

  constructor(
    trunks: readonly TrunkOptions[],
    private readonly deps: { readonly sip: SipPort; readonly lines: TrunkLines; readonly log: Log },
  ) {
    this.trunks = new Map(trunks.map((options) => [options.id, { options, peers: readPeers(options) }]));
  }

  dial({ target, from, offer, attempt, callId }: DialRequest<TrunkTarget>): DialResult {
    const trunk = this.trunks.get(target.trunk);
    if (trunk === undefined) return { kind: 'refused', failure: 'no-route' };
    const peer = peerOrder(trunk.peers, callId)[attempt];
    if (peer === undefined) return { kind: 'exhausted' };
    const release = this.deps.lines.take(target.trunk, 'out');
    if (release === undefined) return { kind: 'refused', failure: 'trunk-congested' };
    this.deps.log.info({ callId, trunk: target.trunk, peer: peer.uri, attempt }, 'dialling on a trunk');
    try {
      return { kind: 'dialling', leg: this.deps.sip.call(invitation(trunk.options, peer, target.number, from, offer)), release };
    } catch (thrown) {
      release();
      this.deps.log.error({ callId, trunk: target.trunk, fault: messageOf(thrown) }, 'the INVITE to the trunk cannot be made');
      return { kind: 'refused', failure: 'internal' };
    }
  }
}

/** The INVITE of one attempt. `#` and the like in a number are escaped (RFC 3261 §19.1.2). */
function invitation(trunk: TrunkOptions, peer: Peer, number: string, from: Party, offer: string): OutboundOptions {
  const { scheme, host, port } = peer.parsed;
  const there = { host, ...(port === undefined ? {} : { port }) };
  const here = trunk.domain === undefined ? there : { host: trunk.domain };
  const address = (number: string, place: { readonly host: string; readonly port?: number }): string =>
    formatSipUri({
      scheme,
      user: escapeUser(formatNumber(number, trunk.numberFormat)),
      ...place,
      parameters: new Map(),
      headers: new Map(),
    });
  const caller = isPhoneNumber(from.number) ? from.number : trunk.callerId;
  return {
    requestUri: address(number, there),
    from: { uri: address(caller, here), ...(from.displayName === undefined ? {} : { displayName: from.displayName }) },
    offer,
    via: { proxy: peer.uri },
    ...(trunk.credentials === undefined ? {} : { credentials: trunk.credentials }),
  };
}

function readPeers(options: TrunkOptions): readonly Peer[] {
  return options.peers.map(({ uri, priority, weight }) => {
    const parsed = parseSipUri(uri);
    if (parsed === undefined) {
      throw new GatewayError<TrunkErrorInfo>(
        { code: 'trunk-peer-invalid', trunk: options.id },
        `A peer of trunk ${options.id} is no SIP URI; write it as sip:host:port;transport=udp.`,
      );
    }
    return { uri, priority, weight, parsed };
  });
}
