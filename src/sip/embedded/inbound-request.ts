import type { Body, Headers, InboundRequest, NameAddress, RespondOptions, Source } from '../port.js';
import { reasonPhrase } from '../status.js';
import { addExtraHeaders, checkExtraHeaders } from './extra-headers.js';
import { sourceOf } from './flow.js';
import { readFrom, readTo } from './header-readers.js';
import { plainNameAddress } from './port-values.js';
import { responseTo } from './serializer.js';
import { bodyOf, putBody } from './session-body.js';
import type { NonInviteServerTransaction } from './transaction-server.js';

/** Requests whose 2xx says where a subscription is kept (RFC 3515 §2.2, RFC 6665 §4.1.2). */
const namesPlace: ReadonlySet<string> = new Set(['REFER', 'SUBSCRIBE', 'NOTIFY']);

/** A request handed up; its transaction takes the answer. */
export class StackRequest implements InboundRequest {
  readonly method: string;
  readonly source: Source;
  readonly requestUri: string;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly headers: Headers;
  readonly body?: Body;

  constructor(
    private readonly transaction: NonInviteServerTransaction,
    private readonly facts: { readonly toTag: string; readonly server: string; readonly contact?: string },
  ) {
    const { request, flow } = transaction;
    this.method = request.method;
    this.source = sourceOf(flow);
    this.requestUri = request.requestUri;
    this.from = plainNameAddress(readFrom(request.headers));
    this.to = plainNameAddress(readTo(request.headers));
    this.headers = request.headers;
    const body = bodyOf(request);
    if (body !== undefined) this.body = body;
  }

  respond(status: number, options: RespondOptions = {}): void {
    checkExtraHeaders(options.headers, { contactAllowed: this.method === 'REGISTER' });
    if (this.transaction.finalStatus !== undefined) return;
    const { request } = this.transaction;
    const response = responseTo(request, status, options.reason ?? reasonPhrase(status), this.facts.toTag);
    addExtraHeaders(response.headers, options.headers);
    const { contact } = this.facts;
    if (contact !== undefined && status < 300 && namesPlace.has(this.method)) response.headers.add('Contact', contact);
    response.headers.add('Server', this.facts.server);
    const body = putBody(response.headers, options.body);
    this.transaction.respond({ ...response, body });
  }
}
