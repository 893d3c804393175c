import { type Invitation, Inviter, Registerer, RegistererState, URI, UserAgent } from 'sip.js';
import { MediaHandler } from './media-handler.js';
import { type ResumePoint, resumeHeaders } from './resume.js';
import { SipCall, type SipCallHandlers } from './sip-call.js';

export interface SipClientOptions {
  /** WebSocket URL of the gateway. */
  readonly gateway: string;
  /** Registers under this name for incoming calls; without it the page only calls out. */
  readonly user?: string;
  readonly displayName?: string;
  /** A fresh ticket for each registration; undefined where the page has none. */
  readonly ticket?: () => Promise<string | undefined>;
}

/** What a call is placed with. */
export interface CallProof {
  readonly ticket?: string;
  /** The call to take back. */
  readonly resume?: ResumePoint;
}

export interface SipClientHandlers {
  /** A call came in: `take` it in the same turn, or it is answered as busy. */
  onIncoming(from: string, take: (handlers: SipCallHandlers) => SipCall): void;
}

/**
 * A host that stands for the gateway in SIP URIs; the WebSocket alone says where messages go, as
 * the `.invalid` host of a Contact does (RFC 7118 §5).
 */
const gatewayHost = 'gateway.invalid';
const connectPatienceS = 8;
const keepAliveS = 25;
/** A page that called once keeps its connection this long, for the BYE and for a second call. */
const idleCloseMs = 30_000;
const retryFirstMs = 1000;
const retryMaxMs = 30_000;
/** With a call up it is tried more often, and so long: what is silent for longer the gateway has ended. */
const callRetryFirstMs = 250;
const callRetryMaxMs = 2_000;
const callRetryForMs = 30_000;
/** sip.js renews a registration with the ticket it had, at 80 % of its time; with a fresh one we come before that. */
const registrationS = 300;
const renewAfterMs = 180_000;

/** The page's SIP user agent: one WebSocket, opened when it is first needed. */
export class SipClient {
  private readonly agent: UserAgent;
  private readonly registerer: Registerer | undefined;
  private readonly calls = new Set<SipCall>();
  private retryMs = retryFirstMs;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** Runs while calls are up that have lost their connection. */
  private lostTimer: ReturnType<typeof setTimeout> | undefined;
  private renewTimer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  private readonly unwatch: () => void;

  constructor(
    private readonly options: SipClientOptions,
    private readonly handlers: SipClientHandlers,
  ) {
    this.agent = new UserAgent({
      uri: new URI('sip', options.user ?? 'visitor', gatewayHost),
      ...(options.user === undefined ? {} : { contactName: options.user }),
      ...(options.displayName === undefined ? {} : { displayName: quotable(options.displayName) }),
      transportOptions: { server: options.gateway, connectionTimeout: connectPatienceS, keepAliveInterval: keepAliveS },
      sessionDescriptionHandlerFactory: () => new MediaHandler(),
      userAgentString: 'call-button',
      logBuiltinEnabled: false,
      delegate: {
        onConnect: () => this.onConnect(),
        onDisconnect: (error) => this.onDisconnect(error),
        onInvite: (invitation) => this.onInvite(invitation),
      },
    });
    this.registerer = options.user === undefined ? undefined : new Registerer(this.agent, { expires: registrationS, refreshFrequency: 80 });
    this.registerer?.stateChange.addListener((state) => {
      if (state === RegistererState.Registered) this.retryMs = retryFirstMs;
      if (state === RegistererState.Unregistered) this.retry();
    });
    this.unwatch = watchNetwork(() => this.onNetworkChange());
  }

  /** Connects and registers, and goes on doing so until closed. For pages that take calls. */
  stayReachable(): void {
    this.agent.start().catch(() => this.retry());
  }

  /** Makes the connection if there is none; false when the gateway cannot be reached. */
  async connect(): Promise<boolean> {
    clearTimeout(this.idleTimer);
    try {
      const connected = this.agent.start().then(() => this.agent.transport.connect());
      // Chromium never closes a WebSocket that the page's policy forbids, and sip.js waits for that.
      await Promise.race([connected, new Promise((_, reject) => setTimeout(reject, connectPatienceS * 1100))]);
      return true;
    } catch {
      return false;
    }
  }

  /** Whether the gateway answers over its WebSocket. */
  async probe(): Promise<boolean> {
    if (!(await this.connect())) return false;
    const { userAgentCore, configuration } = this.agent;
    const request = userAgentCore.makeOutgoingRequestMessage('OPTIONS', configuration.uri, configuration.uri, configuration.uri, {});
    const answered = await new Promise<boolean>((resolve) => {
      // 408 and 503 are what sip.js makes of no answer.
      const done = ({ message }: { readonly message: { readonly statusCode?: number | undefined } }): void =>
        resolve(message.statusCode !== 408 && message.statusCode !== 503);
      userAgentCore.request(request, { onAccept: done, onReject: done });
    });
    this.release();
    return answered;
  }

  /** Prepares a call; nothing is sent before `dial`. Undefined when `to` cannot stand in a SIP URI. */
  prepare(to: string, handlers: SipCallHandlers, { ticket, resume }: CallProof = {}): SipCall | undefined {
    const target = UserAgent.makeURI(`sip:${encodeUser(to)}@${gatewayHost}`);
    if (target === undefined) return undefined;
    const extraHeaders = [...bearer(ticket), ...(resume === undefined ? [] : resumeHeaders(resume))];
    const inviter = new Inviter(this.agent, target, { earlyMedia: true, extraHeaders });
    return this.track(inviter, handlers, resume !== undefined);
  }

