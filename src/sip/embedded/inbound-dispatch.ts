import { messageOf } from '../../base/errors.js';
import { randomToken } from '../../base/ids.js';
import type { InboundCall, InboundRequest } from '../port.js';
import { reasonPhrase } from '../status.js';
import { dialogKeyOfRequest } from './dialog-state.js';
import { IncomingInvite } from './dialog-uas.js';
import { addExtraHeaders } from './extra-headers.js';
import type { Flow } from './flow.js';
import type { SipFramingErrorInfo } from './framing.js';
import { topVia } from './header-readers.js';
import { StackRequest } from './inbound-request.js';
import type { SipMessage, SipRequestMessage, Via } from './message.js';
import { addOptionTag } from './option-tags.js';
import type { Overload } from './overload.js';
import { isSipParseError, type SipParseErrorInfo } from './parse-error.js';
import { parseMessage } from './parser.js';
import { allowOf, refusalOf } from './request-policy.js';
import { responseTo, serialize } from './serializer.js';
import { timerRefusal } from './session-timer-keeper.js';
import type { StackContext } from './stack-context.js';
import type { TransactionUser } from './transaction-layer.js';
import { InviteServerTransaction, type NonInviteServerTransaction, type Respond, type ServerTransaction } from './transaction-server.js';
import { stampReceived } from './via-received.js';

const framingFaults: Readonly<Record<SipFramingErrorInfo['why'], { readonly status: number; readonly reason: string }>> = {
  'no-content-length': { status: 400, reason: 'Missing Content-Length' },
  'bad-content-length': { status: 400, reason: 'Malformed Content-Length' },
  'body-too-large': { status: 513, reason: 'Message Too Large' },
  'header-too-large': { status: 513, reason: 'Header Too Large' },
};

/** Methods that a handler above the port may take outside a dialog. */
export type HandledMethod = 'REGISTER' | 'OPTIONS' | 'MESSAGE';

/** Outside a dialog: what is answered without anyone above. */
const always: readonly string[] = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'UPDATE', 'PRACK', 'REFER', 'NOTIFY'];

/** Takes every message that arrives and leads it to its transaction, dialog, INVITE or handler. */
export class InboundDispatch implements TransactionUser {
  callHandler: ((call: InboundCall) => void) | undefined;
  /** Set while the stack shuts down: new requests get 503. */
  closing = false;
  private readonly requestHandlers = new Map<string, (request: InboundRequest) => void>();
  private readonly unanswered = new Map<InviteServerTransaction, IncomingInvite>();
  private readonly early = new Map<string, IncomingInvite>();
  private readonly outside = new Set(['INVITE', 'OPTIONS']);
  private readonly allowed = new Set(always);

  constructor(
    private readonly context: StackContext,
    private readonly respond: Respond,
    private readonly overload: Overload,
  ) {}

  /** Value of Allow. */
  get allow(): string {
    return allowOf(this.allowed);
  }

  handle(method: HandledMethod, handler: (request: InboundRequest) => void): void {
    this.requestHandlers.set(method, handler);
    this.outside.add(method);
    this.allowed.add(method);
  }

  /** One message from the network. A fault it sets off stays with it. */
  receive(flow: Flow, data: Buffer): void {
    let message: SipMessage | undefined;
    try {
      message = parseMessage(data);
      if (message.kind === 'response') {
        this.context.transactions.receiveResponse(message);
        return;
      }
      stampReceived(message, flow);
      if (this.turnedAway(flow, message)) return;
      this.context.transactions.receiveRequest(message, flow);
    } catch (thrown) {
      if (message === undefined && isSipParseError(thrown)) {
        this.refuseMalformed(flow, thrown.info);
        return;
      }
      this.context.log.error({ flow: flow.ref, fault: messageOf(thrown) }, 'A SIP message set off a fault');
      if (message?.kind === 'request' && message.method !== 'ACK') this.answerFault(message);
    }
  }

  /** A message whose end in the stream is unknown: it is refused, whatever it says (RFC 3261 §18.3). */
  receiveBroken(flow: Flow, head: Buffer, why: SipFramingErrorInfo['why']): void {
    const { status, reason } = framingFaults[why];
    try {
      const message = parseMessage(head);
      if (message.kind === 'request') this.refuseMalformed(flow, { code: 'sip-malformed', status, reason, partial: message });
    } catch (thrown) {
      if (isSipParseError(thrown)) this.refuseMalformed(flow, { ...thrown.info, status, reason });
      else this.context.log.error({ flow: flow.ref, fault: messageOf(thrown) }, 'A broken SIP stream set off a fault');
    }
  }

