import type { Socket } from 'node:net';
import { parseHostPort } from '../../base/address.js';
import type { Timer } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import { guarded } from '../embedded/guard.js';
import type { HeaderFields, SipRequestMessage, SipResponseMessage } from '../embedded/message.js';
import { type Acknowledge, type LibraryRequest, type LibraryResponder, LibrarySession } from './library.js';
import type { DrachtioSipDeps, DrachtioTiming } from './options.js';
import { readRequest, readResponse, toLibraryHeaders } from './wire-text.js';

/** A request for the server to send: it adds Via, tags, CSeq, Route, Contact and the rest. */
export interface WireRequest {
  readonly method: string;
  /** Absent inside a dialog: the server knows the target. */
  readonly uri?: string;
  readonly headers: HeaderFields;
  readonly body?: string;
  readonly dialogId?: string;
  readonly proxy?: string;
}

/** Why a request never left the server, or why nothing more will be heard of it. */
export interface WireFailure {
  /** `dialog`: the server does not know the dialog. `refused`: it would not send. `lost`: our connection to it is gone. */
  readonly why: 'dialog' | 'refused' | 'lost' | 'timeout';
  readonly detail: string;
}

export interface WireResponse {
  readonly message: SipResponseMessage;
  readonly dialogId: string | undefined;
  readonly acknowledge: (content: { readonly body?: string; readonly headers?: HeaderFields }) => void;
}

export interface WireRequestUser {
  /** The request as the server sent it. */
  onSent?(request: SipRequestMessage): void;
  onResponse(response: WireResponse): void;
  onFailure(failure: WireFailure): void;
  /** UPDATE of the called side before its answer (RFC 3311 §5.2). */
  onUpdate?(request: LibraryRequest, response: LibraryResponder): void;
}

/** A request under way. */
export interface SentRequest {
  /** CANCEL; held back until the server knows the INVITE, and by the server until a provisional response (RFC 3261 §9.1). */
  cancel(headers: HeaderFields): void;
  /** Nothing more is reported. */
  abandon(): void;
}

export interface LinkOptions {
  readonly secret: string;
  /** For the log: host and port. */
  readonly name: string;
  /** Ask the server for new requests. */
  readonly announce: boolean;
  readonly timing: DrachtioTiming;
}

export interface LinkUser {
  onUp(link: DrachtioLink): void;
  onRequest(link: DrachtioLink, request: LibraryRequest, response: LibraryResponder): void;
  /** Once, whatever the reason; `secretRefused` when the server would not have us. */
  onDown(link: DrachtioLink, secretRefused: boolean): void;
}

/** Where a server speaks SIP. */
export interface SipAddress {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
}

/** Reads `udp/192.0.2.1:5060,tcp/[2001:db8::1]:5060`; other transports are left out. */
function readSipAddresses(text: string): readonly SipAddress[] {
  return text.split(',').flatMap((each) => {
    const match = /^\s*(udp|tcp|tls)\/(.+)$/.exec(each);
    const address = parseHostPort(match?.[2] ?? '', 5060);
    return match === null || address === undefined ? [] : [{ transport: match[1] as SipAddress['transport'], ...address }];
  });
}

/** One authenticated connection with a drachtio server. */
export class DrachtioLink {
  /** As the server has told; empty before. */
  sipAddresses: readonly SipAddress[] = [];
  private readonly session: LibrarySession;
  private readonly pending = new Set<Pending>();
  private current: 'opening' | 'up' | 'down' = 'opening';
  private refused = false;
  private heardMs: number;
  private watch: Timer | undefined;

  constructor(
    private readonly socket: Socket,
    readonly options: LinkOptions,
    private readonly deps: DrachtioSipDeps,
    private readonly user: LinkUser,
  ) {
    const { secret, announce, timing } = options;
    this.heardMs = deps.clock.nowMs();
    this.session = new LibrarySession(
      socket,
      { secret, announce, pingIntervalMs: timing.pingMs },
      {
        onRequest: (request, response) => {
          // The library tells of the server's consent a turn later than of a request sent right after it.
          this.authenticated(null);
          if (this.current === 'up') guarded(deps.log, 'drachtio requests', () => user.onRequest(this, request, response));
        },
        onAuthenticated: (fault, sipAddresses) => {
          this.sipAddresses = readSipAddresses(sipAddresses ?? '');
          this.authenticated(fault);
        },
      },
    );
    socket.on('data', () => {
      this.heardMs = deps.clock.nowMs();
    });
    socket.on('error', (error) => deps.log.debug({ server: options.name, fault: messageOf(error) }, 'drachtio connection failed'));
    socket.on('close', () => this.down());
    this.session.open();
    this.watchSilence();
  }

  get up(): boolean {
    return this.current === 'up';
  }

  /** Requests without a final response. */
  get transactions(): number {
    return this.pending.size;
  }

