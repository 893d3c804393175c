import type { Socket } from 'node:net';
import { parseHostPort } from '../../base/address.js';
import type { Timer } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import { guarded } from '../embedded/guard.js';
import type { SipTransport } from '../port.js';
import type { SipTrace } from '../trace.js';
import { FrameTap } from './frame-tap.js';
import { type LibraryRequest, type LibraryResponder, LibrarySession } from './library.js';
import type { DrachtioSipDeps, DrachtioTiming } from './options.js';
import { PendingRequest, type SentRequest, type WireRequest, type WireRequestUser } from './pending-request.js';
import { toLibraryHeaders } from './wire-text.js';

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
  private readonly pending = new Set<PendingRequest>();
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
    const tap = this.tap(deps.trace?.());
    socket.on('data', (data: Buffer) => {
      this.heardMs = deps.clock.nowMs();
      if (tap !== undefined) guarded(deps.log, 'traced messages', () => tap.push(data));
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
    const pending = new PendingRequest(user, this.deps, () => this.pending.delete(pending));
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

  private tap(trace: SipTrace | undefined): FrameTap | undefined {
    if (trace === undefined) return undefined;
    const plain = (transport: SipTransport): string => ({ ws: 'tcp', wss: 'tls' })[transport as string] ?? transport;
    return new FrameTap({
      wallMs: () => this.deps.clock.wallMs(),
      local: (transport) => this.sipAddresses.find((address) => address.transport === plain(transport)),
      trace,
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
    const lookMs = this.current === 'opening' ? connectMs : Math.min(pingMs, silenceMs);
    this.watch = this.deps.clock.after(lookMs, () => {
      // By what it is now: one that is up since the last look may be silent for longer than one that opens.
      const patienceMs = this.current === 'opening' ? connectMs : silenceMs;
      if (this.deps.clock.nowMs() - this.heardMs < patienceMs) this.watchSilence();
      else this.socket.destroy();
    });
  }
}
