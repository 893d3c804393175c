import { randomToken } from '../../base/ids.js';
import { fromTag, readCallId, readMaxForwards, toTag } from '../embedded/header-readers.js';
import type { SipRequestMessage } from '../embedded/message.js';
import { isSessionBody, sdpType } from '../embedded/session-body.js';
import type { ExtraHeaders, InboundCall, InboundRequest } from '../port.js';
import type { DrachtioContext } from './context.js';
import { dialogKey, dialogKeyOf } from './drachtio-dialog.js';
import { IncomingInvite } from './incoming-invite.js';
import type { LibraryRequest, LibraryResponder } from './library.js';
import type { DrachtioLink } from './link.js';
import { respond, WireInboundRequest } from './respond.js';
import { chosenTimer, tooShort } from './session-headers.js';
import { readRequest } from './wire-text.js';

export type HandledMethod = 'REGISTER' | 'OPTIONS' | 'MESSAGE';

interface Refusal {
  readonly status: number;
  readonly headers: ExtraHeaders;
}

/** Extensions a peer may require (RFC 3261 §8.2.2.3). */
const understood: ReadonlySet<string> = new Set(['100rel', 'timer', 'replaces']);

/** Leads every request of the server to its dialog, its INVITE or its handler. */
export class Dispatch {
  callHandler: ((call: InboundCall) => void) | undefined;
  /** Set while the adapter stops: new requests get 503. */
  closing = false;
  private readonly handlers = new Map<string, (request: InboundRequest) => void>();
  private readonly early = new Map<string, IncomingInvite>();

  constructor(private readonly context: DrachtioContext) {}

  /** Value of Allow. */
  get allow(): string {
    const handled = [...this.handlers.keys()].filter((method) => method !== 'OPTIONS');
    return ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'PRACK', 'UPDATE', 'REFER', 'NOTIFY', ...handled].join(', ');
  }

  handle(method: HandledMethod, handler: (request: InboundRequest) => void): void {
    this.handlers.set(method, handler);
  }

  /** One request; the library turns a fault that escapes into a 500. */
  receive(link: DrachtioLink, libraryRequest: LibraryRequest, responder: LibraryResponder): void {
    const request = readRequest(libraryRequest.msg.raw);
    if ('code' in request) {
      this.context.log.debug({ server: link.options.name, reason: request.reason }, 'a SIP message of the server could not be read');
      if (libraryRequest.source === 'network' && libraryRequest.method !== 'ACK')
        respond(responder, request.status, { reason: request.reason });
      return;
    }
    if (libraryRequest.source === 'application') {
      this.endedByServer(request);
      return;
    }
    const key = dialogKeyOf(request);
    if (key === undefined) this.outside(link, request, libraryRequest, responder);
    else this.inside(key, request, libraryRequest, responder);
  }

  /** A BYE that the server sent by itself: its From is ours. */
  private endedByServer({ headers }: SipRequestMessage): void {
    const key = dialogKey(readCallId(headers), fromTag(headers) ?? '', toTag(headers) ?? '');
    this.context.dialogs.get(key)?.endedByServer(headers);
  }

  private inside(key: string, request: SipRequestMessage, libraryRequest: LibraryRequest, responder: LibraryResponder): void {
    const dialog = this.context.dialogs.get(key);
    const early = this.early.get(key);
    if (dialog !== undefined && !(request.method === 'PRACK' && early !== undefined)) dialog.receive(request, libraryRequest, responder);
    else if (early !== undefined) early.receive(request, responder);
    else if (request.method !== 'ACK') this.answer(responder, 481);
  }

  private outside(link: DrachtioLink, request: SipRequestMessage, libraryRequest: LibraryRequest, responder: LibraryResponder): void {
    if (request.method === 'ACK') return;
    const refusal = this.refusalOf(request);
    if (refusal !== undefined) {
      this.answer(responder, refusal.status, refusal.headers);
    } else if (request.method === 'INVITE') {
      this.invite(link, request, libraryRequest, responder);
      return;
    } else {
      const handler = this.handlers.get(request.method);
      const facts = { server: this.context.userAgent, onAnswered: () => this.context.pool.release(link) };
      if (handler !== undefined) {
        handler(new WireInboundRequest(request, libraryRequest, responder, facts));
        return;
      }
      this.answer(responder, 200, [
        ['Allow', this.allow],
        ['Accept', sdpType],
      ]);
    }
    this.context.pool.release(link);
  }

  private invite(link: DrachtioLink, request: SipRequestMessage, libraryRequest: LibraryRequest, responder: LibraryResponder): void {
    const { callHandler } = this;
    if (callHandler === undefined) {
      this.answer(responder, 480);
      return;
    }
    const invite = new IncomingInvite(request, libraryRequest, responder, link, this.context, (done) => this.early.delete(done.earlyKey));
    this.early.set(invite.earlyKey, invite);
    try {
      callHandler(invite);
    } catch (thrown) {
      invite.reject(500);
      throw thrown;
    }
  }

  /** Checks of RFC 3261 §8.2 that the server leaves to us. */
  private refusalOf(request: SipRequestMessage): Refusal | undefined {
    const { method, headers } = request;
    if (this.closing) return { status: 503, headers: [] };
    const known = method === 'INVITE' || method === 'OPTIONS' || this.handlers.has(method);
    if (!known) return { status: 405, headers: [['Allow', this.allow]] };
    const required = headers.all('Require').flatMap((line) => line.split(',').map((each) => each.trim()));
    const unsupported = required.filter((each) => each !== '' && !understood.has(each.toLowerCase()));
    if (unsupported.length > 0) return { status: 420, headers: [['Unsupported', unsupported.join(', ')]] };
    if (method !== 'INVITE') return undefined;
    if (readMaxForwards(headers) === 0) return { status: 483, headers: [] };
    if (!isSessionBody(request)) return { status: 415, headers: [['Accept', sdpType]] };
    const least = tooShort(headers, chosenTimer(undefined, this.context.sessionTimer));
    return least === undefined ? undefined : { status: 422, headers: [['Min-SE', String(least)]] };
  }

  private answer(responder: LibraryResponder, status: number, headers: ExtraHeaders = []): void {
    respond(responder, status, { to: randomToken(8), headers: [...headers, ['Server', this.context.userAgent]] });
  }
}
