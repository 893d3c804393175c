/** The carriers' side of the gateway: SIP over UDP, TCP and TLS. */
import type { Log } from '../base/log.js';
import type { Edge } from '../call/edges.js';
import type { Party } from '../call/facts.js';
import type { CallIntake } from '../call/ports.js';
import type { CallRequest } from '../call/request.js';
import { parseNameAddressList } from '../sip/name-address.js';
import type { FlowRef, InboundCall, InboundRequest } from '../sip/port.js';
import { phoneNumberOf } from '../sip/uri.js';
import type { TrunkOptions } from './options.js';
import { SourceMatch } from './source-match.js';
import type { TrunkLines } from './trunk-lines.js';

/** Takes calls of carriers, known by the address they come from. */
export class TrunkEdge implements Edge {
  private readonly sources: SourceMatch;

  constructor(
    trunks: readonly TrunkOptions[],
    private readonly deps: { readonly calls: CallIntake; readonly lines: TrunkLines; readonly log: Log },
  ) {
    this.sources = new SourceMatch(trunks);
  }

  incoming(call: InboundCall): void {
    const trunk = this.sources.trunkOf(call.source.address);
    if (trunk === undefined) {
      this.deps.log.warn(
        { address: call.source.address, transport: call.source.transport },
        'call from an address of no trunk refused; add it to "allow" if it is a carrier',
      );
      call.reject(403);
      return;
    }
    const giveBack = this.deps.lines.take(trunk.id, 'in');
    const request = requestOf(call, trunk, giveBack);
    if (giveBack === undefined) {
      this.deps.calls.refuse(request, 'too-many-calls');
      return;
    }
    if (request.to === '') {
      this.deps.calls.refuse(request, 'number-invalid');
      return;
    }
    this.deps.calls.incoming(request);
  }

  /** Nobody registers with us from the telephone's side. */
  register(request: InboundRequest): void {
    request.respond(403);
  }

  /** Carriers ask whether we are there. */
  options(request: InboundRequest): void {
    request.respond(this.sources.trunkOf(request.source.address) === undefined ? 403 : 200);
  }

  /** A carrier's connection may close under a call; the call's requests open a new one. */
  flowClosed(_flow: FlowRef): void {}
}

function requestOf(call: InboundCall, trunk: TrunkOptions, onOver: (() => void) | undefined): CallRequest {
  return {
    direction: 'trunk-to-browser',
    leg: call,
    media: { kind: 'udp', codecs: trunk.codecs, learnFrom: trunk.mediaAllow },
    from: callerOf(call),
    to: phoneNumberOf(call.requestUri) ?? '',
    trunk: trunk.id,
    ...(onOver === undefined ? {} : { onOver }),
  };
}

/** Who the carrier says is calling: asserted first (RFC 3325 §9.1; a trunk is trusted), From otherwise. */
function callerOf(call: InboundCall): Party {
  const asserted = call.headers.all('P-Asserted-Identity').flatMap((line) => parseNameAddressList(line) ?? []);
  const number = asserted.map(({ uri }) => phoneNumberOf(uri)).find((found) => found !== undefined) ?? phoneNumberOf(call.from.uri);
  const { displayName } = call.from;
  return { number: number ?? 'anonymous', ...(displayName === undefined ? {} : { displayName }) };
}
