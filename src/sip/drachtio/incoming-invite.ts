import type { Timer } from '../../base/clock.js';
import { randomToken } from '../../base/ids.js';
import { DigestClient } from '../embedded/digest-client.js';
import { overlapRetryAfter } from '../embedded/early-offer.js';
import { checkExtraHeaders } from '../embedded/extra-headers.js';
import { guarded } from '../embedded/guard.js';
import { fromTag, readCallId, readFrom, readTo } from '../embedded/header-readers.js';
import type { SipRequestMessage } from '../embedded/message.js';
import { plainNameAddress } from '../embedded/port-values.js';
import { sessionOf } from '../embedded/session-body.js';
import type { AnswerOptions, ExtraHeaders, Headers, InboundCall, NameAddress, Reoffer, SipDialog, Source } from '../port.js';
import { type DrachtioContext, type OpenInvite, releaseLink } from './context.js';
import { DrachtioDialog, dialogKey } from './drachtio-dialog.js';
import type { LibraryRequest, LibraryResponder } from './library.js';
import type { DrachtioLink } from './link.js';
import { answerRequest, type ResponseContent, respond, sourceOf } from './respond.js';
import { chosenTimer, grantTimer, hasOption } from './session-headers.js';
import { readRequest } from './wire-text.js';

/** A response in line behind one that waits for its PRACK. */
interface Waiting {
  readonly status: number;
  readonly content: ResponseContent;
  readonly reliable: boolean;
  /** It brings the description that its PRACK agrees on. */
  readonly tells: boolean;
}

/** An INVITE from outside a dialog, until it has its final response (RFC 3261 §13.3). */
export class IncomingInvite implements InboundCall, OpenInvite {
  readonly id = `uas-${randomToken(9)}`;
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
  cancelHeaders: Headers | undefined;
  private offerHandler: ((offer: Reoffer) => void) | undefined;
  private answerHandler: ((sdp: string) => void) | undefined;
  private readonly waiting: Waiting[] = [];
  private prack: Timer | undefined;
  /** Of the response that waits for its PRACK: see `Waiting`. */
  private prackAgrees = false;
  private accepting: (() => void) | undefined;
  private earlyOffer: { settle(status: number): void } | undefined;
  /** Where offer and answer stand: ours may be told reliably, and is agreed on with its PRACK (RFC 3262 §5). */
  private exchange: 'open' | 'told' | 'agreed' = 'open';
  /** What the caller answered in PRACK to our offer; its ACK then brings none. */
  private prackAnswer: string | undefined;
  /** An offer of the caller was taken since, so the 2xx must not bring an older description. */
  private updated = false;
  private open = true;

  constructor(
    private readonly request: SipRequestMessage,
    libraryRequest: LibraryRequest,
    private readonly responder: LibraryResponder,
    readonly link: DrachtioLink,
    private readonly context: DrachtioContext,
    private readonly onClosed: (invite: IncomingInvite) => void,
  ) {
    this.callIdHeader = readCallId(request.headers);
    this.source = sourceOf(request, libraryRequest);
    this.headers = request.headers;
    this.requestUri = request.requestUri;
    this.from = plainNameAddress(readFrom(request.headers));
    this.to = plainNameAddress(readTo(request.headers));
    this.earlyKey = dialogKey(this.callIdHeader, this.tag, this.remoteTag);
    const offer = sessionOf(request);
    if (offer !== undefined) this.offer = offer;
    context.invites.add(this);
    libraryRequest.on('cancel', ({ raw }) => this.cancelledByCaller(raw));
    libraryRequest.on('update', (update, updateResponder) => this.receiveRaw(update.msg.raw, updateResponder));
  }

  get cancelled(): AbortSignal {
    return this.abort.signal;
  }

  get takesReliable(): boolean {
    return hasOption(this.headers, 'Require', '100rel') || hasOption(this.headers, 'Supported', '100rel');
  }

  onAnswer(handler: (sdp: string) => void): void {
    this.answerHandler = handler;
  }

  onOffer(handler: (offer: Reoffer) => void): void {
    this.offerHandler = handler;
  }

