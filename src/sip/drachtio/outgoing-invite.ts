import { randomToken } from '../../base/ids.js';
import { ChallengeRetry } from '../embedded/challenge-retry.js';
import { DigestClient } from '../embedded/digest-client.js';
import { overlapRetryAfter } from '../embedded/early-offer.js';
import { addExtraHeaders, checkExtraHeaders } from '../embedded/extra-headers.js';
import { guarded } from '../embedded/guard.js';
import { fromTag, toTag } from '../embedded/header-readers.js';
import { HeaderFields, type SipResponseMessage } from '../embedded/message.js';
import { formatAddress, newCallIdHeader } from '../embedded/port-values.js';
import { sessionOf } from '../embedded/session-body.js';
import type { ExtraHeaders, OutboundCall, OutboundOptions, OutboundOutcome, Progress, Reoffer } from '../port.js';
import { type DrachtioContext, type OpenInvite, releaseLink } from './context.js';
import { DrachtioDialog } from './drachtio-dialog.js';
import type { LibraryResponder } from './library.js';
import type { DrachtioLink } from './link.js';
import type { SentRequest, WireFailure, WireResponse } from './pending-request.js';
import { answerRequest, respond } from './respond.js';
import { askTimer, chosenTimer, hasOption, toldMinimum } from './session-headers.js';
import { readRequest } from './wire-text.js';

/** An INVITE of ours from the first byte to its outcome (RFC 3261 §13.2). */
export class OutgoingInvite implements OutboundCall, OpenInvite {
  readonly id: string;
  readonly callIdHeader = newCallIdHeader();
  readonly outcome: Promise<OutboundOutcome>;
  readonly link: DrachtioLink | undefined;
  private readonly tag = randomToken(8);
  private readonly digest: DigestClient | undefined;
  private readonly retry: ChallengeRetry;
  /** Last session description of each early dialog, for a 2xx that leaves it out. */
  private readonly earlySessions = new Map<string, string>();
  private sequence = 0;
  private minSeconds = 0;
  private sent: SentRequest | undefined;
  private progressHandler: ((progress: Progress) => void) | undefined;
  private offerHandler: ((offer: Reoffer, fork: string) => void) | undefined;
  private heardHandler: (() => void) | undefined;
  private resolve: (outcome: OutboundOutcome) => void = () => {};
  private settled = false;
  private cancelHeaders: HeaderFields | undefined;
  /** What each called side said last, where offer and answer were agreed on before the 2xx: it brings none. */
  private readonly agreed = new Map<string, string>();
  private updating = false;

  constructor(
    private readonly options: OutboundOptions,
    private readonly context: DrachtioContext,
  ) {
    checkExtraHeaders(options.headers);
    this.id = `uac-${randomToken(9)}`;
    this.link = context.pool.next();
    this.digest = options.credentials === undefined ? undefined : new DigestClient(options.credentials);
    this.retry = new ChallengeRetry(this.digest, { method: 'INVITE', uri: options.requestUri });
    this.outcome = new Promise((resolve) => {
      this.resolve = resolve;
    });
    context.invites.add(this);
    if (this.link === undefined) queueMicrotask(() => this.failed({ why: 'lost', detail: 'no drachtio server is connected' }));
    else this.send(this.link);
  }

  onProgress(handler: (progress: Progress) => void): void {
    this.progressHandler = handler;
  }

  onHeard(handler: () => void): void {
    this.heardHandler = handler;
  }

  onOffer(handler: (offer: Reoffer, fork: string) => void): void {
    this.offerHandler = handler;
  }

  cancel(options: { readonly headers?: ExtraHeaders } = {}): void {
    checkExtraHeaders(options.headers);
    if (this.cancelHeaders !== undefined || this.settled) return;
    this.cancelHeaders = new HeaderFields();
    addExtraHeaders(this.cancelHeaders, options.headers);
    this.sent?.cancel(this.cancelHeaders);
  }

  shutDown(): void {
    this.cancel();
  }

  abandon(): void {
    this.sent?.abandon();
    this.settleCancelled('the stack has stopped');
  }

  private send(link: DrachtioLink): void {
    const { via, offer, requestUri } = this.options;
    this.sequence += 1;
    const proxy = via === undefined ? undefined : 'flow' in via ? via.flow : via.proxy;
    this.sent = link.send(
      {
        method: 'INVITE',
        uri: requestUri,
        headers: this.headers(),
        ...(offer === undefined ? {} : { body: offer }),
        ...(proxy === undefined ? {} : { proxy }),
      },
      {
        onResponse: (response) => this.responded(response, link),
        onFailure: (failure) => this.failed(failure),
        onUpdate: (request, responder) => this.update(request.msg.raw, responder),
      },
    );
  }

