import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { SystemClock, type Timer } from '../../src/base/clock.js';
import { randomToken } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { CountingClock } from '../../src/sip/embedded/counting-clock.js';
import { DialogState, dialogKey, dialogKeyOfRequest } from '../../src/sip/embedded/dialog-state.js';
import type { Flow } from '../../src/sip/embedded/flow.js';
import { isWebSocket } from '../../src/sip/embedded/flow.js';
import { readHeaderBlock } from '../../src/sip/embedded/header-lines.js';
import { fromTag, readCallId, readContacts, readRAck, readSessionExpires, toTag } from '../../src/sip/embedded/header-readers.js';
import { systemResolver } from '../../src/sip/embedded/locate.js';
import { HeaderFields, type SipMessage, type SipRequestMessage, type SipResponseMessage } from '../../src/sip/embedded/message.js';
import { parseMessage } from '../../src/sip/embedded/parser.js';
import { contactFor, type Destination, RequestSender, type Sending } from '../../src/sip/embedded/request-sender.js';
import { responseTo, serialize } from '../../src/sip/embedded/serializer.js';
import { cseqOf, TransactionLayer } from '../../src/sip/embedded/transaction-layer.js';
import type { InviteServerTransaction, NonInviteServerTransaction, ServerTransaction } from '../../src/sip/embedded/transaction-server.js';
import { defaultSipTimers, type SipTimers } from '../../src/sip/embedded/transaction-timers.js';
import { type ListenAddress, TransportLayer } from '../../src/sip/embedded/transport-layer.js';
import { UnacknowledgedOk } from '../../src/sip/embedded/unacknowledged-ok.js';
import { stampReceived } from '../../src/sip/embedded/via-received.js';
import { type DrachtioApp, DrachtioApps } from './drachtio-apps.js';
import type { Frame } from './drachtio-frames.js';

export interface DrachtioServerOptions {
  readonly secret: string;
  readonly listen?: readonly ListenAddress[];
  readonly timers?: SipTimers;
  /** Connect here for each new INVITE instead of asking connected applications (the server's "outbound" mode). */
  readonly outboundTo?: () => { readonly host: string; readonly port: number };
  readonly appPort?: number;
  /** Also end WebSocket connections, on a port of their own. */
  readonly webSocket?: boolean;
}

/** A dialog of the server; its id is not fork-safe, as the real one's is not. */
interface ServerDialog {
  readonly id: string;
  readonly app: DrachtioApp;
  readonly state: DialogState;
  readonly flow: Flow | undefined;
  /** CSeq number of the INVITE whose 2xx waits for the application's ACK. */
  ackSequence: number;
  ack: (() => void) | undefined;
  unacknowledged: UnacknowledgedOk | undefined;
  session: Timer | undefined;
  localSdp: string;
}

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

interface ClientInvite {
  readonly app: DrachtioApp;
  readonly sending: Sending;
  readonly dialogId: string;
  cancelled: HeaderFields | undefined;
  proceeding: boolean;
  early: DialogState | undefined;
}

const immutable = new Set(['via', 'route', 'rseq', 'record-route', 'content-length']);
const copied = new Set(['from', 'to', 'call-id', 'cseq']);
const empty = Buffer.alloc(0);

/**
 * A small server that speaks drachtio's wire protocol with applications and SIP with the world, as
 * far as the adapter's tests need it: written after the real server's source, warts included.
 */
export class DrachtioServer {
  /** Faults of applications that the real server would not forgive. */
  readonly complaints: string[] = [];
  readonly apps: DrachtioApps;
  private readonly clock = new CountingClock(new SystemClock(), (thrown) => this.complaints.push(String(thrown)));
  private readonly timers: SipTimers;
  private readonly transport: TransportLayer;
  private readonly transactions: TransactionLayer;
  private readonly sender: RequestSender;
  private readonly dialogs = new Map<string, ServerDialog>();
  private readonly byTags = new Map<string, ServerDialog>();
  private readonly invites = new Map<string, ServerInvite>();
  private readonly clients = new Map<string, ClientInvite>();
  private readonly waiting = new Map<string, { readonly transaction: ServerTransaction; readonly dialog: ServerDialog | undefined }>();
  /** Connections of browsers, by their address. */
  private readonly webFlows = new Map<string, Flow>();
  private http: Server | undefined;

