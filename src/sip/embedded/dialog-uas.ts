import { randomToken } from '../../base/ids.js';
import type { AnswerOptions, ExtraHeaders, Headers, InboundCall, NameAddress, SipDialog, Source } from '../port.js';
import { reasonPhrase } from '../status.js';
import { Dialog } from './dialog.js';
import { DialogState, dialogKey } from './dialog-state.js';
import { DigestClient } from './digest-client.js';
import { addExtraHeaders, checkExtraHeaders } from './extra-headers.js';
import { isWebSocket, sourceOf } from './flow.js';
import { fromTag, readCallId, readContacts, readFrom, readTo } from './header-readers.js';
import type { InviteUser } from './invite-user.js';
import { contactUserOf, plainNameAddress } from './port-values.js';
import { contactFor } from './request-sender.js';
import { responseTo } from './serializer.js';
import { putSession, sessionOf } from './session-body.js';
import { SessionTimerAsk } from './session-timer-ask.js';
import type { StackContext } from './stack-context.js';
import { newBranch } from './transaction-key.js';
import type { InviteServerTransaction, NonInviteServerTransaction } from './transaction-server.js';

/**
 * An INVITE from outside a dialog, until it has its final response (RFC 3261 §13.3). It keeps one To
 * tag for all its responses, so it is one early dialog.
 */
export class IncomingInvite implements InboundCall, InviteUser {
  readonly id: string;
  readonly callIdHeader: string;
  readonly source: Source;
  readonly headers: Headers;
  readonly requestUri: string;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly offer?: string;
  /** Key of the early dialog, for requests of the caller inside it. */
  readonly earlyKey: string;
  private readonly tag = randomToken(8);
  private readonly abort = new AbortController();
  private readonly contactUser: string | undefined;
  private readonly stopWatching: () => void;
  private open = true;

  constructor(
    private readonly transaction: InviteServerTransaction,
    private readonly context: StackContext,
    private readonly onClosed: (invite: IncomingInvite) => void,
  ) {
    const { request, flow } = transaction;
    this.id = `uas-${newBranch().slice(7)}`;
    this.callIdHeader = readCallId(request.headers);
    this.source = sourceOf(flow);
    this.headers = request.headers;
    this.requestUri = request.requestUri;
    this.from = plainNameAddress(readFrom(request.headers));
    this.to = plainNameAddress(readTo(request.headers));
    this.earlyKey = dialogKey(this.callIdHeader, this.tag, fromTag(request.headers) ?? '');
    this.contactUser = contactUserOf(request.requestUri);
    const offer = sessionOf(request);
    if (offer !== undefined) this.offer = offer;
    this.stopWatching = flow.onClose(() => {
      if (isWebSocket(flow.transport)) this.callerGone();
    });
    context.invites.add(this);
    transaction.respond(responseTo(request, 100));
  }

  get cancelled(): AbortSignal {
    return this.abort.signal;
  }

  get toTag(): string {
    return this.tag;
  }

  progress(status: 180 | 181 | 182 | 183, options: { readonly sdp?: string; readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (!this.open) return;
    const { transaction, context } = this;
    const response = responseTo(transaction.request, status, reasonPhrase(status), this.tag);
    addExtraHeaders(response.headers, options.headers);
    response.headers.add('Contact', contactFor(context.localOn(transaction.flow), this.contactUser));
    response.headers.add('Server', context.userAgent);
    transaction.respond({ ...response, body: putSession(response.headers, options.sdp) });
  }

  answer(sdp: string, options: AnswerOptions = {}): SipDialog {
    checkExtraHeaders(options.headers);
    const { transaction, context } = this;
    const { request, flow } = transaction;
    const firstHop = {
      target: readContacts(request.headers)[0]?.uri ?? this.from.uri,
      flow: flow.ref,
      flowOnly: isWebSocket(flow.transport),
    };
    const dialog = new Dialog(
      {
        state: DialogState.ofUas(request, this.tag, firstHop),
        ownsCallId: false,
        contactUser: this.contactUser,
        sessionTimer: new SessionTimerAsk(options.sessionTimer ?? context.sessionTimer),
        digest: options.credentials === undefined ? undefined : new DigestClient(options.credentials),
      },
      context,
    );
    if (!this.open) {
      dialog.neverWas();
      return dialog;
    }
    this.close();
    dialog.accept(transaction, sdp, options.headers);
    return dialog;
  }

  reject(status: number, options: { readonly reason?: string; readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (!this.open) return;
    this.close();
    this.respond(status, options.reason, options.headers);
  }

  /** CANCEL, whose 200 has been sent (RFC 3261 §9.2). */
  receiveCancel(): void {
    this.giveUp(487);
  }

  /** A request of the caller inside the early dialog: BYE ends it (§15), anything else is too early. */
  receiveRequest(transaction: NonInviteServerTransaction): void {
    const bye = transaction.request.method === 'BYE';
    const status = bye ? 200 : 481;
    transaction.respond(responseTo(transaction.request, status, reasonPhrase(status), this.tag));
    if (bye) this.giveUp(487);
  }

  shutDown(): void {
    this.giveUp(503);
  }

  abandon(): void {
    this.callerGone();
  }

  private callerGone(): void {
    if (!this.open) return;
    this.close();
    this.transaction.kill();
    this.abort.abort();
  }

  private giveUp(status: number): void {
    if (!this.open) return;
    this.close();
    this.respond(status);
    this.abort.abort();
  }

  private respond(status: number, reason?: string, headers: ExtraHeaders = []): void {
    const response = responseTo(this.transaction.request, status, reason ?? reasonPhrase(status), this.tag);
    addExtraHeaders(response.headers, headers);
    response.headers.add('Server', this.context.userAgent);
    this.transaction.respond(response);
  }

  private close(): void {
    this.open = false;
    this.stopWatching();
    this.context.invites.delete(this);
    this.onClosed(this);
  }
}
