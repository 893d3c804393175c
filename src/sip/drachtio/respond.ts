import { checkExtraHeaders } from '../embedded/extra-headers.js';
import { readFrom, readTo, topVia } from '../embedded/header-readers.js';
import type { SipRequestMessage } from '../embedded/message.js';
import { plainNameAddress } from '../embedded/port-values.js';
import { bodyOf, sdpType } from '../embedded/session-body.js';
import type { Body, ExtraHeaders, FlowRef, Headers, InboundRequest, NameAddress, RespondOptions, SipTransport, Source } from '../port.js';
import { reasonPhrase } from '../status.js';
import type { LibraryRequest, LibraryResponder } from './library.js';
import { toLibraryHeaders } from './wire-text.js';

/** What a response carries besides its status. */
export interface ResponseContent {
  readonly reason?: string;
  readonly headers?: ExtraHeaders;
  /** Session description; the server writes its Content-Type itself. */
  readonly sdp?: string;
  readonly body?: Body;
  /** Our tag in To; the same in every response of a dialog. */
  readonly to?: string;
}

/** Statuses that the library will not write; each stands for the class it belongs to. */
const unknownToLibrary = (status: number): number =>
  status < 300 ? 200 : status < 400 ? 302 : status < 500 ? 480 : status < 600 ? 500 : 603;

/** Sends a response. `done` gets the fault when the server did not send it, and the server's id of the dialog when it did. */
export function respond(
  responder: LibraryResponder,
  status: number,
  { reason, headers = [], sdp, body, to }: ResponseContent,
  done: (fault: string | undefined, dialogId: string | undefined) => void = () => {},
): void {
  const lines = headers.map(([name, value]) => ({ name, value }));
  if (body !== undefined && body.type !== sdpType) lines.push({ name: 'Content-Type', value: body.type });
  if (to !== undefined) lines.push({ name: 'To', value: `x;tag=${to}` });
  const content = sdp ?? body?.content;
  const options = { headers: toLibraryHeaders(lines), ...(content === undefined || content === '' ? {} : { body: content }) };
  const report = (fault: unknown): void => {
    const { stackDialogId } = responder;
    if (fault === null || fault === undefined) done(undefined, stackDialogId === '' ? undefined : stackDialogId);
    else done(String(fault), undefined);
  };
  const phrase = reason ?? reasonPhrase(status);
  try {
    responder.send(status, phrase, options, report);
  } catch {
    responder.send(unknownToLibrary(status), phrase, options, report);
  }
}

/** A final answer that nobody waits on. */
export function answerRequest(responder: LibraryResponder, status: number, headers: ExtraHeaders = []): void {
  respond(responder, status, { headers });
}

/** What the server calls a connection that a WebSocket runs on, and what the Via calls it then. */
const webSocketOn: Readonly<Record<string, Readonly<Record<string, SipTransport>>>> = {
  tcp: { ws: 'ws', wss: 'wss' },
  tls: { wss: 'wss' },
};

/**
 * Where a request came from. The server says `tcp` for WebSocket, so the Via tells them apart; the
 * flow is the address the server reaches the same connection by.
 */
export function sourceOf(request: SipRequestMessage, { protocol, source_address: address, source_port: port }: LibraryRequest): Source {
  const told = protocol.toLowerCase() as SipTransport;
  const via = topVia(request.headers).transport.toLowerCase();
  const host = address.includes(':') ? `[${address}]` : address;
  return { flow: `sip:${host}:${port};transport=${told}` as FlowRef, transport: webSocketOn[told]?.[via] ?? told, address, port };
}

/** A request handed up; the server takes the answer. */
export class WireInboundRequest implements InboundRequest {
  readonly method: string;
  readonly source: Source;
  readonly requestUri: string;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly headers: Headers;
  readonly body?: Body;
  private answered = false;

  constructor(
    request: SipRequestMessage,
    libraryRequest: LibraryRequest,
    private readonly responder: LibraryResponder,
    private readonly facts: { readonly server: string; readonly onAnswered?: () => void },
  ) {
    this.method = request.method;
    this.source = sourceOf(request, libraryRequest);
    this.requestUri = request.requestUri;
    this.from = plainNameAddress(readFrom(request.headers));
    this.to = plainNameAddress(readTo(request.headers));
    this.headers = request.headers;
    const body = bodyOf(request);
    if (body !== undefined) this.body = body;
  }

  respond(status: number, { reason, headers = [], body }: RespondOptions = {}): void {
    checkExtraHeaders(headers, { contactAllowed: this.method === 'REGISTER' });
    if (this.answered) return;
    this.answered = status >= 200;
    respond(this.responder, status, {
      headers: [...headers, ['Server', this.facts.server]],
      ...(reason === undefined ? {} : { reason }),
      ...(body === undefined ? {} : { body }),
    });
    if (this.answered) this.facts.onAnswered?.();
  }
}