  private constructor(private readonly options: DrachtioServerOptions) {
    this.timers = options.timers ?? defaultSipTimers;
    const { clock } = this;
    this.transport = new TransportLayer(
      {
        listen: options.listen ?? [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
        webSocket: { allowedOrigins: ['*'], handshakeTimeoutMs: 1000, maxMessageBytes: 65_536, pingIntervalMs: 0, maxConnections: 100 },
      },
      {
        clock,
        log: silentLog,
        onMessage: (flow, data) => this.receive(flow, data),
        onBroken: () => {},
        onFlowClosed: () => {},
      },
    );
    this.transactions = new TransactionLayer(
      { clock, timers: this.timers, respond: this.transport.respond.bind(this.transport) },
      {
        onInvite: (transaction) => this.onInvite(transaction),
        onRequest: (transaction) => this.onRequest(transaction),
        onCancel: (transaction, invite) => this.onCancel(transaction, invite),
        onAck: (request) => this.onAck(request),
      },
    );
    this.sender = new RequestSender({
      clock,
      log: silentLog,
      transport: this.transport,
      transactions: this.transactions,
      resolver: systemResolver,
      random: Math.random,
    });
    this.apps = new DrachtioApps(options.secret, { onSip: (app, frame) => this.fromApp(app, frame), onGone: () => {} });
  }

  static async start(options: DrachtioServerOptions): Promise<DrachtioServer> {
    const server = new DrachtioServer(options);
    await Promise.all([server.transport.start(), server.apps.listen(options.appPort)]);
    if (options.webSocket === true) await server.listenWeb();
    return server;
  }

  get appPort(): number {
    return this.apps.port;
  }

  get sipPort(): number {
    return this.transport.bound()[0]?.port ?? 0;
  }

  get webPort(): number {
    const address = this.http?.address();
    return address === null || address === undefined || typeof address === 'string' ? 0 : address.port;
  }

  uri(user = 'bob'): string {
    const bound = this.transport.bound()[0];
    return `sip:${user}@127.0.0.1:${bound?.port};transport=${bound?.transport}`;
  }

  liveObjects(): { readonly dialogs: number; readonly invites: number; readonly transactions: number } {
    return { dialogs: this.dialogs.size, invites: this.invites.size + this.clients.size, transactions: this.transactions.size };
  }

  async stop(): Promise<void> {
    this.sender.close();
    this.transactions.endAll();
    await this.apps.close();
    await this.transport.stop();
    this.http?.closeAllConnections();
    await new Promise<void>((resolve) => (this.http === undefined ? resolve() : this.http.close(() => resolve())));
    this.clock.cancelAll();
  }

  /** Breaks the connections with the applications; the port stays open. */
  dropApps(): void {
    for (const { socket } of this.apps.all) socket.destroy();
  }

  private async listenWeb(): Promise<void> {
    const http = createServer();
    http.on('upgrade', (request, socket, head) => this.transport.acceptWebSocket(request, socket, head, false));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    this.http = http;
  }

  private receive(flow: Flow, data: Buffer): void {
    let message: SipMessage;
    try {
      message = parseMessage(data);
    } catch {
      return;
    }
    if (isWebSocket(flow.transport)) this.webFlows.set(`${flow.remote.host}:${flow.remote.port}`, flow);
    if (message.kind === 'response') {
      this.transactions.receiveResponse(message);
      return;
    }
    stampReceived(message, flow);
    this.transactions.receiveRequest(message, flow);
  }

  // From the network

  private onInvite(transaction: InviteServerTransaction): void {
    const { request } = transaction;
    const dialog = this.dialogOf(request);
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
      } else this.deliver(app, transaction.flow, request, invite.transactionId, '');
    };
    if (this.options.outboundTo === undefined) route(this.apps.nextFor('invite'));
    else this.apps.dial(this.options.outboundTo(), route);
  }

  private onRequest(transaction: NonInviteServerTransaction): void {
    const { request } = transaction;
    const dialog = this.dialogOf(request);
    const early = [...this.invites.values()].find((each) => this.isEarly(each, request));
    if (request.method === 'PRACK' && early !== undefined) {
      this.onPrack(early, transaction);
    } else if (request.method === 'UPDATE' && early?.app !== undefined && dialog === undefined) {
      if (early.update !== undefined) transaction.respond(responseTo(request, 500, undefined, early.toTag));
      else {
        early.update = transaction;
        this.deliver(early.app, transaction.flow, request, early.transactionId, early.dialogId);
      }
    } else if (dialog !== undefined) {
      if (request.method === 'BYE') this.forget(dialog);
      this.hand(dialog.app, transaction, dialog);
    } else if (early?.app !== undefined) {
      this.hand(early.app, transaction, undefined, early.dialogId);
    } else if (toTag(request.headers) !== undefined) {
      const unanswered = [...this.clients.values()].find(
        ({ early: state }) => state !== undefined && state.key === dialogKeyOfRequest(request),
      );
      if (unanswered === undefined) transaction.respond(responseTo(request, 481));
      else this.hand(unanswered.app, transaction, undefined, unanswered.dialogId);
    } else {
      const app = this.apps.nextFor(request.method);
      if (app === undefined) transaction.respond(responseTo(request, 503, undefined, randomToken(6)));
      else this.hand(app, transaction, undefined);
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
  private onCancel(transaction: NonInviteServerTransaction, invite: InviteServerTransaction | undefined): void {
    const found = [...this.invites.values()].find((each) => each.transaction === invite);
    if (invite === undefined || found === undefined) {
      transaction.respond(responseTo(transaction.request, invite === undefined ? 481 : 200));
      return;
    }
    transaction.respond(responseTo(transaction.request, 200, undefined, found.toTag));
    this.endInvite(found);
    invite.respond(responseTo(invite.request, 487, undefined, found.toTag));
    if (found.app !== undefined) this.deliver(found.app, transaction.flow, transaction.request, found.transactionId, found.dialogId);
  }

  private onAck(request: SipRequestMessage): void {
    const dialog = this.dialogOf(request);
    if (dialog === undefined || dialog.unacknowledged?.sequence !== cseqOf(request)) return;
    dialog.unacknowledged.stop();
    dialog.unacknowledged = undefined;
    if (dialog.flow !== undefined) this.deliver(dialog.app, dialog.flow, request, randomUUID(), dialog.id);
  }

  private hand(app: DrachtioApp, transaction: ServerTransaction, dialog: ServerDialog | undefined, dialogId = dialog?.id ?? ''): void {
    if (!app.open) {
      transaction.respond(responseTo(transaction.request, 481));
      return;
    }
    const id = randomUUID();
    this.waiting.set(id, { transaction, dialog });
    this.deliver(app, transaction.flow, transaction.request, id, dialogId);
  }

  private deliver(app: DrachtioApp, flow: Flow, message: SipMessage, transactionId: string, dialogId: string): void {
    const text = serialize(message).toString('utf8');
    const local = this.transport.sentBy(flow);
    app.send(['sip', ...this.meta('network', flow, text), transactionId, dialogId, local.host, String(local.port), 'session'], text);
  }

  /** source|length|protocol|address|port|time; WebSocket shows as `tcp`, as with the real server. */
  private meta(source: 'network' | 'application', flow: Flow | undefined, text: string): string[] {
    const transport = flow?.transport ?? 'udp';
    const protocol = isWebSocket(transport) ? 'tcp' : transport;
    return [source, String(Buffer.byteLength(text)), protocol, flow?.remote.host ?? '', String(flow?.remote.port ?? ''), '12:00:00.000000'];
  }

  // From applications

  private fromApp(app: DrachtioApp, frame: Frame): void {
    const [, transactionId = '', dialogId = '', route = ''] = frame.tokens;
    const split = frame.text.indexOf('\r\n\r\n');
    const { startLine, headers } = readHeaderBlock(split < 0 ? frame.text : frame.text.slice(0, split));
    const body = split < 0 ? '' : frame.text.slice(split + 4);
    if (startLine.startsWith('SIP/')) this.respond(app, frame, transactionId, Number(startLine.split(' ')[1]), startLine, headers, body);
    else if (dialogId !== '') this.inside(app, frame, dialogId, startLine.split(' ')[0] ?? '', headers, body);
    else if (startLine.startsWith('CANCEL ')) this.cancel(app, frame, transactionId, headers);
    else this.outside(app, frame, startLine, headers, body, route);
  }

  private respond(
    app: DrachtioApp,
    frame: Frame,
    id: string,
    status: number,
    startLine: string,
    headers: HeaderFields,
    body: string,
  ): void {
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
    if (transaction.request.method === 'INVITE') this.addContact(response, transaction.flow);
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
    if (status >= 200 && status < 300 && this.dialogs.has(dialogId)) {
      transaction.respond(responseTo(request, 480, undefined, invite.toTag));
      this.endInvite(invite);
      app.reply(frame, false, ['dialog already exists, rejecting this request']);
      return;
    }
    const response = this.response(request, status, reason, headers, body, invite.toTag);
    this.addContact(response, flow);
    const reliable = status > 100 && status < 200 && /100rel/.test(headers.get('Require') ?? '');
    if (reliable) {
      if (!/100rel/i.test([...request.headers.all('Supported'), ...request.headers.all('Require')].join())) {
        app.reply(frame, false, ['Remote endpoint does not support 100rel']);
        return;
      }
      if (invite.unpracked !== undefined) this.complaints.push('a reliable response passed another');
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
    const dialog = this.addDialog(invite.dialogId, app, state, flow, body);
    this.retransmit(dialog, invite.transaction, response);
    this.armSession(dialog, response.headers, 'uas');
  }

  private repeatUntilPracked(invite: ServerInvite, response: SipResponseMessage): void {
    let timer: Timer;
    const again = (delayMs: number): void => {
      timer = this.clock.after(delayMs, () => {
        invite.transaction.respond(response);
        again(delayMs * 2);
      });
    };
    again(this.timers.t1Ms);
    invite.unpracked = { rseq: invite.rseq, stop: () => timer.cancel() };
  }

  private retransmit(dialog: ServerDialog, transaction: InviteServerTransaction, response: SipResponseMessage): void {
    dialog.unacknowledged?.stop();
    dialog.unacknowledged = new UnacknowledgedOk(
      cseqOf(transaction.request),
      () => transaction.respond(response),
      { clock: this.clock, timers: this.timers },
      () => {
        dialog.unacknowledged = undefined;
        this.byeUnasked(dialog, 'SIP ;cause=200 ;text="ACK timeout"');
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
    for (const { name, value } of headers) {
      const key = name.toLowerCase();
      if (!immutable.has(key) && !copied.has(key)) response.headers.add(name, value);
    }
    return { ...response, body: this.body(response.headers, body) };
  }

  /** Content-Type is the application's, or `application/sdp` for what looks like it. */
  private body(headers: HeaderFields, body: string): Buffer {
    if (body === '') return empty;
    if (!headers.has('Content-Type')) {
      if (body.startsWith('v=0')) headers.add('Content-Type', 'application/sdp');
      else this.complaints.push('missing content-type');
    }
    return Buffer.from(body, 'utf8');
  }

  private addContact(response: SipResponseMessage, flow: Flow): void {
    if (!response.headers.has('Contact')) {
      response.headers.add('Contact', contactFor({ transport: flow.transport, sentBy: this.transport.sentBy(flow) }, undefined));
    }
  }

  private sentResponse(app: DrachtioApp, frame: Frame, flow: Flow, response: SipResponseMessage, id: string, dialogId: string): void {
    const text = serialize(response).toString('utf8');
    app.reply(frame, true, [...this.meta('application', flow, text), id, dialogId, '', 'Msg sent:', ''], text);
  }

  private outside(app: DrachtioApp, frame: Frame, startLine: string, own: HeaderFields, body: string, route: string): void {
    const [method = '', requestUri = ''] = startLine.split(' ');
    const id = randomUUID();
    const uri = route === '' ? requestUri : route;
    const web = this.webFlows.get(/^sips?:(?:[^@]*@)?([^;]+)/.exec(uri)?.[1] ?? '');
    const destination: Destination = web === undefined ? { uri } : { flow: web.ref };
    const callId = own.get('Call-ID') ?? randomUUID();
    const from = own.get('From') ?? '<sip:drachtio@127.0.0.1>';
    const tag = /;tag=([^;>]+)$/.exec(from)?.[1] ?? randomToken(6);
    const dialogId = `${callId};from-tag=${tag}`;
    let replied = false;
    const build = (local: Parameters<typeof contactFor>[0]): SipRequestMessage => {
      const headers = new HeaderFields();
      headers.add('Max-Forwards', own.get('Max-Forwards') ?? '70');
      headers.add('From', /;tag=/.test(from) ? from : `${from};tag=${tag}`);
      headers
        .add('To', own.get('To') ?? `<${requestUri}>`)
        .add('Call-ID', callId)
        .add('CSeq', own.get('CSeq') ?? `1 ${method}`);
      for (const { name, value } of own) {
        const key = name.toLowerCase();
        if (!immutable.has(key) && !copied.has(key) && key !== 'max-forwards') headers.add(name, value);
      }
      if (method === 'INVITE' && !headers.has('Contact')) headers.add('Contact', contactFor(local, undefined));
      const request: SipRequestMessage = { kind: 'request', method, requestUri, headers, body: this.body(headers, body) };
      if (!replied) this.sentRequest(app, frame, request, id);
      replied = true;
      return request;
    };
    const internal = (status: number, reason: string): void => {
      const request = sending.transaction?.request ?? build({ transport: 'udp', sentBy: { host: '127.0.0.1', port: 1 } });
      const response = { ...responseTo(request, status, reason) };
      if (!response.headers.has('Via')) response.headers.prepend('Via', 'SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK-internal');
      this.clients.delete(id);
      this.deliverResponse(app, response, id, '');
    };
    const sending: Sending = this.sender.send(destination, build, {
      onResponse: (response) => {
        if (method === 'INVITE') this.inviteResponse(app, id, response);
        else this.deliverResponse(app, response, id, '');
      },
      onTimeout: () => internal(408, 'Request Timeout'),
      onTransportError: () => internal(503, 'Transport Error'),
    });
    if (method === 'INVITE') {
      this.clients.set(id, { app, sending, dialogId, cancelled: undefined, proceeding: false, early: undefined });
    }
  }

  private sentRequest(app: DrachtioApp, frame: Frame, request: SipRequestMessage, id: string): void {
    const copy = { ...request, headers: new HeaderFields() };
    copy.headers.add('Via', 'SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK-sent');
    for (const { name, value } of request.headers) copy.headers.add(name, value);
    const text = serialize(copy).toString('utf8');
    app.reply(frame, true, [...this.meta('application', undefined, text), id, 'Msg sent:', ''], text);
  }

  private deliverResponse(app: DrachtioApp, response: SipResponseMessage, id: string, dialogId: string): void {
    const text = serialize(response).toString('utf8');
    app.send(['sip', ...this.meta('network', undefined, text), id, dialogId, ''], text);
  }

  private inviteResponse(app: DrachtioApp, id: string, response: SipResponseMessage): void {
    const client = this.clients.get(id);
    const { status } = response;
    if (client === undefined) {
      const known = this.byTags.get(this.tagsOfAnswer(response));
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
      const state = DialogState.ofUac(request, response, this.firstHopOf(client, request));
      const dialog = this.addDialog(client.dialogId, app, state, client.sending.transaction?.flow, request.body.toString('utf8'));
      dialog.ackSequence = cseqOf(request);
      this.armSession(dialog, response.headers, 'uac');
    }
    this.deliverResponse(app, response, id, reliable || status < 300 ? client.dialogId : '');
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

  private cancel(app: DrachtioApp, frame: Frame, id: string, headers: HeaderFields): void {
    const client = this.clients.get(id);
    const request = client?.sending.transaction?.request;
    if (client === undefined || request === undefined) {
      app.reply(frame, false, [`unable to cancel unknown transaction id: ${id}`]);
      return;
    }
    client.cancelled = headers;
    if (client.proceeding) this.sendCancel(client);
    this.sentRequest(app, frame, { ...request, method: 'CANCEL', body: empty }, randomUUID());
  }

  private sendCancel(client: ClientInvite): void {
    const { transaction } = client.sending;
    const { cancelled } = client;
    client.cancelled = undefined;
    if (transaction === undefined || cancelled === undefined) return;
    this.transactions.cancel(transaction, (request) => {
      for (const { name, value } of cancelled)
        if (!copied.has(name.toLowerCase()) && !immutable.has(name.toLowerCase())) request.headers.add(name, value);
    });
  }

  private inside(app: DrachtioApp, frame: Frame, dialogId: string, method: string, own: HeaderFields, body: string): void {
    if (method === 'PRACK') {
      this.prack(app, frame, dialogId, own, body);
      return;
    }
    const dialog = this.dialogs.get(dialogId);
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
    if (dialog.ackSequence === 0) this.complaints.push('ACK without a 2xx to acknowledge');
    const sequence = dialog.ackSequence;
    dialog.ackSequence = 0;
    const { destination } = dialog.state.request('ACK', sequence);
    let first = true;
    dialog.ack = () =>
      this.sender.sendAck(
        destination,
        () => {
          const request = this.dialogRequest(dialog, 'ACK', sequence, own, body);
          if (first) this.sentRequest(app, frame, request, randomUUID());
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
    for (const { name, value } of own) if (!immutable.has(name.toLowerCase()) && !copied.has(name.toLowerCase())) headers.add(name, value);
    const request: SipRequestMessage = { kind: 'request', method: 'PRACK', requestUri, headers, body: this.body(headers, body) };
    const id = randomUUID();
    this.sender.send(destination, () => request, {
      onResponse: (response) => this.deliverResponse(app, response, id, dialogId),
      onTimeout: () => {},
      onTransportError: () => {},
    });
    this.sentRequest(app, frame, request, id);
  }

  private dialogRequest(dialog: ServerDialog, method: string, sequence: number, own: HeaderFields, body: string): SipRequestMessage {
    const { requestUri, headers } = dialog.state.request(method, sequence);
    for (const { name, value } of own) {
      const key = name.toLowerCase();
      if (!immutable.has(key) && !copied.has(key)) headers.add(name, value);
    }
    const { flow } = dialog;
    if (['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE'].includes(method) && !headers.has('Contact') && flow !== undefined) {
      headers.add('Contact', contactFor({ transport: flow.transport, sentBy: this.transport.sentBy(flow) }, undefined));
    }
    return { kind: 'request', method, requestUri, headers, body: this.body(headers, body) };
  }

  private exchange(app: DrachtioApp, frame: Frame, dialog: ServerDialog, method: string, own: HeaderFields, body: string): void {
    const id = randomUUID();
    const sequence = dialog.state.nextSequence();
    const request = this.dialogRequest(dialog, method, sequence, own, body);
    if (method === 'INVITE' && body !== '') dialog.localSdp = body;
    let answered = false;
    this.sender.send(dialog.state.request(method, sequence).destination, () => request, {
      onResponse: (response) => {
        if (method === 'INVITE' && response.status >= 200 && response.status < 300) {
          if (answered) {
            dialog.ack?.();
            return;
          }
          dialog.state.refreshTarget(response);
          dialog.ackSequence = sequence;
          this.armSession(dialog, response.headers, 'uac');
        }
        answered = answered || response.status >= 200;
        this.deliverResponse(app, response, id, dialog.id);
        const challenged = response.status === 401 || response.status === 407;
        if (method === 'BYE' && response.status >= 200 && !challenged) this.forget(dialog);
      },
      onTimeout: () => this.deliverResponse(app, this.internal(request, 408, 'Request Timeout'), id, dialog.id),
      onTransportError: () => this.deliverResponse(app, this.internal(request, 503, 'Transport Error'), id, dialog.id),
    });
    this.sentRequest(app, frame, request, id);
  }

  private internal(request: SipRequestMessage, status: number, reason: string): SipResponseMessage {
    const response = responseTo(request, status, reason);
    if (!response.headers.has('Via')) response.headers.prepend('Via', 'SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK-internal');
    return response;
  }

  // Dialogs

  private addDialog(id: string, app: DrachtioApp, state: DialogState, flow: Flow | undefined, localSdp: string): ServerDialog {
    const dialog: ServerDialog = {
      id,
      app,
      state,
      flow,
      ackSequence: 0,
      ack: undefined,
      unacknowledged: undefined,
      session: undefined,
      localSdp,
    };
    this.dialogs.set(id, dialog);
    this.byTags.set(state.key, dialog);
    return dialog;
  }

  private dialogOf(request: SipRequestMessage): ServerDialog | undefined {
    const key = dialogKeyOfRequest(request);
    return key === undefined ? undefined : this.byTags.get(key);
  }

  private forget(dialog: ServerDialog): void {
    dialog.unacknowledged?.stop();
    dialog.session?.cancel();
    this.dialogs.delete(dialog.id);
    this.byTags.delete(dialog.state.key);
  }

  private endInvite(invite: ServerInvite): void {
    this.invites.delete(invite.transactionId);
    invite.unpracked?.stop();
    invite.unpracked = undefined;
  }

  /** Refreshes at half the interval when it is ours to do, or ends the dialog when nobody did. */
  private armSession(dialog: ServerDialog, headers: HeaderFields, role: 'uac' | 'uas'): void {
    dialog.session?.cancel();
    const asked = readSessionExpires(headers);
    if (asked === undefined) return;
    const ours = (asked.refresher ?? 'uac') === role;
    const intervalMs = asked.seconds * 1000;
    if (!ours) {
      dialog.session = this.clock.after(intervalMs, () => this.byeUnasked(dialog, 'SIP ;cause=200 ;text="Session timer expired"'));
      return;
    }
    dialog.session = this.clock.after(intervalMs / 2, () => this.refresh(dialog, asked.seconds));
  }

  private refresh(dialog: ServerDialog, seconds: number): void {
    const own = new HeaderFields();
    own.add('Session-Expires', `${seconds};refresher=uac`);
    const sequence = dialog.state.nextSequence();
    const request = this.dialogRequest(dialog, 'INVITE', sequence, own, dialog.localSdp);
    this.sender.send(dialog.state.request('INVITE', sequence).destination, () => request, {
      onResponse: ({ status, headers }) => {
        if (status < 200) return;
        if (status >= 300) {
          if (status === 408 || status === 481) this.byeUnasked(dialog, 'SIP ;cause=200 ;text="Session timer expired"');
          return;
        }
        const { destination } = dialog.state.request('ACK', sequence);
        this.sender.sendAck(
          destination,
          () => this.dialogRequest(dialog, 'ACK', sequence, new HeaderFields(), ''),
          () => {},
        );
        this.armSession(dialog, headers, 'uac');
      },
      onTimeout: () => this.byeUnasked(dialog, 'SIP ;cause=200 ;text="Session timer expired"'),
      onTransportError: () => this.byeUnasked(dialog, 'SIP ;cause=200 ;text="Session timer expired"'),
    });
  }

  /** A BYE of the server's own, shown to the application as if it had come in. */
  private byeUnasked(dialog: ServerDialog, reason: string): void {
    if (!this.dialogs.has(dialog.id)) return;
    const own = new HeaderFields();
    own.add('Reason', reason);
    const sequence = dialog.state.nextSequence();
    const request = this.dialogRequest(dialog, 'BYE', sequence, own, '');
    this.sender.send(dialog.state.request('BYE', sequence).destination, () => request, {
      onResponse: () => {},
      onTimeout: () => {},
      onTransportError: () => {},
    });
    const shown = { ...request, headers: new HeaderFields() };
    shown.headers.add('Via', 'SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK-unsolicited');
    for (const { name, value } of request.headers) shown.headers.add(name, value);
    const text = serialize(shown).toString('utf8');
    dialog.app.send(['sip', ...this.meta('application', dialog.flow, text), 'unsolicited', dialog.id, ''], text);
    this.forget(dialog);
  }
}
