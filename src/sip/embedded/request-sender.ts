import type { HostPort } from '../../base/address.js';
import type { Clock } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { FlowRef, SipTransport } from '../port.js';
import { formatUriHost } from '../uri.js';
import { DeadAddresses } from './dead-addresses.js';
import { type Flow, type FlowFailure, isWebSocket } from './flow.js';
import { type Candidate, locate, type Resolver } from './locate.js';
import type { SipRequestMessage, SipResponseMessage } from './message.js';
import { serialize } from './serializer.js';
import type { ClientTransaction, ClientUser } from './transaction-client.js';
import { newBranch } from './transaction-key.js';
import type { TransactionLayer } from './transaction-layer.js';
import type { TransportLayer } from './transport-layer.js';

/** What stands in our Via and Contact on the flow a request takes. */
export interface LocalIdentity {
  readonly transport: SipTransport;
  readonly sentBy: HostPort;
}

/** Where a request is to go: a flow and nothing else, or a URI, with a flow to fall back on. */
export type Destination = { readonly flow: FlowRef } | { readonly uri: string; readonly preferred?: FlowRef };

/** Makes the request for the flow it takes, without Via; called again for each flow that is tried. */
export type BuildRequest = (local: LocalIdentity) => SipRequestMessage;

/** A request being sent; the transaction is there once a flow was found. */
export interface Sending {
  readonly transaction: ClientTransaction | undefined;
  /** No further address is tried from now on: what comes of the one under way is what is reported. */
  stay(): void;
  /** Gives up: nothing more is sent or reported. A transaction under way is ended. */
  abandon(): void;
}

export interface SenderDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly transport: TransportLayer;
  readonly transactions: TransactionLayer;
  readonly resolver: Resolver;
  readonly random: () => number;
}

/** Above this many bytes a request leaves over TCP when the path MTU is not known (RFC 3261 §18.1.1). */
const maxDatagramBytes = 1300;
/** How long a peer without TCP is remembered as such. */
const noTcpMs = 10 * 60_000;
const maxRemembered = 1024;
/** A request given up after this long without any response speaks against the address. */
const silentMs = 2000;

/** `<sip:user@host:port;transport=…>` for a flow; WebSocket is `ws` with and without TLS (RFC 7118 §5.2). */
export function contactFor({ transport, sentBy }: LocalIdentity, user: string | undefined): string {
  const parameter = transport === 'udp' ? '' : `;transport=${transport === 'wss' ? 'ws' : transport}`;
  return `<sip:${user === undefined || user === '' ? '' : `${user}@`}${formatUriHost(sentBy.host)}:${sentBy.port}${parameter}>`;
}

/** Pushes our Via with a fresh branch and `rport` (RFC 3261 §8.1.1.7, RFC 3581 §3). */
function pushVia(request: SipRequestMessage, { transport, sentBy }: LocalIdentity, branch: string): void {
  const place = `${formatUriHost(sentBy.host)}:${sentBy.port}`;
  request.headers.prepend('Via', `SIP/2.0/${transport.toUpperCase()} ${place};branch=${branch};rport`);
}

/** An ACK as it left, to be sent again for a repeated 2xx. */
export interface SentAck {
  readonly flow: Flow;
  readonly bytes: Buffer;
}

/** Finds the way for a request, tries the next one when a way fails, and starts the transaction. */
export class RequestSender {
  private readonly shared: SharedState;

  constructor(private readonly deps: SenderDeps) {
    this.shared = { withoutTcp: new Map(), dead: new DeadAddresses(deps.clock), closed: false };
  }

  send(destination: Destination, build: BuildRequest, user: ClientUser): Sending {
    const attempt = new Attempt(this.deps, build, user, this.shared);
    this.ways(destination, (ways) => attempt.run(ways));
    return attempt;
  }

  /** From now on every request fails at once. */
  close(): void {
    this.shared.closed = true;
  }

  /** Sends an ACK of a 2xx, which has no transaction (RFC 3261 §13.2.2.4). */
  sendAck(destination: Destination, build: BuildRequest, onSent: (ack: SentAck) => void): void {
    this.ways(destination, (ways) => this.ackBy(ways, 0, build, onSent));
  }

  private ackBy(ways: readonly Way[], index: number, build: BuildRequest, onSent: (ack: SentAck) => void): void {
    const way = ways[index];
    if (way === undefined) return;
    const next = (): void => this.ackBy(ways, index + 1, build, onSent);
    take(
      this.deps.transport,
      way,
      (flow) => {
        const local = identityOn(this.deps.transport, flow);
        const request = build(local);
        pushVia(request, local, newBranch());
        const bytes = serialize(request);
        flow.send(bytes, next);
        onSent({ flow, bytes });
      },
      next,
    );
  }