  private headers(): HeaderFields {
    const { options, context } = this;
    const headers = new HeaderFields();
    headers.add('From', `${formatAddress(options.from)};tag=${this.tag}`);
    headers.add('To', formatAddress(options.to ?? { uri: options.requestUri }));
    headers.add('Call-ID', this.callIdHeader);
    headers.add('CSeq', `${this.sequence} INVITE`);
    if (options.maxForwards !== undefined) headers.add('Max-Forwards', String(options.maxForwards));
    addExtraHeaders(headers, options.headers);
    if (!headers.has('Allow')) headers.add('Allow', context.allow());
    const reliable = options.reliable ?? 'supported';
    headers.add('Supported', reliable === 'off' ? 'timer, replaces' : 'timer, 100rel, replaces');
    if (reliable === 'required') headers.add('Require', '100rel');
    askTimer(headers, chosenTimer(options.sessionTimer, context.sessionTimer), this.minSeconds);
    headers.add('User-Agent', context.userAgent);
    this.retry.addTo(headers);
    return headers;
  }

  private responded(response: WireResponse, link: DrachtioLink): void {
    const { status, headers } = response.message;
    if (!madeByServer(headers) || status === 100) this.heard();
    if (status < 200) this.provisional(response);
    else if (status < 300) this.success(response, link);
    else this.failure(response.message, link);
  }

  private heard(): void {
    const { heardHandler } = this;
    this.heardHandler = undefined;
    if (heardHandler !== undefined) guarded(this.context.log, 'first responses', heardHandler);
  }

  private provisional(response: WireResponse): void {
    const { message } = response;
    if (message.status === 100 || this.settled) return;
    const fork = toTag(message.headers) ?? '';
    const sdp = sessionOf(message);
    const reliable = hasOption(message.headers, 'Require', '100rel') && message.headers.get('RSeq') !== undefined;
    const offered = reliable && this.options.offer === undefined && !this.agreed.has(fork) ? sdp : undefined;
    if (sdp !== undefined) this.earlySessions.set(fork, sdp);
    if (reliable && sdp !== undefined && this.options.offer !== undefined && !this.agreed.has(fork)) this.agreed.set(fork, sdp);
    if (reliable && offered === undefined) response.acknowledge({});
    if (this.cancelHeaders !== undefined) return;
    const { progressHandler } = this;
    if (progressHandler !== undefined) {
      // An offer in a reliable response goes its own way, to whoever answers offers.
      const hint = this.options.offer === undefined ? undefined : sdp;
      const progress = { status: message.status, ...(hint === undefined ? {} : { sdp: hint }), headers: message.headers, fork };
      guarded(this.context.log, 'progress', () => progressHandler(progress));
    }
    if (offered !== undefined) this.earlyOffer(response, offered, fork);
  }

  /** An offer in a reliable provisional response is answered in its PRACK (RFC 3262 §5). */
  private earlyOffer({ acknowledge }: WireResponse, sdp: string, fork: string): void {
    const { offerHandler } = this;
    if (offerHandler === undefined) {
      acknowledge({});
      this.cancel();
      return;
    }
    let open = true;
    const once = (act: () => void): void => {
      if (open && !this.settled) act();
      open = false;
    };
    const accept = (answer: string): void =>
      once(() => {
        this.agreed.set(fork, sdp);
        acknowledge({ body: answer });
      });
    const reject = (): void =>
      once(() => {
        acknowledge({});
        this.cancel();
      });
    guarded(this.context.log, 'early offers', () => offerHandler({ method: 'PRACK', sdp, accept, reject }, fork));
  }