  /** Takes leave of the gateway for good. */
  close(): void {
    this.closed = true;
    clearTimeout(this.retryTimer);
    clearTimeout(this.idleTimer);
    clearTimeout(this.lostTimer);
    clearTimeout(this.renewTimer);
    this.unwatch();
    this.agent.stop().catch(() => {});
  }

  private track(session: Inviter | Invitation, handlers: SipCallHandlers, resumes = false): SipCall {
    const call = new SipCall(session, handlers, { resumes, onUnanswered: () => this.replaceConnection() });
    this.calls.add(call);
    return call;
  }

  /** To be called when a call is over, whoever ended it, or came to nothing. */
  release(call?: SipCall): void {
    if (call !== undefined) this.calls.delete(call);
    if (this.calls.size > 0 || this.options.user !== undefined) return;
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => {
      if (this.calls.size === 0) this.agent.transport.disconnect().catch(() => {});
    }, idleCloseMs);
  }

  private onConnect(): void {
    clearTimeout(this.retryTimer);
    this.register();
    if (this.lostTimer === undefined) return;
    clearTimeout(this.lostTimer);
    this.lostTimer = undefined;
    this.retryMs = retryFirstMs;
    for (const call of this.calls) call.reattach();
  }

  private register(): void {
    const { registerer } = this;
    if (registerer === undefined) return;
    clearTimeout(this.renewTimer);
    if (this.options.ticket !== undefined) this.renewTimer = setTimeout(() => this.register(), renewAfterMs);
    Promise.resolve(this.options.ticket?.())
      .then((ticket) => registerer.register({ requestOptions: { extraHeaders: bearer(ticket) } }))
      .catch(() => this.retry());
  }

  /** Another network: a connection over the old one may look whole for minutes. */
  private onNetworkChange(): void {
    if (!this.agent.isConnected()) this.retryAtOnce();
    else if (this.calls.size > 0 || this.options.user !== undefined) this.replaceConnection();
  }

  /** Makes the connection anew without waiting for the end of the old one. Calls that are not answered yet need the one they have. */
  private replaceConnection(): void {
    if (![...this.calls].every((call) => call.outlivesConnection)) return;
    if (!this.agent.isConnected()) {
      this.retryAtOnce();
      return;
    }
    this.agent.transport.disconnect().catch(() => {});
    this.onDisconnect(new Error('replaced'));
  }

  private retryAtOnce(): void {
    this.retryMs = callRetryFirstMs;
    this.retry();
  }

  private onDisconnect(error: Error | undefined): void {
    if (this.closed || error === undefined) return;
    for (const call of [...this.calls]) {
      if (call.outlivesConnection) {
        call.connectionLost();
        continue;
      }
      this.calls.delete(call);
      call.abandon('connection-lost');
    }
    if (this.calls.size > 0) this.recover();
    else if (this.options.user !== undefined) this.retry();
  }

  /** Calls are up: their connection is wanted back soon, and they end when it does not come. */
  private recover(): void {
    this.retryMs = callRetryFirstMs;
    this.lostTimer ??= setTimeout(() => {
      this.lostTimer = undefined;
      for (const call of [...this.calls]) call.abandon('connection-lost');
      this.calls.clear();
    }, callRetryForMs);
    this.retry();
  }

  /** Comes back with growing pauses, spread so that a restarted gateway is not met by all pages at once. */
  private retry(): void {
    if (this.closed || (this.options.user === undefined && this.calls.size === 0)) return;
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(
      () => {
        if (this.agent.isConnected()) this.register();
        else this.agent.reconnect().catch(() => this.retry());
      },
      this.retryMs * (0.75 + Math.random() / 2),
    );
    this.retryMs = Math.min(this.lostTimer === undefined ? retryMaxMs : callRetryMaxMs, this.retryMs * 2);
  }

  private onInvite(invitation: Invitation): void {
    let taken = false;
    this.handlers.onIncoming(callerOf(invitation), (handlers) => {
      taken = true;
      return this.track(invitation, handlers);
    });
    if (!taken) invitation.reject({ statusCode: 486 }).catch(() => {});
  }
}

const bearer = (ticket: string | undefined): string[] => (ticket === undefined ? [] : [`Authorization: Bearer ${ticket}`]);

/** Calls back when the machine is on another network, as far as the browser tells; returns how to stop that. */
function watchNetwork(onChange: () => void): () => void {
  // It also tells of every new estimate of the speed, which is none of our business.
  const { connection } = navigator as { readonly connection?: EventTarget & { readonly type?: string } };
  let type = connection?.type;
  const look = (): void => {
    if (connection?.type === type) return;
    type = connection?.type;
    onChange();
  };
  addEventListener('online', onChange);
  connection?.addEventListener('change', look);
  return () => {
    removeEventListener('online', onChange);
    connection?.removeEventListener('change', look);
  };
}

function callerOf(invitation: Invitation): string {
  const { displayName, uri } = invitation.remoteIdentity;
  const user = uri.user ?? '';
  // sip.js types it as text, but leaves it out when the From has none.
  return (displayName as string | undefined)?.trim() || (user === 'anonymous' ? '' : user);
}

/** sip.js puts quotes around a name and leaves what is in it as it is (RFC 3261 §25.1, quoted-string). */
const quotable = (name: string): string => name.replace(/["\\]/g, '\\$&').replace(/\s+/g, ' ');

/** Escapes what may not stand in the user part of a SIP URI, `#` above all (RFC 3261 §25.1). */
function encodeUser(to: string): string {
  return to.replace(/[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/g, (character) => encodeURIComponent(character));
}
