/** Which browser user is reachable over which flow (RFC 3261 §10.3, RFC 5626 §6). */
import type { Clock, Timer } from '../base/clock.js';
import type { LiveObjects } from '../base/live-objects.js';
import type { Log } from '../base/log.js';
import type { ExtraHeaders, FlowRef, InboundRequest } from '../sip/port.js';
import { contactOf, contactWish, type Device } from './contact-wish.js';
import type { BrowserEdgeOptions, BrowserUser } from './options.js';

/** One page of a user: reached over its flow, never by its address, which is `.invalid` (RFC 7118 §5). */
export interface Binding {
  readonly user: BrowserUser;
  readonly flow: FlowRef;
  readonly contactUri: string;
}

/**
 * A device of a user. One that lost its connection is not called, but known until its time is over:
 * its calls may live on without signalling, and go to the connection it comes back on.
 */
interface StoredBinding extends Binding {
  readonly device: Device;
  readonly reach: 'connected' | 'lost';
  readonly expiresAtMs: number;
  readonly timer: Timer;
}

interface RegistrarDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** A device came back over another connection; its dialogs should follow. */
  readonly onMoved?: (from: FlowRef, to: FlowRef) => void;
}

/** Bindings of users' devices to flows, each with its time. */
export class Registrar {
  /** By user and device, oldest first. */
  private readonly bindings = new Map<string, StoredBinding>();
  /** One device at the end of a flow. */
  private readonly onFlow = new Map<FlowRef, string>();

  constructor(
    private readonly options: BrowserEdgeOptions['registration'],
    private readonly deps: RegistrarDeps,
  ) {}

  /** Serves the REGISTER of a user who has proved to be one. */
  register(user: BrowserUser, request: InboundRequest): void {
    const wish = contactWish(request.headers, this.options);
    switch (wish.kind) {
      case 'malformed':
        request.respond(400);
        return;
      case 'too-brief':
        request.respond(423, { headers: [['Min-Expires', String(this.options.minSeconds)]] });
        return;
      case 'remove-all':
        for (const [key, binding] of [...this.bindings]) if (binding.user.name === user.name) this.remove(key);
        break;
      case 'change':
        for (const device of wish.remove) this.remove(keyOf(user, device));
        if (wish.bind !== undefined) this.bind(user, wish.bind, request.source.flow);
        break;
      case 'query':
        break;
    }
    const outbound = wish.kind === 'change' && wish.bind?.device.outbound === true;
    request.respond(200, { headers: [...this.contactsOf(user.name), ...(outbound ? this.outboundHeaders() : [])] });
  }

  /** A user's pages that can be called, the newest first. */
  bindingsOf(user: string): readonly Binding[] {
    return this.connectedOf(user).reverse();
  }

  /** Who registered over this flow. */
  userOn(flow: FlowRef): BrowserUser | undefined {
    const key = this.onFlow.get(flow);
    return key === undefined ? undefined : this.bindings.get(key)?.user;
  }

  flowClosed(flow: FlowRef): void {
    const key = this.onFlow.get(flow);
    const binding = key === undefined ? undefined : this.bindings.get(key);
    this.onFlow.delete(flow);
    if (key !== undefined && binding !== undefined) this.bindings.set(key, { ...binding, reach: 'lost' });
  }

  /** Forgets everybody and sets no timer any more. */
  clear(): void {
    for (const key of [...this.bindings.keys()]) this.remove(key);
  }

  liveObjects(): LiveObjects {
    return { registration: this.onFlow.size };
  }

  private bind(user: BrowserUser, { device, seconds }: { readonly device: Device; readonly seconds: number }, flow: FlowRef): void {
    const { clock, log } = this.deps;
    const key = keyOf(user, device);
    const before = this.bindings.get(key);
    // Who registers over a connection is at its end; whoever was there before is not.
    const other = this.onFlow.get(flow);
    if (other !== undefined && other !== key) this.remove(other);
    this.remove(key);
    const timer = clock.after(seconds * 1000, () => this.remove(key));
    const expiresAtMs = clock.nowMs() + seconds * 1000;
    this.bindings.set(key, { user, device, flow, contactUri: device.contactUri, reach: 'connected', expiresAtMs, timer });
    this.onFlow.set(flow, key);
    this.dropBeyondLimit(user);
    if (before === undefined) log.info({ user: user.name, seconds }, 'browser user registers');
    if (before === undefined || before.flow === flow) return;
    log.info({ user: user.name }, 'a page came back over another connection');
    this.deps.onMoved?.(before.flow, flow);
  }

  /** Devices that lost their connection go before those that have one, and older ones before newer. */
  private dropBeyondLimit(user: BrowserUser): void {
    const theirs = [...this.bindings].filter(([, binding]) => binding.user.name === user.name);
    const lost = theirs.filter(([, { reach }]) => reach === 'lost');
    const connected = theirs.filter(([, { reach }]) => reach === 'connected');
    for (const [key] of [...lost, ...connected].slice(0, Math.max(0, theirs.length - this.options.maxFlowsPerUser))) this.remove(key);
  }

  private remove(key: string): void {
    const binding = this.bindings.get(key);
    if (binding === undefined) return;
    binding.timer.cancel();
    this.bindings.delete(key);
    if (this.onFlow.get(binding.flow) === key) this.onFlow.delete(binding.flow);
  }

  private connectedOf(user: string): StoredBinding[] {
    return [...this.bindings.values()].filter((binding) => binding.user.name === user && binding.reach === 'connected');
  }

  private contactsOf(user: string): ExtraHeaders {
    const now = this.deps.clock.nowMs();
    return this.connectedOf(user).map(({ device, expiresAtMs }) => [
      'Contact',
      contactOf(device, Math.max(0, Math.ceil((expiresAtMs - now) / 1000))),
    ]);
  }

  /** The page is to show by itself that it is there (RFC 5626 §4.4 and §6). */
  private outboundHeaders(): ExtraHeaders {
    return [
      ['Require', 'outbound'],
      ['Flow-Timer', String(this.options.flowTimerSeconds)],
    ];
  }
}

const keyOf = ({ name }: BrowserUser, { key }: Device): string => `${name} ${key}`;
