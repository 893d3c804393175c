/** The carriers' side of the gateway: SIP over UDP, TCP and TLS. */
import type { Log } from '../base/log.js';
import type { Edge } from '../call/edges.js';
import type { CallIntake } from '../call/ports.js';
import type { CallRequest } from '../call/request.js';
import { hopsLeft } from '../sip/max-forwards.js';
import type { FlowRef, InboundCall, InboundRequest } from '../sip/port.js';
import { phoneNumberOf, userOf } from '../sip/uri.js';
import { incomingIdentity } from './incoming-identity.js';
import { normaliseNumber } from './number-format.js';
import type { TrunkOptions } from './options.js';
import { TrunkAdmission } from './trunk-admission.js';
import { TrunkInbound } from './trunk-inbound.js';
import { trunkMedia } from './trunk-route.js';
import type { Trunks } from './trunks.js';

interface TrunkEdgeDeps {
  readonly calls: CallIntake;
  readonly shared: Trunks;
  readonly log: Log;
}

/** Takes calls of carriers, known by where they come from. */
export class TrunkEdge implements Edge {
  private readonly admission: TrunkAdmission;

  constructor(
    trunks: readonly TrunkOptions[],
    private readonly deps: TrunkEdgeDeps,
  ) {
    this.admission = new TrunkAdmission(trunks, { shared: deps.shared });
  }

  incoming(call: InboundCall): void {
    const trunk = this.admission.trunkOf(call.source, call.requestUri);
    if (trunk === undefined) {
      this.deps.log.warn(
        { address: call.source.address, transport: call.source.transport },
        'call from an address of no trunk refused; add it to "allow" if it is a carrier',
      );
      call.reject(403);
      return;
    }
    const hops = hopsLeft(call.headers);
    if (hops === 0) {
      // RFC 3261 §16.3: a call that has gone in a circle ends here.
      this.deps.calls.refuse(requestOf(call, trunk, { maxForwards: 0, onOver: undefined }), 'loop');
      return;
    }
    const giveBack = this.deps.shared.lines.take(trunk.id, 'in');
    const request = requestOf(call, trunk, { maxForwards: hops - 1, onOver: giveBack });
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
    request.respond(this.admission.trunkOf(request.source, request.requestUri) === undefined ? 403 : 200);
  }

  /** A carrier's connection may close under a call; the call's requests open a new one. A registration over it is made anew. */
  flowClosed(flow: FlowRef): void {
    this.deps.shared.flowClosed(flow);
  }
}

function requestOf(
  call: InboundCall,
  trunk: TrunkOptions,
  facts: { readonly maxForwards: number; readonly onOver: (() => void) | undefined },
): CallRequest {
  const { from, identity } = incomingIdentity(call, trunk);
  const { reliable, sessionTimer, credentials } = trunk;
  return {
    direction: 'trunk-to-browser',
    leg: reliable === undefined && sessionTimer === undefined && credentials === undefined ? call : new TrunkInbound(call, trunk),
    media: trunkMedia(trunk),
    from,
    to: calledNumber(call, trunk),
    trunk: trunk.id,
    identity,
    ...(trunk.digits === undefined ? {} : { digits: trunk.digits }),
    ...(trunk.hold === undefined ? {} : { hold: trunk.hold }),
    ...(trunk.transfer === undefined ? {} : { transfer: trunk.transfer }),
    maxForwards: facts.maxForwards,
    ...(facts.onOver === undefined ? {} : { onOver: facts.onOver }),
  };
}

/**
 * The number of ours that is called. A carrier we register with puts our Contact into the
 * Request-URI (RFC 3261 §16.6); the number then stands in To. A call to the account itself is one to
 * the trunk's own number.
 */
function calledNumber({ requestUri, to }: InboundCall, trunk: TrunkOptions): string {
  const inRequest = phoneNumberOf(requestUri);
  const contactUser = trunk.register?.contactUser ?? trunk.register?.user;
  const own = inRequest === undefined || inRequest === contactUser;
  const account = contactUser !== undefined && userOf(requestUri) === contactUser ? trunk.callerId : undefined;
  const number = (own && trunk.register !== undefined ? phoneNumberOf(to.uri) : undefined) ?? inRequest ?? account;
  return number === undefined ? '' : normaliseNumber(number, trunk.numberFormat, trunk.numberPlan);
}
