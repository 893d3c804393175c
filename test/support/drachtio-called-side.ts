import { randomUUID } from 'node:crypto';
import type { Timer } from '../../src/base/clock.js';
import { randomToken } from '../../src/base/ids.js';
import { DialogState, dialogKeyOfRequest } from '../../src/sip/embedded/dialog-state.js';
import { type Flow, isWebSocket } from '../../src/sip/embedded/flow.js';
import { fromTag, readCallId, readContacts, readRAck, toTag } from '../../src/sip/embedded/header-readers.js';
import type { HeaderFields, SipRequestMessage, SipResponseMessage } from '../../src/sip/embedded/message.js';
import { responseTo, serialize } from '../../src/sip/embedded/serializer.js';
import { cseqOf } from '../../src/sip/embedded/transaction-layer.js';
import type { InviteServerTransaction, NonInviteServerTransaction, ServerTransaction } from '../../src/sip/embedded/transaction-server.js';
import { UnacknowledgedOk } from '../../src/sip/embedded/unacknowledged-ok.js';
import type { DrachtioApp } from './drachtio-apps.js';
import { addOwn, type DrachtioCore, type ServerDialog } from './drachtio-core.js';
import type { Frame } from './drachtio-frames.js';

interface ServerInvite {
  readonly transaction: InviteServerTransaction;
  app: DrachtioApp | undefined;
  readonly transactionId: string;
  readonly dialogId: string;
  toTag: string;
  rseq: number;
  unpracked: { readonly rseq: number; readonly stop: () => void } | undefined;
  update: NonInviteServerTransaction | undefined;
}

/** What the called side of the server asks of the rest. */
export interface CalledSideDeps {
  readonly core: () => DrachtioCore;
  /** Finds an application for a new request, or opens a connection to one. */
  readonly route: (method: string, done: (app: DrachtioApp | undefined) => void) => void;
  /** The application whose INVITE made the early dialog of these tags. */
  readonly callerIn: (key: string | undefined) => { readonly app: DrachtioApp; readonly dialogId: string } | undefined;
}

/** Requests from the network, and what applications answer them with. */
export class DrachtioCalledSide {
  readonly invites = new Map<string, ServerInvite>();
  private readonly waiting = new Map<string, { readonly transaction: ServerTransaction; readonly dialog: ServerDialog | undefined }>();

  constructor(private readonly deps: CalledSideDeps) {}

  private get core(): DrachtioCore {
    return this.deps.core();
  }

  onInvite(transaction: InviteServerTransaction): void {
    const { request } = transaction;
    const dialog = this.core.dialogOf(request);
    transaction.respond(responseTo(request, 100));
    if (toTag(request.headers) !== undefined) {
      if (dialog === undefined) transaction.respond(responseTo(request, 481));
      else this.hand(dialog.app, transaction, dialog);
      return;
    }
    const invite: ServerInvite = {
      transaction,
      app: undefined,
      transactionId: randomUUID(),
      dialogId: `${readCallId(request.headers)};from-tag=${fromTag(request.headers) ?? ''}`,
      toTag: randomToken(6),
      rseq: 100,
      unpracked: undefined,
      update: undefined,
    };
    this.invites.set(invite.transactionId, invite);
    const route = (app: DrachtioApp | undefined): void => {
      invite.app = app;
      if (app === undefined) {
        this.invites.delete(invite.transactionId);
        transaction.respond(responseTo(request, 503, undefined, invite.toTag));
      } else this.core.deliver(app, transaction.flow, request, invite.transactionId, '');
    };
    this.deps.route('INVITE', route);
  }

  onRequest(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    const dialog = this.core.dialogOf(request);
    const early = [...this.invites.values()].find((each) => this.isEarly(each, request));
    if (request.method === 'PRACK' && early !== undefined) {
      this.onPrack(early, transaction);
    } else if (request.method === 'UPDATE' && early?.app !== undefined && dialog === undefined) {
      if (early.update !== undefined) transaction.respond(responseTo(request, 500, undefined, early.toTag));
      else {
        early.update = transaction;
        this.core.deliver(early.app, transaction.flow, request, early.transactionId, early.dialogId);
      }
    } else if (dialog !== undefined) {
      if (request.method === 'BYE') this.core.forget(dialog);
      this.hand(dialog.app, transaction, dialog);
    } else if (early?.app !== undefined) {
      this.hand(early.app, transaction, undefined, early.dialogId);
    } else if (toTag(request.headers) !== undefined) {
      const unanswered = this.deps.callerIn(dialogKeyOfRequest(request));
      if (unanswered === undefined) transaction.respond(responseTo(request, 481));
      else this.hand(unanswered.app, transaction, undefined, unanswered.dialogId);
    } else {
      this.deps.route(request.method, (app) => {
        if (app === undefined) transaction.respond(responseTo(request, 503, undefined, randomToken(6)));
        else this.hand(app, transaction, undefined);
      });
    }
  }

