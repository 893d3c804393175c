/** Which browser user is reachable over which flow (RFC 3261 §10.3). */
import type { Clock, Timer } from '../base/clock.js';
import type { LiveObjects } from '../base/live-objects.js';
import type { Log } from '../base/log.js';
import { formatNameAddress, type NameAddressValue, parseNameAddressList } from '../sip/name-address.js';
import type { FlowRef, InboundRequest } from '../sip/port.js';
import type { BrowserEdgeOptions, BrowserUser } from './options.js';

/** One page of a user: reached over its flow, never by its address, which is `.invalid` (RFC 7118 §5). */
export interface Binding {
  readonly user: BrowserUser;
  readonly flow: FlowRef;
  readonly contactUri: string;
}

interface StoredBinding extends Binding {
  readonly expiresAtMs: number;
  readonly timer: Timer;
}

/** What the Contact fields of a REGISTER ask for. */
type Wish =
  | { readonly kind: 'query' }
  | { readonly kind: 'remove-all' }
  | { readonly kind: 'bind'; readonly contactUri: string; readonly seconds: number }
  | { readonly kind: 'too-brief' }
  | { readonly kind: 'malformed' };

/** Bindings of users to flows, each with its time. */
export class Registrar {
  /** One binding per flow, oldest first. */
  private readonly bindings = new Map<FlowRef, StoredBinding>();

  constructor(
    private readonly options: BrowserEdgeOptions['registration'],
    private readonly deps: { readonly clock: Clock; readonly log: Log },
  ) {}

  /** Serves the REGISTER of a user who has proved to be one. */
  register(user: BrowserUser, request: InboundRequest): void {
    const wish = this.wishOf(request);
    switch (wish.kind) {
      case 'malformed':
        request.respond(400);
        return;
      case 'too-brief':
        request.respond(423, { headers: [['Min-Expires', String(this.options.minSeconds)]] });
        return;
      case 'remove-all':
        for (const { flow } of this.bindingsOf(user.name)) this.remove(flow);
        break;
      case 'bind':
        this.bind({ user, flow: request.source.flow, contactUri: wish.contactUri }, wish.seconds);
        break;
      case 'query':
        break;
    }
    request.respond(200, { headers: this.contactsOf(user.name).map((contact) => ['Contact', contact] as const) });
  }

  /** A user's pages, the newest first. */
  bindingsOf(user: string): readonly Binding[] {
    return [...this.bindings.values()].filter((binding) => binding.user.name === user).reverse();
  }

  /** Who registered over this flow. */
  userOn(flow: FlowRef): BrowserUser | undefined {
    return this.bindings.get(flow)?.user;
  }

  flowClosed(flow: FlowRef): void {
    this.remove(flow);
  }

  /** Forgets everybody and sets no timer any more. */
  clear(): void {
    for (const flow of [...this.bindings.keys()]) this.remove(flow);
  }

  liveObjects(): LiveObjects {
    return { registration: this.bindings.size };
  }

  private bind(binding: Binding, seconds: number): void {
    const { flow, user } = binding;
    const known = this.bindings.has(flow);
    this.remove(flow);
    if (seconds === 0) return;
    const { clock } = this.deps;
    const timer = clock.after(seconds * 1000, () => this.remove(flow));
    this.bindings.set(flow, { ...binding, expiresAtMs: clock.nowMs() + seconds * 1000, timer });
    if (!known) this.deps.log.info({ user: user.name, seconds }, 'browser user registers');
    const oldest = this.bindingsOf(user.name).at(-1);
    if (oldest !== undefined && this.bindingsOf(user.name).length > this.options.maxFlowsPerUser) this.remove(oldest.flow);
  }

  private remove(flow: FlowRef): void {
    this.bindings.get(flow)?.timer.cancel();
    this.bindings.delete(flow);
  }

  private contactsOf(user: string): readonly string[] {
    const now = this.deps.clock.nowMs();
    return [...this.bindings.values()]
      .filter((binding) => binding.user.name === user)
      .map(({ contactUri, expiresAtMs }) =>
        formatNameAddress({
          uri: contactUri,
          parameters: new Map([['expires', String(Math.max(0, Math.ceil((expiresAtMs - now) / 1000)))]]),
        }),
      );
  }

  private wishOf(request: InboundRequest): Wish {
    const lines = request.headers.all('Contact');
    if (lines.length === 0) return { kind: 'query' };
    const header = secondsOf(request.headers.get('Expires'));
    if (lines.some((line) => line.trim() === '*'))
      return lines.length === 1 && header === 0 ? { kind: 'remove-all' } : { kind: 'malformed' };
    const contacts = readContacts(lines);
    const contact = contacts?.[0];
    if (contact === undefined) return { kind: 'malformed' };
    const asked = secondsOf(contact.parameters.get('expires')) ?? header ?? this.options.defaultSeconds;
    if (asked > 0 && asked < this.options.minSeconds) return { kind: 'too-brief' };
    return { kind: 'bind', contactUri: contact.uri, seconds: Math.min(asked, this.options.maxSeconds) };
  }
}

function readContacts(lines: readonly string[]): readonly NameAddressValue[] | undefined {
  const all: NameAddressValue[] = [];
  for (const line of lines) {
    const values = parseNameAddressList(line);
    if (values === undefined) return undefined;
    all.push(...values);
  }
  return all;
}

/** An unreadable time counts as not given (RFC 3261 §20.19). */
function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Number(text.trim()) : undefined;
}
