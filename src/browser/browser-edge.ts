/** The browsers' side of the gateway: SIP over WebSocket (RFC 7118). */
import type { Destination, GoodTicket, TicketVerifier } from '../auth/ticket-verifier.js';
import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Edge } from '../call/edges.js';
import type { Party } from '../call/facts.js';
import type { FailureCode } from '../call/failure-code.js';
import type { CallIntake } from '../call/ports.js';
import type { CallRequest } from '../call/request.js';
import { hopsLeft } from '../sip/max-forwards.js';
import type { FlowRef, InboundCall, InboundRequest } from '../sip/port.js';
import { phoneNumberOf, userOf } from '../sip/uri.js';
import { bearerOf } from './bearer.js';
import { Identities, type Proof } from './identity.js';
import type { BrowserEdgeOptions, BrowserUser } from './options.js';
import type { Registrar } from './registrar.js';
import type { UserCalls } from './user-calls.js';

type Caller =
  | { readonly kind: 'known'; readonly from: Party; readonly user?: string }
  | Extract<Proof, { readonly kind: 'challenge' }>
  | { readonly kind: 'refused'; readonly failure: FailureCode };

const nobody: Party = { number: 'anonymous' };

/** Takes calls and registrations of pages, after it has found out who they are. */
export class BrowserEdge implements Edge {
  private readonly identities: Identities;

  constructor(
    private readonly settings: BrowserEdgeOptions,
    private readonly deps: {
      readonly calls: CallIntake;
      readonly registrar: Registrar;
      readonly userCalls: UserCalls;
      /** Checks tickets; absent where nobody gives any out. */
      readonly tickets?: TicketVerifier;
      readonly clock: Clock;
      readonly log: Log;
    },
  ) {
    this.identities = new Identities(settings, deps);
  }

  incoming(call: InboundCall): void {
    // Whoever takes up a call again shows that he had it before; the core looks at that, and makes no new call of it.
    if (call.headers.get('Replaces') !== undefined) {
      this.deps.calls.incoming(this.request(call, this.settings.guest ?? nobody, undefined));
      return;
    }
    const token = bearerOf(call.headers);
    if (token !== undefined && this.deps.tickets !== undefined) {
      this.byTicket(call, token, this.deps.tickets).catch((thrown: unknown) => {
        this.deps.log.error({ error: messageOf(thrown) }, 'a ticket could not be checked');
        this.deps.calls.refuse(this.request(call, nobody, undefined), 'internal');
      });
      return;
    }
    const caller = this.callerOf(call);
    if (caller.kind === 'challenge') {
      call.reject(401, { headers: caller.headers });
      return;
    }
    if (caller.kind === 'refused') {
      const { address, origin } = call.source;
      this.deps.log.warn(
        { address, origin, failure: caller.failure },
        'a page that is nobody may not call; it has to register or bring a ticket',
      );
      this.deps.calls.refuse(this.request(call, nobody, undefined), caller.failure);
      return;
    }
    this.takeIn(this.request(call, caller.from, caller.user));
  }

  register(request: InboundRequest): void {
    const token = bearerOf(request.headers);
    if (token !== undefined && this.deps.tickets !== undefined) {
      this.registerByTicket(request, token, this.deps.tickets).catch((thrown: unknown) => {
        this.deps.log.error({ error: messageOf(thrown) }, 'a ticket could not be checked');
        request.respond(500);
      });
      return;
    }
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
    const proof = this.identities.proveByPassword({
      method: 'INVITE',
      requestUri: call.requestUri,
      headers: call.headers,
      source: call.source,
    });
    if (proof.kind === 'user') return known(proof.user);
    if (this.settings.guest !== undefined && this.settings.ticketsRequired !== true) return { kind: 'known', from: this.settings.guest };
    if (this.settings.ticketsRequired === true) return { kind: 'refused', failure: 'ticket-required' };
    return proof.kind === 'challenge' && this.identities.canChallenge ? proof : { kind: 'refused', failure: 'destination-denied' };
  }

  private async byTicket(call: InboundCall, token: string, tickets: TicketVerifier): Promise<void> {
    const { address, origin } = call.source;
    const verdict = await tickets.verify(token, origin);
    const refuse = (failure: FailureCode, why: string, known?: GoodTicket): void => {
      this.deps.log.warn({ address, origin, failure, why, site: known?.site.key, ticket: known?.ticket.id }, 'a ticket was refused');
      const request = this.request(call, nobody, undefined);
      this.deps.calls.refuse(known === undefined ? request : { ...request, account: accountOf(known) }, failure);
    };
    if (verdict.kind === 'refused') {
      refuse(verdict.failure, verdict.why);
      return;
    }
    const destination = [userOf(call.requestUri), phoneNumberOf(call.requestUri)]
      .map((called) => (called === undefined ? undefined : tickets.destination(verdict, called)))
      .find((found) => found !== undefined);
    if (destination === undefined) refuse('wrong-destination', 'it is for another destination', verdict);
    else if (!tickets.use(verdict)) refuse('ticket-used', 'it was used before', verdict);
    else this.takeIn(this.ticketRequest(call, verdict, destination));
  }

  private ticketRequest(call: InboundCall, good: GoodTicket, { number, alias }: Destination): CallRequest {
    const { ticket, site } = good;
    const shown = ticket.from ?? site.from;
    const limits = [ticket.maxSeconds, site.maxSeconds].filter((limit) => limit !== undefined);
    return {
      ...this.request(call, shown === undefined ? (this.settings.guest ?? nobody) : { number: shown }, undefined),
      to: number,
      account: { ...accountOf(good), ...(alias === undefined ? {} : { alias }) },
      ...(limits.length === 0 ? {} : { maxCallMs: Math.min(...limits) * 1000 }),
    };
  }

  /** A ticket that registers names a user its site answers for, and no destination. It serves until it expires: a registration is refreshed. */
  private async registerByTicket(request: InboundRequest, token: string, tickets: TicketVerifier): Promise<void> {
    const { address, origin } = request.source;
    const verdict = await tickets.verify(token, origin);
    const name = userOf(request.to.uri);
    const user = verdict.kind === 'good' && name !== undefined && registers(verdict, name) ? this.identities.named(name) : undefined;
    if (user !== undefined) {
      this.deps.registrar.register(user, request);
      return;
    }
    const failure = verdict.kind === 'refused' ? verdict.failure : 'ticket-invalid';
    this.deps.log.warn({ address, origin, failure }, 'registration by ticket refused');
    request.respond(403, { headers: [['X-Gateway-Failure', failure]] });
  }

  private takeIn(request: CallRequest): void {
    if (hopsLeft(request.leg.headers) === 0) {
      this.deps.calls.refuse(request, 'loop');
      return;
    }
    if (request.to === '') {
      this.deps.calls.refuse(request, 'number-invalid');
      return;
    }
    const onOver = request.user === undefined ? undefined : this.deps.userCalls.begin(request.user);
    this.deps.calls.incoming(onOver === undefined ? request : { ...request, onOver });
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

function registers({ ticket, site }: GoodTicket, name: string): boolean {
  return ticket.to === undefined && ticket.subject === name && site.users?.includes(name) === true;
}

function accountOf({ ticket, site }: GoodTicket): NonNullable<CallRequest['account']> {
  return { site: site.key, ticket: ticket.id, ...(ticket.subject === undefined ? {} : { visitor: ticket.subject }) };
}