  send(request: WireRequest, user: WireRequestUser): SentRequest {
    const pending = new Pending(user, this.deps, () => this.pending.delete(pending));
    this.pending.add(pending);
    if (!this.up) {
      queueMicrotask(() => pending.fail({ why: 'lost', detail: 'the connection with the drachtio server is gone' }));
      return pending;
    }
    pending.limit(this.options.timing.answerMs, request.method);
    const { method, uri, headers, body, dialogId, proxy } = request;
    const options = {
      method,
      headers: toLibraryHeaders(headers),
      ...(body === undefined || body === '' ? {} : { body }),
      ...(dialogId === undefined ? {} : { stackDialogId: dialogId }),
      ...(proxy === undefined ? {} : { proxy }),
    };
    try {
      this.session.request(uri ?? 'sip:placeholder', options, (fault, sent) => pending.sent(fault, sent));
    } catch (thrown) {
      queueMicrotask(() => pending.fail({ why: 'lost', detail: messageOf(thrown) }));
    }
    return pending;
  }

  close(): void {
    this.socket.end();
    this.deps.clock.after(this.options.timing.farewellMs, () => this.socket.destroy());
  }

  /** Resolves when the socket is closed. */
  destroy(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) resolve();
      else this.socket.once('close', () => resolve()).destroy();
    });
  }

  private authenticated(fault: Error | null): void {
    if (this.current !== 'opening') return;
    if (fault !== null) {
      this.refused = true;
      this.socket.destroy();
      return;
    }
    this.current = 'up';
    this.user.onUp(this);
  }

  private down(): void {
    if (this.current === 'down') return;
    this.current = 'down';
    this.watch?.cancel();
    for (const each of [...this.pending]) each.fail({ why: 'lost', detail: 'the connection with the drachtio server was lost' });
    this.user.onDown(this, this.refused);
  }

  /** The library pings and never looks for the pongs; a server that vanished without a FIN is found here. */
  private watchSilence(): void {
    const { pingMs, silenceMs, connectMs } = this.options.timing;
    const patienceMs = this.current === 'opening' ? connectMs : silenceMs;
    this.watch = this.deps.clock.after(Math.min(pingMs, patienceMs), () => {
      if (this.deps.clock.nowMs() - this.heardMs < patienceMs) this.watchSilence();
      else this.socket.destroy();
    });
  }
}

class Pending implements SentRequest {
  private request: LibraryRequest | undefined;
  private cancelHeaders: HeaderFields | undefined;
  private timer: Timer | undefined;
  private provisional = false;
  private over = false;
  private answerMs = 0;

  constructor(
    private readonly user: WireRequestUser,
    private readonly deps: DrachtioSipDeps,
    private readonly onOver: () => void,
  ) {}

  /** Nothing within the time, for an INVITE nothing at all: the server has lost sight of the request. */
  limit(delayMs: number, method: string): void {
    this.answerMs = delayMs;
    this.timer = this.deps.clock.after(delayMs, () => {
      if (method !== 'INVITE' || !this.provisional) this.timedOut();
    });
  }

  sent(fault: (Error & { code?: string }) | null, request: LibraryRequest | undefined): void {
    if (fault !== null || request === undefined) {
      this.fail({ why: fault?.code === 'ENODIALOG' ? 'dialog' : 'refused', detail: messageOf(fault ?? 'not sent') });
      return;
    }
    this.request = request;
    request.on('response', (response, acknowledge) => {
      guarded(this.deps.log, 'drachtio responses', () => this.responded(readResponse(response), response.stackDialogId, acknowledge));
    });
    const { onUpdate, onSent } = this.user;
    const text = onSent === undefined ? undefined : readRequest(request.msg.raw);
    if (onSent !== undefined && text !== undefined && 'method' in text) onSent(text);
    if (onUpdate !== undefined)
      request.on('update', (update, respond) => guarded(this.deps.log, 'early UPDATEs', () => onUpdate(update, respond)));
    if (this.cancelHeaders !== undefined) this.sendCancel(this.cancelHeaders);
  }

  cancel(headers: HeaderFields): void {
    if (this.over || this.cancelHeaders !== undefined) return;
    this.cancelHeaders = headers;
    this.timer?.cancel();
    this.timer = this.deps.clock.after(this.answerMs, () => this.timedOut());
    this.sendCancel(headers);
  }

  abandon(): void {
    this.finish();
  }

  fail(failure: WireFailure): void {
    if (this.over) return;
    this.finish();
    this.user.onFailure(failure);
  }

  private timedOut(): void {
    this.fail({ why: 'timeout', detail: 'no final response in time' });
  }

  private responded(message: SipResponseMessage, dialogId: string | undefined, acknowledge: Acknowledge): void {
    if (this.over) return;
    this.provisional = true;
    if (message.status >= 200) this.finish();
    this.user.onResponse({
      message,
      dialogId: dialogId === '' ? undefined : dialogId,
      acknowledge: ({ body, headers }) => {
        guarded(this.deps.log, 'acknowledgements', () =>
          acknowledge({
            ...(body === undefined ? {} : { body }),
            ...(headers === undefined ? {} : { headers: toLibraryHeaders(headers) }),
          }),
        );
      },
    });
  }

  private sendCancel(headers: HeaderFields): void {
    const { request } = this;
    if (request === undefined || this.over) return;
    guarded(this.deps.log, 'CANCELs', () => request.cancel({ headers: toLibraryHeaders(headers) }, () => {}));
  }

  private finish(): void {
    this.over = true;
    this.timer?.cancel();
    this.onOver();
  }
}
