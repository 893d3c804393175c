/** The browsers' side of the gateway: SIP over WebSocket (RFC 7118). */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Edge } from '../call/edges.js';
import type { Party } from '../call/facts.js';
import type { CallIntake } from '../call/ports.js';
import type { CallRequest } from '../call/request.js';
import { hopsLeft } from '../sip/max-forwards.js';
import type { FlowRef, InboundCall, InboundRequest } from '../sip/port.js';
import { phoneNumberOf, userOf } from '../sip/uri.js';
import { Identities, type Proof } from './identity.js';
import type { BrowserEdgeOptions, BrowserUser } from './options.js';
import type { Registrar } from './registrar.js';
import type { UserCalls } from './user-calls.js';

type Caller =
  | { readonly kind: 'known'; readonly from: Party; readonly user?: string }
  | Extract<Proof, { readonly kind: 'challenge' }>
  | { readonly kind: 'refused' };

/** Takes calls and registrations of pages, after it has found out who they are. */
export class BrowserEdge implements Edge {
  private readonly identities: Identities;

  constructor(
    private readonly settings: BrowserEdgeOptions,
    private readonly deps: {
      readonly calls: CallIntake;
      readonly registrar: Registrar;
      readonly userCalls: UserCalls;
      readonly clock: Clock;
      readonly log: Log;
    },
  ) {
    this.identities = new Identities(settings, deps);
  }

  incoming(call: InboundCall): void {
    const caller = this.callerOf(call);
    if (caller.kind === 'challenge') {
      call.reject(401, { headers: caller.headers });
      return;
    }
    if (caller.kind === 'refused') {
      this.deps.log.warn(
        { address: call.source.address, origin: call.source.origin },
        'a page that is nobody may not call; it has to register',
      );
      this.deps.calls.refuse(this.request(call, { number: 'anonymous' }, undefined), 'destination-denied');
      return;
    }
    const request = this.request(call, caller.from, caller.user);
    if (hopsLeft(call.headers) === 0) {
      this.deps.calls.refuse(request, 'loop');
      return;
    }
    if (request.to === '') {
      this.deps.calls.refuse(request, 'number-invalid');
      return;
    }
    const onOver = caller.user === undefined ? undefined : this.deps.userCalls.begin(caller.user);
    this.deps.calls.incoming(onOver === undefined ? request : { ...request, onOver });
  }

  register(request: InboundRequest): void {
    const proof = this.identities.prove(userOf(request.to.uri), request);
    switch (proof.kind) {
      case 'user':
        this.deps.registrar.register(proof.user, request);
        return;
      case 'challenge':
        request.respond(401, { headers: proof.headers });
        return;
      case 'refused':
        this.deps.log.warn(
          { address: request.source.address, origin: request.source.origin, status: proof.status },
          'registration refused',
        );
        request.respond(proof.status);
        return;
    }
  }

  options(request: InboundRequest): void {
    request.respond(200);
  }

  flowClosed(flow: FlowRef): void {
    this.deps.registrar.flowClosed(flow);
  }

  /** The identity firewall: From, P-Asserted-Identity and the like of a page are never looked at. */
  private callerOf(call: InboundCall): Caller {
    const registered = this.deps.registrar.userOn(call.source.flow);
    if (registered !== undefined) return known(registered);
    const proof = this.identities.proveByPassword({ method: 'INVITE', requestUri: call.requestUri, headers: call.headers });
    if (proof.kind === 'user') return known(proof.user);
    if (this.settings.guest !== undefined) return { kind: 'known', from: this.settings.guest };
    return proof.kind === 'challenge' && this.identities.canChallenge ? proof : { kind: 'refused' };
  }

  private request(call: InboundCall, from: Party, user: string | undefined): CallRequest {
    return {
      direction: 'browser-to-trunk',
      leg: call,
      media: { kind: 'webrtc', codecs: this.settings.codecs },
      from,
      to: phoneNumberOf(call.requestUri) ?? '',
      maxForwards: Math.max(0, hopsLeft(call.headers) - 1),
      ...(user === undefined ? {} : { user }),
    };
  }
}

function known(user: BrowserUser): Caller {
  const from = { number: user.from ?? user.name, ...(user.displayName === undefined ? {} : { displayName: user.displayName }) };
  return { kind: 'known', from, user: user.name };
}