  private isEarly(invite: ServerInvite, request: SipRequestMessage): boolean {
    return readCallId(request.headers) === readCallId(invite.transaction.request.headers) && toTag(request.headers) === invite.toTag;
  }

  private onPrack(invite: ServerInvite, transaction: NonInviteServerTransaction): void {
    const rack = readRAck(transaction.request.headers);
    if (invite.app === undefined || invite.unpracked?.rseq !== rack?.rseq) {
      transaction.respond(responseTo(transaction.request, 481, undefined, invite.toTag));
      return;
    }
    invite.unpracked?.stop();
    invite.unpracked = undefined;
    this.hand(invite.app, transaction, undefined, invite.dialogId);
  }

  /** The server answers both and tells the application, under the INVITE's transaction. */
  onCancel(transaction: NonInviteServerTransaction, invite: InviteServerTransaction | undefined): void {
    const found = [...this.invites.values()].find((each) => each.transaction === invite);
    if (invite === undefined || found === undefined) {
      transaction.respond(responseTo(transaction.request, invite === undefined ? 481 : 200));
      return;
    }
    const { request } = transaction;
    transaction.respond(responseTo(request, 200, undefined, found.toTag));
    this.endInvite(found);
    invite.respond(responseTo(invite.request, 487, undefined, found.toTag));
    if (found.app !== undefined) this.core.deliver(found.app, transaction.flow, request, found.transactionId, found.dialogId);
  }

  onAck(request: SipRequestMessage): void {
    const dialog = this.core.dialogOf(request);
    if (dialog === undefined || dialog.unacknowledged?.sequence !== cseqOf(request)) return;
    dialog.unacknowledged.stop();
    dialog.unacknowledged = undefined;
    if (dialog.flow !== undefined) this.core.deliver(dialog.app, dialog.flow, request, randomUUID(), dialog.id);
  }

  private hand(app: DrachtioApp, transaction: ServerTransaction, dialog: ServerDialog | undefined, dialogId = dialog?.id ?? ''): void {
    if (!app.open) {
      transaction.respond(responseTo(transaction.request, 481));
      return;
    }
    const id = randomUUID();
    this.waiting.set(id, { transaction, dialog });
    this.core.deliver(app, transaction.flow, transaction.request, id, dialogId);
  }

  respond(app: DrachtioApp, frame: Frame, id: string, status: number, startLine: string, headers: HeaderFields, body: string): void {
    const reason = startLine.split(' ').slice(2).join(' ');
    const invite = this.invites.get(id);
    const update = invite !== undefined && /UPDATE/.test(headers.get('CSeq') ?? '') ? invite.update : undefined;
    const plain = this.waiting.get(id);
    if (invite !== undefined && update !== undefined) {
      invite.update = undefined;
      const response = this.response(update.request, status, reason, headers, body, invite.toTag);
      update.respond(response);
      this.sentResponse(app, frame, update.flow, response, id, invite.dialogId);
    } else if (invite !== undefined) {
      this.respondToInvite(app, frame, invite, status, reason, headers, body);
    } else if (plain !== undefined) {
      this.respondToRequest(app, frame, id, plain, { status, reason, headers, body });
    } else {
      app.reply(frame, false, ['Response not sent due to unknown transaction']);
    }
  }

  private respondToRequest(
    app: DrachtioApp,
    frame: Frame,
    id: string,
    to: { readonly transaction: ServerTransaction; readonly dialog: ServerDialog | undefined },
    {
      status,
      reason,
      headers,
      body,
    }: { readonly status: number; readonly reason: string; readonly headers: HeaderFields; readonly body: string },
  ): void {
    const { transaction, dialog } = to;
    if (status >= 200) this.waiting.delete(id);
    const response = this.response(transaction.request, status, reason, headers, body, /tag=(.*)/.exec(headers.get('To') ?? '')?.[1]);
    if (transaction.request.method === 'INVITE') this.core.addContact(response, transaction.flow);
    if (dialog !== undefined && transaction.request.method === 'INVITE' && status < 300 && status >= 200) {
      dialog.state.refreshTarget(transaction.request);
      if (body !== '') dialog.localSdp = body;
      this.retransmit(dialog, transaction as InviteServerTransaction, response);
    } else transaction.respond(response as never);
    this.sentResponse(app, frame, transaction.flow, response, id, dialog?.id ?? '');
  }

