import { SystemClock, type Timer } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { CountingClock } from '../../src/sip/embedded/counting-clock.js';
import { type DialogState, dialogKeyOfRequest } from '../../src/sip/embedded/dialog-state.js';
import { type Flow, isWebSocket } from '../../src/sip/embedded/flow.js';
import { readSessionExpires } from '../../src/sip/embedded/header-readers.js';
import { systemResolver } from '../../src/sip/embedded/locate.js';
import { HeaderFields, type SipMessage, type SipRequestMessage, type SipResponseMessage } from '../../src/sip/embedded/message.js';
import { parseMessage } from '../../src/sip/embedded/parser.js';
import { contactFor, RequestSender } from '../../src/sip/embedded/request-sender.js';
import { responseTo, serialize } from '../../src/sip/embedded/serializer.js';
import { TransactionLayer, type TransactionUser } from '../../src/sip/embedded/transaction-layer.js';
import type { SipTimers } from '../../src/sip/embedded/transaction-timers.js';
import { type ListenAddress, TransportLayer } from '../../src/sip/embedded/transport-layer.js';
import type { UnacknowledgedOk } from '../../src/sip/embedded/unacknowledged-ok.js';
import { stampReceived } from '../../src/sip/embedded/via-received.js';
import type { DrachtioApp } from './drachtio-apps.js';
import type { Frame } from './drachtio-frames.js';

/** A dialog of the server; its id is not fork-safe, as the real one's is not. */
export interface ServerDialog {
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

/** Fields the server writes whatever an application says. */
const immutable = new Set(['via', 'route', 'rseq', 'record-route', 'content-length']);
/** Fields that a response takes from its request, and a request inside a dialog from the dialog. */
const copied = new Set(['from', 'to', 'call-id', 'cseq']);
const empty = Buffer.alloc(0);

/** Adds what an application may say itself. */
export function addOwn(headers: HeaderFields, own: HeaderFields): void {
  for (const { name, value } of own) {
    const key = name.toLowerCase();
    if (!immutable.has(key) && !copied.has(key)) headers.add(name, value);
  }
}

/** What both sides of the test server share: sockets, transactions, dialogs, and how messages reach applications. */
export class DrachtioCore {
  /** Faults of applications that the real server would not forgive. */
  readonly complaints: string[] = [];
  readonly clock = new CountingClock(new SystemClock(), (thrown) => this.complaints.push(String(thrown)));
  readonly transport: TransportLayer;
  readonly transactions: TransactionLayer;
  readonly sender: RequestSender;
  readonly dialogs = new Map<string, ServerDialog>();
  readonly byTags = new Map<string, ServerDialog>();
  /** Connections of browsers, by their address. */
  readonly webFlows = new Map<string, Flow>();

  constructor(
    listen: readonly ListenAddress[],
    readonly timers: SipTimers,
    user: TransactionUser,
  ) {
    const { clock } = this;
    this.transport = new TransportLayer(
      {
        listen,
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
    this.transactions = new TransactionLayer({ clock, timers, respond: this.transport.respond.bind(this.transport) }, user);
    this.sender = new RequestSender({
      clock,
      log: silentLog,
      transport: this.transport,
      transactions: this.transactions,
      resolver: systemResolver,
      random: Math.random,
    });
  }

  deliver(app: DrachtioApp, flow: Flow, message: SipMessage, transactionId: string, dialogId: string): void {
    const text = serialize(message).toString('utf8');
    const local = this.transport.sentBy(flow);
    app.send(['sip', ...this.meta('network', flow, text), transactionId, dialogId, local.host, String(local.port), 'session'], text);
  }

  /** source|length|protocol|address|port|time; WebSocket shows as `tcp`, as with the real server. */
  meta(source: 'network' | 'application', flow: Flow | undefined, text: string): string[] {
    const transport = flow?.transport ?? 'udp';
    const protocol = isWebSocket(transport) ? 'tcp' : transport;
    return [source, String(Buffer.byteLength(text)), protocol, flow?.remote.host ?? '', String(flow?.remote.port ?? ''), '12:00:00.000000'];
  }

  /** Content-Type is the application's, or `application/sdp` for what looks like it. */
  body(headers: HeaderFields, body: string): Buffer {
    if (body === '') return empty;
    if (!headers.has('Content-Type')) {
      if (body.startsWith('v=0')) headers.add('Content-Type', 'application/sdp');
      else this.complaints.push('missing content-type');
    }
    return Buffer.from(body, 'utf8');
  }

  sentRequest(app: DrachtioApp, frame: Frame, request: SipRequestMessage, id: string): void {
    const copy = { ...request, headers: new HeaderFields() };
    copy.headers.add('Via', 'SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK-sent');
    for (const { name, value } of request.headers) copy.headers.add(name, value);
    const text = serialize(copy).toString('utf8');
    app.reply(frame, true, [...this.meta('application', undefined, text), id, 'Msg sent:', ''], text);
  }

  deliverResponse(app: DrachtioApp, response: SipResponseMessage, id: string, dialogId: string): void {
    const text = serialize(response).toString('utf8');
    app.send(['sip', ...this.meta('network', undefined, text), id, dialogId, ''], text);
  }

  dialogRequest(dialog: ServerDialog, method: string, sequence: number, own: HeaderFields, body: string): SipRequestMessage {
    const { requestUri, headers } = dialog.state.request(method, sequence);
    addOwn(headers, own);
    const { flow } = dialog;
    if (['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE'].includes(method) && !headers.has('Contact') && flow !== undefined) {
      headers.add('Contact', contactFor({ transport: flow.transport, sentBy: this.transport.sentBy(flow) }, undefined));
    }
    return { kind: 'request', method, requestUri, headers, body: this.body(headers, body) };
  }

  internal(request: SipRequestMessage, status: number, reason: string): SipResponseMessage {
    const response = responseTo(request, status, reason);
    if (!response.headers.has('Via')) response.headers.prepend('Via', 'SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK-internal');
    return response;
  }

  addDialog(id: string, app: DrachtioApp, state: DialogState, flow: Flow | undefined, localSdp: string): ServerDialog {
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

  dialogOf(request: SipRequestMessage): ServerDialog | undefined {
    const key = dialogKeyOfRequest(request);
    return key === undefined ? undefined : this.byTags.get(key);
  }

  forget(dialog: ServerDialog): void {
    dialog.unacknowledged?.stop();
    dialog.session?.cancel();
    this.dialogs.delete(dialog.id);
    this.byTags.delete(dialog.state.key);
  }

  /** Refreshes at half the interval when it is ours to do, or ends the dialog when nobody did. */
  armSession(dialog: ServerDialog, headers: HeaderFields, role: 'uac' | 'uas'): void {
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
  byeUnasked(dialog: ServerDialog, reason: string): void {
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

  addContact(response: SipResponseMessage, flow: Flow): void {
    if (!response.headers.has('Contact')) {
      response.headers.add('Contact', contactFor({ transport: flow.transport, sentBy: this.transport.sentBy(flow) }, undefined));
    }
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
}

/** What the server tells an application of a request that got nowhere. */
export function failureOf(why: string): readonly [status: number, reason: string] {
  return why === 'timeout' ? [408, 'Request Timeout'] : [503, 'Transport Error'];
}
