/** Keeps us registered with one carrier: runs the registration's steps on the SIP port. */
import type { Clock, Timer } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Startable } from '../base/startable.js';
import type { RegistrationView } from '../call/trunk-view.js';
import { readInteger } from '../sip/grammar.js';
import type { FlowRef, SipPort, SipResponse } from '../sip/port.js';
import { escapeUser, formatSipUri } from '../sip/uri.js';
import { grantedSeconds } from './granted-expiry.js';
import type { RegisterOptions, TrunkOptions } from './options.js';
import type { KnownPeer } from './peer-book.js';
import { bindingAt, nextRegistration, type RegistrationEffect, type RegistrationEvent, type RegistrationState } from './registration.js';
import { retryAfterMs } from './retry-after.js';

interface RegistrationRunnerDeps {
  readonly sip: SipPort;
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** An expiry no carrier asks for; more in a Min-Expires is a mistake. */
const longestMinSeconds = 2 ** 31;

export class RegistrationRunner implements Startable {
  private state: RegistrationState = { name: 'idle' };
  private timer: Timer | undefined;
  /** The request under way; an answer to an older one is not looked at. */
  private turn: symbol | undefined;
  private registeredFlow: FlowRef | undefined;
  private failure: { readonly atMs: number; readonly why: string } | undefined;
  private registeredWallMs: number | undefined;
  private stopping: Promise<void> | undefined;
  private onLeft: () => void = () => {};

  constructor(
    private readonly options: { readonly trunk: TrunkOptions; readonly register: RegisterOptions; readonly peers: readonly KnownPeer[] },
    private readonly deps: RegistrationRunnerDeps,
  ) {}

  start(): Promise<void> {
    this.post({ type: 'start' });
    return Promise.resolve();
  }

  /** Takes our binding away at the carrier; gives up after two seconds. */
  stop(): Promise<void> {
    this.stopping ??= new Promise((resolve) => {
      this.onLeft = resolve;
      this.post({ type: 'stop' });
    });
    return this.stopping;
  }

  /** The user inbound calls name. */
  get contactUser(): string {
    return this.options.register.contactUser ?? this.options.register.user;
  }

  /** What we registered over, while the registration holds. */
  get flow(): FlowRef | undefined {
    return this.binding === undefined ? undefined : this.registeredFlow;
  }

  /** The peer we are registered with. */
  get peerUri(): string | undefined {
    const { binding } = this;
    return binding === undefined ? undefined : this.options.peers[binding.peer]?.uri;
  }

  flowClosed(flow: FlowRef): void {
    if (flow === this.registeredFlow) this.post({ type: 'flow-lost', nowMs: this.deps.clock.nowMs() });
  }

  /** This machine's addresses have changed. */
  moved(): void {
    this.post({ type: 'moved' });
  }

  view(): RegistrationView {
    const { binding, failure } = this;
    const untilMs = binding === undefined ? undefined : this.deps.clock.wallMs() + binding.untilMs - this.deps.clock.nowMs();
    return {
      registered: binding !== undefined,
      ...(binding === undefined || this.registeredWallMs === undefined ? {} : { sinceMs: this.registeredWallMs }),
      ...(untilMs === undefined ? {} : { untilMs }),
      ...(this.peerUri === undefined ? {} : { peer: this.peerUri }),
      ...(failure === undefined ? {} : { lastFailure: failure.why, lastFailureAtMs: failure.atMs }),
    };
  }

  private get binding(): ReturnType<typeof bindingAt> {
    return bindingAt(this.state, this.deps.clock.nowMs());
  }

  private post(event: RegistrationEvent): void {
    const { peers, register } = this.options;
    const step = nextRegistration(this.state, event, { peers: peers.length, expiresSeconds: register.expiresSeconds });
    this.state = step.state;
    for (const effect of step.effects) this.run(effect);
  }

  private run(effect: RegistrationEffect): void {
    switch (effect.do) {
      case 'register':
        this.register(effect.peer, effect.expiresSeconds);
        return;
      case 'unregister':
        this.send(effect.peer, 0).then(
          () => this.post({ type: 'left' }),
          () => this.post({ type: 'left' }),
        );
        return;
      case 'set-timer':
        this.timer?.cancel();
        this.timer = this.deps.clock.after(effect.minMs + this.deps.random() * (effect.maxMs - effect.minMs), () =>
          this.post({ type: 'timer' }),
        );
        return;
      case 'clear-timer':
        this.timer?.cancel();
        this.timer = undefined;
        return;
      case 'tell':
        this.tell(effect.what);
        return;
    }
  }

  private register(peer: number, expiresSeconds: number): void {
    const turn = Symbol('register');
    this.turn = turn;
    this.send(peer, expiresSeconds).then(
      (response) => {
        if (this.turn === turn) this.answered(response, expiresSeconds);
      },
      (thrown: unknown) => {
        if (this.turn !== turn) return;
        this.failed(messageOf(thrown));
        this.post({ type: 'unanswered' });
      },
    );
  }

  private answered(response: SipResponse, askedSeconds: number): void {
    const { status, reason, headers } = response;
    if (status >= 200 && status < 300) {
      this.registeredFlow = response.flow;
      this.post({
        type: 'accepted',
        grantedSeconds: grantedSeconds(response, this.contactUser, askedSeconds),
        nowMs: this.deps.clock.nowMs(),
      });
      return;
    }
    this.failed(`${status} ${reason}`);
    const waitMs = retryAfterMs(headers);
    const minSeconds = status === 423 ? readInteger(headers.get('Min-Expires') ?? '', longestMinSeconds) : undefined;
    if (minSeconds !== undefined) this.post({ type: 'too-brief', minSeconds });
    else this.post({ type: 'refused', status, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) });
  }

  private failed(why: string): void {
    this.failure = { atMs: this.deps.clock.wallMs(), why };
  }

  private tell(what: 'registered' | 'failed' | 'refused' | 'left'): void {
    const { log, clock } = this.deps;
    const trunk = this.options.trunk.id;
    switch (what) {
      case 'registered':
        if (this.binding?.sinceMs === clock.nowMs() || this.registeredWallMs === undefined) {
          this.registeredWallMs = clock.wallMs();
          log.info({ trunk, peer: this.peerUri }, 'registered with the carrier');
        }
        return;
      case 'failed':
        log.warn({ trunk, why: this.failure?.why }, 'registration with the carrier failed at every peer; it is tried again');
        return;
      case 'refused':
        log.error(
          { trunk, why: this.failure?.why },
          'the carrier refuses the registration; check trunks[].register (user, password, domain)',
        );
        return;
      case 'left':
        this.registeredFlow = undefined;
        this.turn = undefined;
        this.onLeft();
        return;
    }
  }

  private send(peer: number, expiresSeconds: number): Promise<SipResponse> {
    const { trunk, register, peers } = this.options;
    const proxy = peers[peer]?.uri;
    const scheme = peers[peer]?.parsed.scheme ?? 'sip';
    const bare = { scheme, host: register.domain, parameters: new Map(), headers: new Map() };
    const account = { uri: formatSipUri({ ...bare, user: escapeUser(register.user) }) };
    return this.deps.sip.request({
      method: 'REGISTER',
      requestUri: formatSipUri(bare),
      ...{ from: account, to: account },
      headers: [['Expires', String(expiresSeconds)]],
      contactUser: escapeUser(this.contactUser),
      ...(proxy === undefined ? {} : { via: { proxy } }),
      ...(trunk.credentials === undefined ? {} : { credentials: trunk.credentials }),
    });
  }
}