  private respondToInvite(
    app: DrachtioApp,
    frame: Frame,
    invite: ServerInvite,
    status: number,
    reason: string,
    headers: HeaderFields,
    body: string,
  ): void {
    const { transaction, dialogId, transactionId } = invite;
    const { request, flow } = transaction;
    invite.toTag = /tag=(.*)/.exec(headers.get('To') ?? '')?.[1] ?? invite.toTag;
    if (status >= 200 && status < 300 && this.core.dialogs.has(dialogId)) {
      transaction.respond(responseTo(request, 480, undefined, invite.toTag));
      this.endInvite(invite);
      app.reply(frame, false, ['dialog already exists, rejecting this request']);
      return;
    }
    const response = this.response(request, status, reason, headers, body, invite.toTag);
    this.core.addContact(response, flow);
    const reliable = status > 100 && status < 200 && /100rel/.test(headers.get('Require') ?? '');
    if (reliable) {
      if (!/100rel/i.test([...request.headers.all('Supported'), ...request.headers.all('Require')].join())) {
        app.reply(frame, false, ['Remote endpoint does not support 100rel']);
        return;
      }
      if (invite.unpracked !== undefined) this.core.complaints.push('a reliable response passed another');
      invite.rseq += 1;
      response.headers.add('RSeq', String(invite.rseq));
      this.repeatUntilPracked(invite, response);
    }
    if (status < 200) transaction.respond(response);
    else {
      this.endInvite(invite);
      if (status < 300) this.established(app, invite, response, body);
      else transaction.respond(response);
    }
    this.sentResponse(app, frame, flow, response, transactionId, dialogId);
  }

  private established(app: DrachtioApp, invite: ServerInvite, response: SipResponseMessage, body: string): void {
    const { request, flow } = invite.transaction;
    const firstHop = { target: readContacts(request.headers)[0]?.uri ?? '', flow: flow.ref, flowOnly: isWebSocket(flow.transport) };
    const state = DialogState.ofUas(request, invite.toTag, firstHop);
    const dialog = this.core.addDialog(invite.dialogId, app, state, flow, body);
    this.retransmit(dialog, invite.transaction, response);
    this.core.armSession(dialog, response.headers, 'uas');
  }

  private repeatUntilPracked(invite: ServerInvite, response: SipResponseMessage): void {
    let timer: Timer;
    const again = (delayMs: number): void => {
      timer = this.core.clock.after(delayMs, () => {
        invite.transaction.respond(response);
        again(delayMs * 2);
      });
    };
    again(this.core.timers.t1Ms);
    invite.unpracked = { rseq: invite.rseq, stop: () => timer.cancel() };
  }

  private retransmit(dialog: ServerDialog, transaction: InviteServerTransaction, response: SipResponseMessage): void {
    dialog.unacknowledged?.stop();
    dialog.unacknowledged = new UnacknowledgedOk(
      cseqOf(transaction.request),
      () => transaction.respond(response),
      { clock: this.core.clock, timers: this.core.timers },
      () => {
        dialog.unacknowledged = undefined;
        this.core.byeUnasked(dialog, 'SIP ;cause=200 ;text="ACK timeout"');
      },
    );
  }

  private response(
    request: SipRequestMessage,
    status: number,
    reason: string,
    headers: HeaderFields,
    body: string,
    tag: string | undefined,
  ): SipResponseMessage {
    const response = responseTo(request, status, reason, tag ?? randomToken(6));
    addOwn(response.headers, headers);
    return { ...response, body: this.core.body(response.headers, body) };
  }

  private sentResponse(app: DrachtioApp, frame: Frame, flow: Flow, response: SipResponseMessage, id: string, dialogId: string): void {
    const text = serialize(response).toString('utf8');
    app.reply(frame, true, [...this.core.meta('application', flow, text), id, dialogId, '', 'Msg sent:', ''], text);
  }

  private endInvite(invite: ServerInvite): void {
    this.invites.delete(invite.transactionId);
    invite.unpracked?.stop();
    invite.unpracked = undefined;
  }
}
