import { randomUUID } from 'node:crypto';
import { randomToken } from '../../src/base/ids.js';
import { DialogState, dialogKey } from '../../src/sip/embedded/dialog-state.js';
import { isWebSocket } from '../../src/sip/embedded/flow.js';
import { fromTag, readCallId, toTag } from '../../src/sip/embedded/header-readers.js';
import { HeaderFields, type SipRequestMessage, type SipResponseMessage } from '../../src/sip/embedded/message.js';
import { contactFor, type Destination, type Sending } from '../../src/sip/embedded/request-sender.js';
import { responseTo } from '../../src/sip/embedded/serializer.js';
import { cseqOf } from '../../src/sip/embedded/transaction-layer.js';
import type { DrachtioApp } from './drachtio-apps.js';
import { addOwn, type DrachtioCore, failureOf, type ServerDialog } from './drachtio-core.js';
import type { Frame } from './drachtio-frames.js';

interface ClientInvite {
  readonly app: DrachtioApp;
  readonly sending: Sending;
  readonly dialogId: string;
  cancelled: HeaderFields | undefined;
  proceeding: boolean;
  early: DialogState | undefined;
}

const empty = Buffer.alloc(0);

/** Requests that applications send: new ones, those inside dialogs, and the CANCEL of an INVITE. */
export class DrachtioCallingSide {
  readonly clients = new Map<string, ClientInvite>();

  constructor(private readonly core: DrachtioCore) {}

  outside(app: DrachtioApp, frame: Frame, startLine: string, own: HeaderFields, body: string, route: string): void {
    const [method = '', requestUri = ''] = startLine.split(' ');
    const id = randomUUID();
    const uri = route === '' ? requestUri : route;
    const web = this.core.webFlows.get(/^sips?:(?:[^@]*@)?([^;]+)/.exec(uri)?.[1] ?? '');
    const destination: Destination = web === undefined ? { uri } : { flow: web.ref };
    const callId = own.get('Call-ID') ?? randomUUID();
    const from = own.get('From') ?? '<sip:drachtio@127.0.0.1>';
    const tag = /;tag=([^;>]+)$/.exec(from)?.[1] ?? randomToken(6);
    const dialogId = `${callId};from-tag=${tag}`;
    let replied = false;
    const build = (local: Parameters<typeof contactFor>[0]): SipRequestMessage => {
      const headers = new HeaderFields();
      if (!own.has('Max-Forwards')) headers.add('Max-Forwards', '70');
      headers.add('From', /;tag=/.test(from) ? from : `${from};tag=${tag}`);
      headers
        .add('To', own.get('To') ?? `<${requestUri}>`)
        .add('Call-ID', callId)
        .add('CSeq', own.get('CSeq') ?? `1 ${method}`);
      addOwn(headers, own);
      const contact = headers.get('Contact');
      if (contact !== undefined) headers.set('Contact', contact.replace('@localhost', `@${local.sentBy.host}:${local.sentBy.port}`));
      if (method === 'INVITE' && !headers.has('Contact')) headers.add('Contact', contactFor(local, undefined));
      const request: SipRequestMessage = { kind: 'request', method, requestUri, headers, body: this.core.body(headers, body) };
      if (!replied) this.core.sentRequest(app, frame, request, id);
      replied = true;
      return request;
    };
    const internal = (status: number, reason: string): void => {
      const request = sending.transaction?.request ?? build({ transport: 'udp', sentBy: { host: '127.0.0.1', port: 1 } });
      const response = { ...responseTo(request, status, reason) };
      if (!response.headers.has('Via')) response.headers.prepend('Via', 'SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK-internal');
      this.clients.delete(id);
      this.core.deliverResponse(app, response, id, '');
    };
    const sending: Sending = this.core.sender.send(destination, build, {
      onResponse: (response) => {
        if (method === 'INVITE') this.inviteResponse(app, id, response);
        else this.core.deliverResponse(app, response, id, '');
      },
      onTimeout: () => internal(408, 'Request Timeout'),
      onTransportError: ({ why }) => internal(...failureOf(why)),
    });
    if (method === 'INVITE') {
      this.clients.set(id, { app, sending, dialogId, cancelled: undefined, proceeding: false, early: undefined });
    }
  }

  private inviteResponse(app: DrachtioApp, id: string, response: SipResponseMessage): void {
    const client = this.clients.get(id);
    const { status } = response;
    if (client === undefined) {
      const known = this.core.byTags.get(this.tagsOfAnswer(response));
      known?.ack?.();
      return;
    }
    client.proceeding = true;
    if (status < 200 && client.cancelled !== undefined) this.sendCancel(client);
    const request = client.sending.transaction?.request;
    const reliable = status > 100 && status < 200 && response.headers.get('RSeq') !== undefined;
    if (request !== undefined && (reliable || (status >= 200 && status < 300))) {
      client.early ??= DialogState.ofUac(request, response, this.firstHopOf(client, request));
    }
    if (status >= 200) this.clients.delete(id);
    if (status >= 200 && status < 300 && request !== undefined) {
      const state = DialogState.ofUac(request, response, this.firstHopOf(client, request), client.early);
      const dialog = this.core.addDialog(client.dialogId, app, state, client.sending.transaction?.flow, request.body.toString('utf8'));
      dialog.ackSequence = cseqOf(request);
      this.core.armSession(dialog, response.headers, 'uac');
    }
    this.core.deliverResponse(app, response, id, reliable || status < 300 ? client.dialogId : '');
  }