  progress(
    status: 180 | 181 | 182 | 183,
    options: { readonly sdp?: string; readonly headers?: ExtraHeaders; readonly reliable?: boolean } = {},
  ): void {
    checkExtraHeaders(options.headers);
    if (!this.open || this.accepting !== undefined) return;
    const required = hasOption(this.headers, 'Require', '100rel');
    const supported = required || hasOption(this.headers, 'Supported', '100rel');
    const reliable = required || (supported && options.reliable !== false && options.sdp !== undefined);
    // Told reliably once, it is not told again: the caller would have to take it for a new offer (RFC 3262 §5).
    const sdp = reliable && this.exchange !== 'open' ? undefined : options.sdp;
    const tells = reliable && sdp !== undefined;
    if (tells) this.exchange = 'told';
    const headers: ExtraHeaders = [...(options.headers ?? []), ['Allow', this.context.allow()], ['Server', this.context.userAgent]];
    this.waiting.push({
      status,
      reliable,
      tells,
      content: {
        to: this.tag,
        headers: reliable ? [...headers, ['Require', '100rel']] : headers,
        ...(sdp === undefined ? {} : { sdp }),
      },
    });
    this.pump();
  }

  answer(sdp: string, options: AnswerOptions = {}): SipDialog {
    checkExtraHeaders(options.headers);
    const timer = chosenTimer(options.sessionTimer, this.context.sessionTimer);
    const dialog = new DrachtioDialog(
      {
        link: this.link,
        callId: this.callIdHeader,
        localTag: this.tag,
        remoteTag: this.remoteTag,
        peerHeaders: this.headers,
        digest: options.credentials === undefined ? undefined : new DigestClient(options.credentials),
        flow: this.source.flow,
        timer,
        ownsCallId: false,
        waitForAck: true,
      },
      this.context,
    );
    if (!this.open || this.accepting !== undefined) {
      dialog.neverWas({ by: 'remote' });
      return dialog;
    }
    const headers: ExtraHeaders = [
      ...(options.headers ?? []),
      ['Allow', this.context.allow()],
      ['Supported', 'timer, 100rel, replaces'],
      ['Server', this.context.userAgent],
      ...(options.sessionTimer === 'off' ? [] : grantTimer(this.headers, timer)),
    ];
    this.abort.signal.addEventListener('abort', () => dialog.neverWas({ by: 'remote' }), { once: true });
    this.accepting = () => {
      this.close();
      const agreed = this.updated || this.prackAnswer !== undefined;
      if (this.prackAnswer !== undefined && !this.updated) dialog.answeredEarly(this.prackAnswer);
      respond(this.responder, 200, { headers, to: this.tag, ...(agreed ? {} : { sdp }) }, (fault, dialogId) => {
        if (fault === undefined) dialog.established(dialogId);
        else dialog.neverWas({ by: 'remote' });
      });
    };
    this.pump();
    return dialog;
  }

