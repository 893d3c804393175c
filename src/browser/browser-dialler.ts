import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { FailureCode } from '../call/failure-code.js';
import type { Dialler, DialRequest, DialResult, RingStep, UserTarget } from '../call/ports.js';
import { noParameters } from '../sip/grammar.js';
import { formatNameAddress } from '../sip/name-address.js';
import type { ExtraHeaders, NameAddress, OutboundCall, SipPort } from '../sip/port.js';
import { escapeUser } from '../sip/uri.js';
import { ForkedCall, type Ringer } from './forked-call.js';
import type { Binding, Registrar } from './registrar.js';
import type { UserCalls } from './user-calls.js';

/** How users are called. */
export interface BrowserDiallerOptions {
  /** The domain in addresses shown to pages. */
  readonly realm: string;
  /** Users who are busy while they talk, whatever their page would say. */
  readonly busyUsers?: readonly string[];
  /** Groups in which one member who declines declines for all. */
  readonly declineStopsAll?: readonly string[];
}

interface BrowserDiallerDeps {
  readonly sip: SipPort;
  readonly registrar: Registrar;
  readonly userCalls: UserCalls;
  readonly clock: Clock;
  readonly log: Log;
}

/** From of a caller who asked not to be shown (RFC 3323 §4.1.1.3). */
const anonymous: NameAddress = { displayName: 'Anonymous', uri: 'sip:anonymous@anonymous.invalid' };

/** Calls a user, or a group of them, on all of their pages. */
export class BrowserDialler implements Dialler<UserTarget> {
  private readonly busyUsers: ReadonlySet<string>;

  constructor(
    private readonly options: BrowserDiallerOptions,
    private readonly deps: BrowserDiallerDeps,
  ) {
    this.busyUsers = new Set(options.busyUsers);
  }

  dial(request: DialRequest<UserTarget>): DialResult {
    const { target, attempt } = request;
    if (attempt > 0) return { kind: 'exhausted' };
    const steps: readonly RingStep[] = target.steps ?? [{ users: [target.user] }];
    const users = [...new Set(steps.flatMap((step) => step.users))];
    const refusal = this.refusalOf(users);
    if (refusal !== undefined) return { kind: 'refused', failure: refusal };
    let over = (): void => {};
    let winner: string | undefined;
    const release = (): void => over();
    const won = (user: string): void => {
      over = this.deps.userCalls.begin(user);
      winner = user;
    };
    const devices = steps.flatMap((step) => this.devicesOf(step));
    const [only] = devices;
    if (only !== undefined && devices.length === 1 && target.steps === undefined) {
      const leg = this.call(only, request);
      void leg.outcome.then(({ kind }) => {
        if (kind === 'answered') won(only.user.name);
      });
      return { kind: 'dialling', leg, flow: only.flow, release };
    }
    const { clock, log } = this.deps;
    const callStep = (at: number): readonly Ringer[] =>
      this.devicesOf(steps[at]).map((binding) => ({ user: binding.user.name, leg: this.call(binding, request) }));
    const leg = new ForkedCall(
      { steps, declineStopsAll: target.steps !== undefined && this.options.declineStopsAll?.includes(target.user) === true },
      { clock, log, callStep, onWon: (user) => won(user) },
    );
    return { kind: 'dialling', leg, release, ...(target.steps === undefined ? {} : { answeredBy: () => winner }) };
  }

  /** Nobody of all of them is there, or those who are there talk. */
  private refusalOf(users: readonly string[]): FailureCode | undefined {
    const there = users.filter((user) => this.deps.registrar.bindingsOf(user).length > 0);
    if (there.length === 0) return 'user-not-registered';
    return there.every((user) => this.isBusy(user)) ? 'busy' : undefined;
  }

  private isBusy(user: string): boolean {
    return this.busyUsers.has(user) && this.deps.userCalls.of(user) > 0;
  }

  private devicesOf(step: RingStep | undefined): readonly Binding[] {
    const users = (step?.users ?? []).filter((user) => !this.isBusy(user));
    return users.flatMap((user) => this.deps.registrar.bindingsOf(user));
  }

  private call(binding: Binding, request: DialRequest<UserTarget>): OutboundCall {
    const { realm } = this.options;
    const { target, from, identity, offer, called, maxForwards } = request;
    const caller: NameAddress = {
      uri: `sip:${escapeUser(from.number)}@${realm}`,
      ...(from.displayName === undefined ? {} : { displayName: from.displayName }),
    };
    const headers = [...(called === undefined ? [] : [calledParty(called, target, realm)]), ...(request.headers ?? [])];
    return this.deps.sip.call({
      requestUri: binding.contactUri,
      from: identity?.anonymous === true ? anonymous : caller,
      to: { uri: `sip:${escapeUser(binding.user.name)}@${realm}` },
      offer,
      via: { flow: binding.flow },
      ...(headers.length === 0 ? {} : { headers }),
      ...(maxForwards === undefined ? {} : { maxForwards }),
    });
  }
}

/** The number that was called, with the group it leads to (RFC 7315 §4.2): a page may greet by it. */
function calledParty(number: string, { user, steps }: UserTarget, realm: string): ExtraHeaders[number] {
  const address = { uri: `sip:${escapeUser(number)}@${realm}`, parameters: noParameters };
  return ['P-Called-Party-ID', formatNameAddress(steps === undefined ? address : { ...address, displayName: user })];
}