  private firstHopOf(client: ClientInvite, request: SipRequestMessage): Parameters<typeof DialogState.ofUac>[2] {
    const flow = client.sending.transaction?.flow;
    return {
      target: request.requestUri,
      ...(flow === undefined ? {} : { flow: flow.ref }),
      flowOnly: flow !== undefined && isWebSocket(flow.transport),
    };
  }

  private tagsOfAnswer({ headers }: SipResponseMessage): string {
    return dialogKey(readCallId(headers), fromTag(headers) ?? '', toTag(headers) ?? '');
  }

  cancel(app: DrachtioApp, frame: Frame, id: string, headers: HeaderFields): void {
    const client = this.clients.get(id);
    const request = client?.sending.transaction?.request;
    if (client === undefined || request === undefined) {
      app.reply(frame, false, [`unable to cancel unknown transaction id: ${id}`]);
      return;
    }
    client.cancelled = headers;
    if (client.proceeding) this.sendCancel(client);
    this.core.sentRequest(app, frame, { ...request, method: 'CANCEL', body: empty }, randomUUID());
  }

  private sendCancel(client: ClientInvite): void {
    const { transaction } = client.sending;
    const { cancelled } = client;
    client.cancelled = undefined;
    if (transaction === undefined || cancelled === undefined) return;
    this.core.transactions.cancel(transaction, (request) => addOwn(request.headers, cancelled));
  }

  inside(app: DrachtioApp, frame: Frame, dialogId: string, method: string, own: HeaderFields, body: string): void {
    if (method === 'PRACK') {
      this.prack(app, frame, dialogId, own, body);
      return;
    }
    const dialog = this.core.dialogs.get(dialogId);
    if (dialog === undefined) {
      const detail =
        method === 'ACK'
          ? 'ACK for non-success final response is automatically generated by server'
          : 'unable to find dialog for dialog id provided';
      app.reply(frame, false, [`Server error: ${detail}`]);
      return;
    }
    if (method === 'ACK') this.ack(app, frame, dialog, own, body);
    else this.exchange(app, frame, dialog, method, own, body);
  }

  private ack(app: DrachtioApp, frame: Frame, dialog: ServerDialog, own: HeaderFields, body: string): void {
    if (dialog.ackSequence === 0) this.core.complaints.push('ACK without a 2xx to acknowledge');
    const sequence = dialog.ackSequence;
    dialog.ackSequence = 0;
    const { destination } = dialog.state.request('ACK', sequence);
    let first = true;
    dialog.ack = () =>
      this.core.sender.sendAck(
        destination,
        () => {
          const request = this.core.dialogRequest(dialog, 'ACK', sequence, own, body);
          if (first) this.core.sentRequest(app, frame, request, randomUUID());
          first = false;
          return request;
        },
        () => {},
      );
    dialog.ack();
  }

  private prack(app: DrachtioApp, frame: Frame, dialogId: string, own: HeaderFields, body: string): void {
    const client = [...this.clients.values()].find((each) => each.dialogId === dialogId);
    const state = client?.early;
    if (client === undefined || state === undefined) {
      app.reply(frame, false, ['Server error: unable to find IIP when sending PRACK']);
      return;
    }
    const sequence = state.nextSequence();
    const { requestUri, destination, headers } = state.request('PRACK', sequence);
    addOwn(headers, own);
    const request: SipRequestMessage = { kind: 'request', method: 'PRACK', requestUri, headers, body: this.core.body(headers, body) };
    const id = randomUUID();
    this.core.sender.send(destination, () => request, {
      onResponse: (response) => this.core.deliverResponse(app, response, id, dialogId),
      onTimeout: () => {},
      onTransportError: () => {},
    });
    this.core.sentRequest(app, frame, request, id);
  }

  private exchange(app: DrachtioApp, frame: Frame, dialog: ServerDialog, method: string, own: HeaderFields, body: string): void {
    const id = randomUUID();
    const sequence = dialog.state.nextSequence();
    const request = this.core.dialogRequest(dialog, method, sequence, own, body);
    if (method === 'INVITE' && body !== '') dialog.localSdp = body;
    let answered = false;
    this.core.sender.send(dialog.state.request(method, sequence).destination, () => request, {
      onResponse: (response) => {
        if (method === 'INVITE' && response.status >= 200 && response.status < 300) {
          if (answered) {
            dialog.ack?.();
            return;
          }
          dialog.state.refreshTarget(response);
          dialog.ackSequence = sequence;
          this.core.armSession(dialog, response.headers, 'uac');
        }
        answered = answered || response.status >= 200;
        this.core.deliverResponse(app, response, id, dialog.id);
        const challenged = response.status === 401 || response.status === 407;
        if (method === 'BYE' && response.status >= 200 && !challenged) this.core.forget(dialog);
      },
      onTimeout: () => this.core.deliverResponse(app, this.core.internal(request, 408, 'Request Timeout'), id, dialog.id),
      onTransportError: ({ why }) => this.core.deliverResponse(app, this.core.internal(request, ...failureOf(why)), id, dialog.id),
    });
    this.core.sentRequest(app, frame, request, id);
  }
}