  private ways(destination: Destination, done: (ways: readonly Way[]) => void): void {
    if ('flow' in destination) {
      done([{ flow: destination.flow }]);
      return;
    }
    const { preferred } = destination;
    const { resolver, random, transport } = this.deps;
    locate(destination.uri, resolver, { transports: transport.dialTransports, random })
      .catch(() => [])
      .then((located) => {
        const candidates = this.shared.dead.last(located);
        if (preferred === undefined) done(candidates.map((candidate) => ({ candidate })));
        else transport.flow(preferred, (flow) => done(withPreferred(candidates, flow)));
      })
      .catch((thrown: unknown) => this.deps.log.error({ fault: messageOf(thrown) }, 'A SIP request could not be sent'));
  }
}

/** What the attempts of one sender have in common. */
interface SharedState {
  /** Until when (clock) a peer counts as having no TCP. */
  readonly withoutTcp: Map<string, number>;
  readonly dead: DeadAddresses;
  closed: boolean;
}

/** One way to try. */
type Way = { readonly flow: FlowRef } | { readonly candidate: Candidate; readonly asIs?: boolean };

/**
 * A connection that leads to the very host is used before a new one is opened, and one that leads
 * elsewhere only after everything else: the peer may be behind a NAT (RFC 5626 §4 in spirit).
 */
function withPreferred(candidates: readonly Candidate[], flow: Flow | undefined): readonly Way[] {
  const ways: Way[] = candidates.map((candidate) => ({ candidate }));
  if (flow === undefined) return ways;
  const byFlow: Way = { flow: flow.ref };
  const sameHost = candidates.some((each) => each.address === flow.remote.host && each.transport === flow.transport);
  if (isWebSocket(flow.transport)) return [byFlow];
  return flow.transport !== 'udp' && sameHost ? [byFlow, ...ways] : [...ways, byFlow];
}

function identityOn(transport: TransportLayer, flow: Flow): LocalIdentity {
  return { transport: flow.transport, sentBy: transport.sentBy(flow) };
}

function take(transport: TransportLayer, way: Way, onFlow: (flow: Flow) => void, onFailure: (failure: FlowFailure) => void): void {
  if ('candidate' in way) {
    transport.reach(way.candidate, onFlow, onFailure);
    return;
  }
  transport.flow(way.flow, (flow) => {
    if (flow === undefined) onFailure({ why: 'transport', detail: 'the connection to the peer is gone' });
    else onFlow(flow);
  });
}

/**
 * The ways of one request, one after the other (RFC 3263 §4.3). After silence or a 503 the next
 * address gets the request only while nothing but a 100 has come from this one: once a phone may
 * have rung, a second INVITE could be a second call.
 */
class Attempt implements Sending, ClientUser {
  transaction: ClientTransaction | undefined;
  private ways: readonly Way[] = [];
  private index = -1;
  private phase: 'silent' | 'trying' | 'ringing' | 'over' = 'silent';
  private readonly tried = new Set<string>();
  private report: () => void;
  private sentAtMs = 0;

  constructor(
    private readonly deps: SenderDeps,
    private build: BuildRequest | undefined,
    private readonly user: ClientUser,
    private readonly shared: SharedState,
  ) {
    this.report = this.reporting({ why: 'unresolvable', detail: 'no address was found for the next hop' });
  }

  run(ways: readonly Way[]): void {
    this.ways = ways;
    this.next();
  }

  stay(): void {
    const waitedMs = this.deps.clock.nowMs() - this.sentAtMs;
    if (this.phase === 'silent' && this.transaction !== undefined && waitedMs >= silentMs) this.addressFailed();
    this.ways = this.ways.slice(0, this.index + 1);
  }

  abandon(): void {
    this.phase = 'over';
    this.transaction?.kill();
  }

  onResponse(response: SipResponseMessage): void {
    if (this.phase === 'over') return;
    if (response.status === 503 && this.phase !== 'ringing' && this.hasOtherAddress()) {
      this.addressFailed();
      this.next(() => this.user.onResponse(response));
      return;
    }
    if (response.status === 503) this.addressFailed();
    else this.addressAnswered();
    if (response.status >= 200) this.arrived();
    if (response.status > 100) this.phase = 'ringing';
    else if (this.phase === 'silent') this.phase = 'trying';
    this.user.onResponse(response);
  }

