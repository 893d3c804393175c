import { randomToken } from '../../base/ids.js';
import type { AnswerOptions, ExtraHeaders, Headers, InboundCall, NameAddress, Reoffer, SipDialog, Source } from '../port.js';
import { reasonPhrase } from '../status.js';
import { Dialog } from './dialog.js';
import { DialogState, dialogKey } from './dialog-state.js';
import { DigestClient } from './digest-client.js';
import { EarlyServerDialog } from './early-server-dialog.js';
import { addExtraHeaders, checkExtraHeaders } from './extra-headers.js';
import { isWebSocket, sourceOf } from './flow.js';
import { fromTag, readCallId, readContacts, readFrom, readTo } from './header-readers.js';
import type { InviteUser } from './invite-user.js';
import { contactUserOf, plainNameAddress } from './port-values.js';
import { responseTo } from './serializer.js';
import { sessionOf } from './session-body.js';
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
  cancelHeaders: Headers | undefined;
  /** Key of the early dialog, for requests of the caller inside it. */
  readonly earlyKey: string;
  private readonly tag = randomToken(8);
  private readonly abort = new AbortController();
  private readonly contactUser: string | undefined;
  private readonly stopWatching: () => void;
  private readonly state: DialogState;
  private readonly early: EarlyServerDialog;
  /** `answering`: the 2xx waits for a PRACK (RFC 3262 §3). */
  private phase: 'open' | 'answering' | 'closed' = 'open';
  private held: { readonly dialog: Dialog; readonly send: () => void } | undefined;

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
    this.state = DialogState.ofUas(request, this.tag, {
      target: readContacts(request.headers)[0]?.uri ?? this.from.uri,
      flow: flow.ref,
      flowOnly: isWebSocket(flow.transport),
    });
    this.early = new EarlyServerDialog(
      transaction,
      context,
      { state: this.state, contactUser: this.contactUser },
      { onAcknowledged: () => this.answerHeld(), onNeverAcknowledged: () => this.giveUp(504) },
    );
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

  progress(
    status: 180 | 181 | 182 | 183,
    options: { readonly sdp?: string; readonly headers?: ExtraHeaders; readonly reliable?: boolean } = {},
  ): void {
    checkExtraHeaders(options.headers);
    if (this.phase === 'open') this.early.progress(status, options.sdp, options.headers, options.reliable);
  }

  get takesReliable(): boolean {
    return this.early.takesReliable;
  }

  onAnswer(handler: (sdp: string) => void): void {
    this.early.answerHandler = handler;
  }

  onOffer(handler: (offer: Reoffer) => void): void {
    this.early.offerHandler = handler;
  }

  answer(sdp: string, options: AnswerOptions = {}): SipDialog {
    checkExtraHeaders(options.headers);
    const { transaction, context } = this;
    const dialog = new Dialog(
      {
        state: this.state,
        early: this.early,
        ownsCallId: false,
        contactUser: this.contactUser,
        sessionTimer: new SessionTimerAsk(options.sessionTimer ?? context.sessionTimer),
        digest: options.credentials === undefined ? undefined : new DigestClient(options.credentials),
      },
      context,
    );
    if (this.phase !== 'open') {
      dialog.neverWas();
      return dialog;
    }
    const send = (): void => {
      this.close();
      dialog.accept(transaction, sdp, options.headers, this.early.agreement);
    };
    if (!this.early.holdsSuccess) {
      send();
      return dialog;
    }
    this.phase = 'answering';
    this.held = { dialog, send };
    dialog.waitForTurn();
    dialog.onEnd(() => this.giveUp(487));
    return dialog;
  }

  reject(status: number, options: { readonly reason?: string; readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (this.phase !== 'open') return;
    this.close();
    this.respond(status, options.reason, options.headers);
  }

  /** CANCEL, whose 200 has been sent (RFC 3261 §9.2). */
  receiveCancel(headers: Headers): void {
    if (this.phase !== 'closed') this.cancelHeaders = headers;
    this.giveUp(487);
  }

  /** A request of the caller inside the early dialog: BYE ends it (RFC 3261 §15). */
  receiveRequest(transaction: NonInviteServerTransaction): void {
    if (transaction.request.method !== 'BYE') {
      this.early.receive(transaction);
      return;
    }
    transaction.respond(responseTo(transaction.request, 200, reasonPhrase(200), this.tag));
    this.giveUp(487);
  }

  shutDown(): void {
    this.giveUp(503);
  }

  abandon(): void {
    this.callerGone();
  }

  private callerGone(): void {
    if (this.phase === 'closed') return;
    this.close();
    this.transaction.kill();
    this.over();
  }

  private giveUp(status: number): void {
    if (this.phase === 'closed') return;
    this.close();
    this.respond(status);
    this.over();
  }

  /** Tells whoever has the call, by the dialog once there is one. */
  private over(): void {
    const { held } = this;
    this.held = undefined;
    if (held === undefined) this.abort.abort();
    else held.dialog.neverWas();
  }

  private answerHeld(): void {
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    held.send();
  }

  private respond(status: number, reason?: string, headers: ExtraHeaders = []): void {
    const response = responseTo(this.transaction.request, status, reason ?? reasonPhrase(status), this.tag);
    addExtraHeaders(response.headers, headers);
    response.headers.add('Server', this.context.userAgent);
    this.transaction.respond(response);
  }

  private close(): void {
    this.phase = 'closed';
    this.early.stop();
    this.stopWatching();
    this.context.invites.delete(this);
    this.onClosed(this);
  }
}
