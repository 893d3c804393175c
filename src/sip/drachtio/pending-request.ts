import type { Timer } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import { guarded } from '../embedded/guard.js';
import type { HeaderFields, SipRequestMessage, SipResponseMessage } from '../embedded/message.js';
import type { Acknowledge, LibraryRequest, LibraryResponder } from './library.js';
import type { DrachtioSipDeps } from './options.js';
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

/** A request of ours from the moment it is given to the server until its final response. */
export class PendingRequest implements SentRequest {
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