  private update(raw: string | undefined, responder: LibraryResponder): void {
    const request = readRequest(raw);
    if ('code' in request) {
      answerRequest(responder, request.status);
      return;
    }
    const sdp = sessionOf(request);
    const fork = fromTag(request.headers) ?? '';
    const { offerHandler } = this;
    if (sdp === undefined) {
      answerRequest(responder, 200);
    } else if (this.updating) {
      answerRequest(responder, 500, [['Retry-After', overlapRetryAfter(this.context.random)]]);
    } else if (!this.agreed.has(fork)) {
      answerRequest(responder, 491);
    } else if (offerHandler === undefined || this.settled) {
      answerRequest(responder, 488);
    } else {
      let open = true;
      this.updating = true;
      const once = (act: () => void): void => {
        if (!open) return;
        open = false;
        this.updating = false;
        act();
      };
      const offer: Reoffer = {
        method: 'UPDATE',
        sdp,
        accept: (answer) =>
          once(() => {
            this.agreed.set(fork, sdp);
            respond(responder, 200, { sdp: answer });
          }),
        reject: (status) => once(() => answerRequest(responder, status)),
      };
      guarded(this.context.log, 'early offers', () => offerHandler(offer, fork));
    }
  }

  private success({ message, dialogId, acknowledge }: WireResponse, link: DrachtioLink): void {
    const fork = toTag(message.headers) ?? '';
    const dialog = new DrachtioDialog(
      {
        link,
        callId: this.callIdHeader,
        localTag: this.tag,
        remoteTag: fork,
        peerHeaders: message.headers,
        digest: this.digest,
        flow: this.options.via !== undefined && 'flow' in this.options.via ? this.options.via.flow : undefined,
        timer: chosenTimer(this.options.sessionTimer, this.context.sessionTimer),
        ownsCallId: true,
        waitForAck: false,
      },
      this.context,
    );
    dialog.established(dialogId);
    const body = sessionOf(message);
    const late = this.options.offer === undefined && !this.agreed.has(fork) && body !== undefined;
    if (this.settled || this.cancelHeaders !== undefined) {
      acknowledge({});
      void dialog.bye();
      this.settleCancelled('answered while being cancelled');
      return;
    }
    const sdp = this.agreed.get(fork) ?? body ?? this.earlySessions.get(fork) ?? '';
    if (!late) {
      acknowledge({});
      this.settle({ kind: 'answered', dialog, sdp, headers: message.headers, fork });
      return;
    }
    dialog.holdAck((answer) => acknowledge(answer === undefined ? {} : { body: answer }));
    this.settle({ kind: 'answered', dialog, sdp, headers: message.headers, fork, answerWith: (answer) => dialog.sendHeldAck(answer) });
  }

  private failure(message: SipResponseMessage, link: DrachtioLink): void {
    if (this.settled) return;
    const { status, reason, headers } = message;
    if (this.cancelHeaders === undefined && (this.retry.takes(message) || this.asksLonger(message))) {
      this.send(link);
      return;
    }
    if (this.cancelHeaders !== undefined && (status === 487 || status === 401 || status === 407 || status === 422)) {
      this.settleCancelled('cancelled');
    } else if (this.cancelHeaders !== undefined && status === 408) {
      this.settleCancelled('no answer to the CANCEL');
    } else if (status === 408 && madeByServer(headers)) {
      this.settle({ kind: 'failed', why: 'timeout', detail: 'no response within 64*T1' });
    } else if (status === 503 && madeByServer(headers)) {
      this.settle({ kind: 'failed', why: 'transport', detail: `the server could not send: ${reason}` });
    } else {
      this.settle({ kind: 'rejected', status, reason, headers });
    }
  }

  /** 422 with a longer minimum than we offered is worth another try (RFC 4028 §7.3). */
  private asksLonger({ status, headers }: SipResponseMessage): boolean {
    const told = status === 422 ? toldMinimum(headers) : undefined;
    if (told === undefined || told <= this.minSeconds) return false;
    this.minSeconds = told;
    return true;
  }

  private failed({ why, detail }: WireFailure): void {
    if (this.cancelHeaders !== undefined) this.settleCancelled(detail);
    else this.settle({ kind: 'failed', why: why === 'timeout' ? 'timeout' : 'transport', detail });
  }

  private settleCancelled(detail: string): void {
    this.settle({ kind: 'failed', why: 'cancelled', detail });
  }

  private settle(outcome: OutboundOutcome): void {
    if (this.settled) return;
    this.settled = true;
    this.earlySessions.clear();
    this.context.invites.delete(this);
    this.resolve(outcome);
    if (this.link !== undefined) releaseLink(this.context, this.link);
  }
}

/** The server writes failures of its own without a tag in To; a peer's response has one (RFC 3261 §8.2.6.2). */
function madeByServer(headers: HeaderFields): boolean {
  return (headers.get('To') === undefined ? undefined : toTag(headers)) === undefined;
}