  onTimeout(): void {
    if (this.phase === 'over') return;
    if (this.phase === 'silent') this.addressFailed();
    if (this.phase === 'silent' && this.hasOtherAddress()) {
      this.next(() => this.user.onTimeout());
      return;
    }
    this.phase = 'over';
    this.user.onTimeout();
  }

  /** The next address of RFC 3263 §4.3, as a new transaction; the failure when there is none. */
  onTransportError(failure: FlowFailure): void {
    if (this.phase === 'over') return;
    this.addressFailed();
    if (this.phase === 'ringing') this.stay();
    this.next(this.reporting(failure));
  }

  /** There is a final response: the request is not made again, and what it was made of not held any longer. */
  private arrived(): void {
    this.ways = this.ways.slice(0, this.index + 1);
    this.build = undefined;
  }

  private reporting(failure: FlowFailure): () => void {
    return () => this.user.onTransportError(failure);
  }

  private get candidate(): Candidate | undefined {
    const way = this.ways[this.index];
    return way !== undefined && 'candidate' in way ? way.candidate : undefined;
  }

  private addressFailed(): void {
    if (this.candidate !== undefined) this.shared.dead.failed(this.candidate);
  }

  private addressAnswered(): void {
    if (this.candidate !== undefined) this.shared.dead.answered(this.candidate);
  }

  /** Leaves out, of what is still to be tried, other roads to a server that has had the request. */
  private hasOtherAddress(): boolean {
    const { transaction } = this;
    if (transaction !== undefined) this.tried.add(placeOf(transaction.flow.remote));
    const done = this.ways.slice(0, this.index + 1);
    const rest = this.ways.slice(this.index + 1);
    const fresh = rest.filter(
      (way) => 'candidate' in way && !this.tried.has(placeOf({ host: way.candidate.address, port: way.candidate.port })),
    );
    this.ways = [...done, ...fresh];
    return fresh.length > 0;
  }

  /** Takes the next way, or says what came of the last that was taken. */
  private next(report: () => void = this.report): void {
    if (this.phase === 'over') return;
    this.report = report;
    this.index += 1;
    const way = this.shared.closed ? undefined : this.ways[this.index];
    if (way === undefined) {
      this.phase = 'over';
      queueMicrotask(report);
      return;
    }
    this.phase = 'silent';
    this.transaction = undefined;
    take(
      this.deps.transport,
      way,
      (flow) => this.use(flow, way),
      (failure) => {
        this.rememberWithoutTcp(way);
        this.onTransportError(failure);
      },
    );
  }

  private use(flow: Flow, way: Way): void {
    if (this.phase === 'over') return;
    try {
      this.start(flow, way);
    } catch (thrown) {
      this.deps.log.error({ fault: messageOf(thrown) }, 'A SIP request could not be written');
      this.stay();
      this.onTransportError({ why: 'transport', detail: messageOf(thrown) });
    }
  }

  private start(flow: Flow, way: Way): void {
    const { build } = this;
    if (build === undefined) return;
    const local = identityOn(this.deps.transport, flow);
    const request = build(local);
    const branch = newBranch();
    pushVia(request, local, branch);
    if (flow.transport === 'udp' && 'candidate' in way && way.asIs !== true && this.tooLong(request, way.candidate)) {
      const { candidate } = way;
      const overTcp: Way = { candidate: { ...candidate, transport: 'tcp' } };
      this.ways = [...this.ways.slice(0, this.index + 1), overTcp, { candidate, asIs: true }, ...this.ways.slice(this.index + 1)];
      this.next();
      return;
    }
    this.sentAtMs = this.deps.clock.nowMs();
    this.transaction = this.deps.transactions.send(request, branch, flow, this);
  }

  private tooLong(request: SipRequestMessage, candidate: Candidate): boolean {
    if (candidate.transportGiven || !this.deps.transport.listensOnTcp) return false;
    const until = this.shared.withoutTcp.get(tcpKey(candidate));
    if (until !== undefined && until > this.deps.clock.nowMs()) return false;
    return serialize(request).length > maxDatagramBytes;
  }

  private rememberWithoutTcp(way: Way): void {
    if (!('candidate' in way) || way.candidate.transport !== 'tcp' || way.candidate.transportGiven) return;
    if (this.shared.withoutTcp.size >= maxRemembered) this.shared.withoutTcp.clear();
    this.shared.withoutTcp.set(tcpKey(way.candidate), this.deps.clock.nowMs() + noTcpMs);
  }
}

function placeOf({ host, port }: HostPort): string {
  return `${host} ${port}`;
}

function tcpKey({ address, port }: Candidate): string {
  return `${address} ${port}`;
}
