/**
 * The part of drachtio-srf that is used here, as it behaves: its own types leave out what a gateway
 * needs. Only the low level is used; `createB2BUA` and `Dialog` are not (a refused re-INVITE makes
 * `Dialog.modify` hang for ever).
 */
import { Server, type Socket } from 'node:net';
import Srf from 'drachtio-srf';

export type LibraryHeaders = Record<string, string>;

/** A request, received or as the server sent it for us. */
export interface LibraryRequest {
  readonly method: string;
  readonly msg: { readonly raw?: string };
  readonly source: 'network' | 'application';
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  readonly stackTxnId: string;
  readonly stackDialogId?: string;
  on(event: 'response', listener: (response: LibraryResponse, acknowledge: Acknowledge) => void): this;
  on(event: 'cancel', listener: (message: { readonly raw?: string }) => void): this;
  on(event: 'update', listener: (request: LibraryRequest, response: LibraryResponder) => void): this;
  cancel(options: { readonly headers?: LibraryHeaders }, done: () => void): void;
}

/** Sends the ACK of a 2xx, or the PRACK of a reliable provisional response. */
export type Acknowledge = (options: { readonly body?: string; readonly headers?: LibraryHeaders }) => void;

export interface LibraryResponse {
  readonly status: number;
  readonly reason: string;
  readonly msg: { readonly raw?: string };
  readonly stackDialogId?: string;
}

/** Answers one request. */
export interface LibraryResponder {
  /** After the callback of a response: the dialog it belongs to. */
  readonly stackDialogId?: string;
  send(
    status: number,
    reason: string,
    content: { readonly headers?: LibraryHeaders; readonly body?: string },
    done: (fault: unknown) => void,
  ): void;
}

export interface LibraryRequestOptions {
  readonly method: string;
  readonly headers: LibraryHeaders;
  readonly body?: string;
  readonly stackDialogId?: string;
  readonly proxy?: string;
}

interface Library {
  use(handler: (request: LibraryRequest, response: LibraryResponder) => void): void;
  listen(options: { readonly server: Server; readonly secret: string; readonly enablePing: boolean; readonly pingInterval: number }): void;
  reregisterForMessages(method: string): void;
  on(event: 'connect', listener: (fault: Error | null, sipAddresses?: string) => void): void;
  request(
    socket: Socket,
    uri: string,
    options: LibraryRequestOptions,
    done: (fault: (Error & { code?: string }) | null, request?: LibraryRequest) => void,
  ): void;
}

/** Methods the server is asked for; requests of a dialog come without asking. */
const methods: readonly string[] = [
  'invite',
  'register',
  'options',
  'message',
  'subscribe',
  'publish',
  'notify',
  'refer',
  'info',
  'update',
];

/** What the library hands up. */
export interface LibraryUser {
  onRequest(request: LibraryRequest, response: LibraryResponder): void;
  /** The answer to our `authenticate`; the server tells where it speaks SIP: `udp/192.0.2.1:5060,tcp/…`. */
  onAuthenticated(fault: Error | null, sipAddresses: string | undefined): void;
}

/**
 * One instance of the library around one socket of ours, in its listening mode with a listener that
 * never listens: the socket is handed in as if accepted. So reconnecting, TLS and time limits are
 * ours; a frame that cannot be read closes the socket instead of ending the process; and what the
 * library keeps by Call-ID alone is kept apart for each connection.
 */
export class LibrarySession {
  private readonly srf = new Srf() as unknown as Library;
  private readonly listener = new Server();

  constructor(
    private readonly socket: Socket,
    private readonly options: { readonly secret: string; readonly pingIntervalMs: number; readonly announce: boolean },
    user: LibraryUser,
  ) {
    this.srf.use((request, response) => user.onRequest(request, response));
    this.srf.on('connect', (fault, sipAddresses) => {
      if (fault === null && this.options.announce && !socket.destroyed) this.announce();
      user.onAuthenticated(fault, sipAddresses);
    });
  }

  /** Authenticates on the socket, which is connected. */
  open(): void {
    const { secret, pingIntervalMs, announce } = this.options;
    this.srf.listen({ server: this.listener, secret, enablePing: true, pingInterval: pingIntervalMs });
    if (announce) for (const method of methods.slice(1)) this.srf.reregisterForMessages(method);
    this.listener.emit('connection', this.socket);
  }

  request(
    uri: string,
    options: LibraryRequestOptions,
    done: (fault: (Error & { code?: string }) | null, request?: LibraryRequest) => void,
  ): void {
    this.srf.request(this.socket, uri, options, done);
  }

  /** The library tells the server every method it knows when it learns of another one on a live connection. */
  private announce(): void {
    this.srf.reregisterForMessages(methods[0] ?? 'invite');
  }
}