  onInvite(transaction: InviteServerTransaction, merged: boolean): void {
    if (this.refused(transaction, merged)) return;
    const key = dialogKeyOfRequest(transaction.request);
    if (key !== undefined) {
      const dialog = this.context.dialogs.get(key);
      if (dialog === undefined) this.answer(transaction, 481);
      else dialog.receiveInvite(transaction);
      return;
    }
    const { callHandler } = this;
    if (this.closing || callHandler === undefined) {
      this.answer(transaction, this.closing ? 503 : 480);
      return;
    }
    const tooShort = timerRefusal(transaction.request, { choice: this.context.sessionTimer });
    if (tooShort !== undefined) {
      this.answer(transaction, tooShort.status, undefined, tooShort.headers);
      return;
    }
    const invite = new IncomingInvite(transaction, this.context, (done) => {
      this.unanswered.delete(transaction);
      this.early.delete(done.earlyKey);
    });
    this.unanswered.set(transaction, invite);
    this.early.set(invite.earlyKey, invite);
    callHandler(invite);
  }

  onRequest(transaction: NonInviteServerTransaction, merged: boolean): void {
    if (this.refused(transaction, merged)) return;
    const { request } = transaction;
    const key = dialogKeyOfRequest(request);
    if (key !== undefined) {
      const taker = this.context.dialogs.get(key) ?? this.early.get(key);
      if (taker === undefined) this.answer(transaction, 481);
      else taker.receiveRequest(transaction);
      return;
    }
    const handler = this.requestHandlers.get(request.method);
    if (handler !== undefined && !this.closing) {
      handler(new StackRequest(transaction, { toTag: randomToken(8), server: this.context.userAgent }));
      return;
    }
    this.answer(transaction, this.closing ? 503 : 200);
  }

  onCancel(transaction: NonInviteServerTransaction, invite: InviteServerTransaction | undefined): void {
    if (invite === undefined) {
      this.answer(transaction, 481);
      return;
    }
    const call = this.unanswered.get(invite);
    const key = call === undefined ? dialogKeyOfRequest(invite.request) : undefined;
    const { headers } = transaction.request;
    this.answer(transaction, 200, call?.toTag);
    call?.receiveCancel(headers);
    if (key !== undefined) this.context.dialogs.get(key)?.receiveCancel(invite);
  }

  onAck(request: SipRequestMessage): void {
    const key = dialogKeyOfRequest(request);
    if (key !== undefined) this.context.dialogs.get(key)?.receiveAck(request);
  }

  /** An INVITE that is one too many gets 503 at once; a repeated one belongs to its transaction. */
  private turnedAway(flow: Flow, request: SipRequestMessage): boolean {
    const refusal = this.overload.refusal(request);
    if (refusal === undefined || this.context.transactions.serverOf(request) !== undefined) return false;
    refusal.headers.add('Server', this.context.userAgent);
    this.respond(flow, topVia(request.headers), serialize(refusal));
    return true;
  }

  /** Checks of RFC 3261 §8.2; true when the request has had its refusal. */
  private refused(transaction: ServerTransaction, merged: boolean): boolean {
    const { request } = transaction;
    const isOurs = (via: Via): boolean => {
      const sent = this.context.transactions.sentWith(via.parameters.get('branch') ?? '', request.method);
      return sent !== undefined && sent.request.requestUri === request.requestUri;
    };
    const refusal = refusalOf({ request, merged, outside: this.outside, allow: this.allow, isOurs });
    if (refusal === undefined) return false;
    this.answer(transaction, refusal.status, undefined, refusal.headers);
    return true;
  }

  private answer(
    transaction: ServerTransaction,
    status: number,
    toTag: string = randomToken(8),
    headers: readonly (readonly [name: string, value: string])[] = [],
  ): void {
    const { request } = transaction;
    const response = responseTo(request, status, reasonPhrase(status), toTag);
    addExtraHeaders(response.headers, headers);
    if (status === 200 && request.method === 'OPTIONS') {
      addOptionTag(response.headers, 'Supported', 'timer');
      addOptionTag(response.headers, 'Supported', '100rel');
      this.context.addCapabilities(response.headers);
      response.headers.add('Accept', 'application/sdp');
    }
    response.headers.add('Server', this.context.userAgent);
    transaction.respond(response);
  }

  private answerFault(request: SipRequestMessage): void {
    const transaction = this.context.transactions.serverOf(request);
    if (transaction === undefined || transaction.finalStatus !== undefined) return;
    const invite = transaction instanceof InviteServerTransaction ? this.unanswered.get(transaction) : undefined;
    if (invite !== undefined) invite.reject(500);
    else this.answer(transaction, 500);
  }

  /** 400, 505 or 513 without a transaction, when the message says enough to answer it (RFC 3261 §8.2.7). */
  private refuseMalformed(flow: Flow, { status, reason, partial }: SipParseErrorInfo): void {
    this.context.log.debug({ flow: flow.ref, status, reason }, 'Malformed SIP message');
    if (partial === undefined || partial.method === 'ACK') return;
    try {
      stampReceived(partial, flow);
      const response = responseTo(partial, status, reason, randomToken(8));
      response.headers.add('Server', this.context.userAgent);
      this.respond(flow, topVia(partial.headers), serialize(response));
    } catch (thrown) {
      this.context.log.debug({ flow: flow.ref, fault: messageOf(thrown) }, 'Malformed SIP message could not be answered');
    }
  }
}