  reject(status: number, options: { readonly reason?: string; readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (!this.open || this.accepting !== undefined) return;
    this.refuse(status, options);
  }

  /** A request of the caller inside the early dialog. */
  receive(request: SipRequestMessage, responder: LibraryResponder): void {
    switch (request.method) {
      case 'PRACK':
        this.receivePrack(request, responder);
        return;
      case 'UPDATE':
        this.receiveUpdate(request, responder);
        return;
      case 'BYE':
        answerRequest(responder, 200);
        this.giveUp(487);
        return;
      default:
        answerRequest(responder, 481);
    }
  }

  shutDown(): void {
    this.giveUp(503);
  }

  abandon(): void {
    if (!this.open) return;
    this.close();
    this.abort.abort();
    releaseLink(this.context, this.link);
  }

  private get remoteTag(): string {
    return fromTag(this.request.headers) ?? '';
  }

  /** CANCEL: the server has sent the 200 and the 487. */
  private cancelledByCaller(raw: string | undefined): void {
    const request = readRequest(raw);
    if (this.open && !('code' in request)) this.cancelHeaders = request.headers;
    this.abandon();
  }

  /** Sends what is next in line; nothing passes a reliable response that waits for its PRACK (RFC 3262 §3). */
  private pump(): void {
    while (this.open && this.prack === undefined) {
      const next = this.waiting.shift();
      if (next === undefined) {
        this.accepting?.();
        return;
      }
      if (next.reliable) {
        this.prackAgrees = next.tells;
        this.prack = this.context.clock.after(this.context.timing.prackMs, () => this.giveUp(504));
      }
      respond(this.responder, next.status, next.content, (fault) => {
        if (fault === undefined || !next.reliable || !this.open) return;
        this.context.log.debug({ fault }, 'a reliable provisional response was not sent');
        this.pracked();
      });
    }
  }

  private pracked(): void {
    this.prack?.cancel();
    this.prack = undefined;
    this.pump();
  }

  private receivePrack(request: SipRequestMessage, responder: LibraryResponder): void {
    if (this.prack === undefined) {
      answerRequest(responder, 481);
      return;
    }
    const sdp = sessionOf(request);
    const agrees = this.prackAgrees;
    const answers = this.offer === undefined && agrees;
    if (answers) this.prackAnswer = sdp;
    if (agrees) this.exchange = 'agreed';
    if (sdp === undefined || answers) answerRequest(responder, 200);
    else if (this.earlyOffer !== undefined) answerRequest(responder, 500, [['Retry-After', overlapRetryAfter(this.context.random)]]);
    else this.handOffer('PRACK', sdp, responder);
    this.pracked();
    const { answerHandler } = this;
    if (answers && sdp !== undefined && answerHandler !== undefined) {
      guarded(this.context.log, 'early answers', () => answerHandler(sdp));
    }
  }

  private receiveRaw(raw: string | undefined, responder: LibraryResponder): void {
    const request = readRequest(raw);
    if ('code' in request) answerRequest(responder, request.status);
    else this.receiveUpdate(request, responder);
  }

  private receiveUpdate(request: SipRequestMessage, responder: LibraryResponder): void {
    const sdp = sessionOf(request);
    if (!this.open) answerRequest(responder, 481);
    else if (sdp === undefined) answerRequest(responder, 200);
    else if (this.earlyOffer !== undefined || (this.offer !== undefined && this.exchange !== 'agreed')) {
      answerRequest(responder, 500, [['Retry-After', overlapRetryAfter(this.context.random)]]);
    } else if (this.exchange !== 'agreed') answerRequest(responder, 491);
    else this.handOffer('UPDATE', sdp, responder);
  }

  private handOffer(method: 'UPDATE' | 'PRACK', sdp: string, responder: LibraryResponder): void {
    const { offerHandler } = this;
    if (offerHandler === undefined) {
      answerRequest(responder, 488);
      return;
    }
    const settle = (act: () => void): void => {
      if (this.earlyOffer !== pending) return;
      this.earlyOffer = undefined;
      act();
    };
    const pending = { settle: (status: number): void => settle(() => answerRequest(responder, status)) };
    this.earlyOffer = pending;
    guarded(this.context.log, 'early offers', () =>
      offerHandler({
        method,
        sdp,
        accept: (answer) =>
          settle(() => {
            this.updated = true;
            respond(responder, 200, { headers: [['Allow', this.context.allow()]], sdp: answer });
          }),
        reject: (status) => pending.settle(status),
      }),
    );
  }

  private giveUp(status: number): void {
    if (!this.open) return;
    this.refuse(status);
    this.abort.abort();
  }

  private refuse(status: number, { reason, headers = [] }: { readonly reason?: string; readonly headers?: ExtraHeaders } = {}): void {
    this.close();
    respond(this.responder, status, {
      to: this.tag,
      headers: [...headers, ['Server', this.context.userAgent]],
      ...(reason === undefined ? {} : { reason }),
    });
    releaseLink(this.context, this.link);
  }

  private close(): void {
    this.open = false;
    this.prack?.cancel();
    this.earlyOffer?.settle(487);
    this.context.invites.delete(this);
    this.onClosed(this);
  }
}
