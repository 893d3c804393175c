import type { ExtraHeaders, Headers, InboundCall, NameAddress, Reoffer, SipDialog, Source } from '../sip/port.js';
import type { TrunkOptions } from './options.js';

/** A carrier's INVITE, answered by the rules of its trunk: session timer, reliable provisionals, and credentials for a carrier that challenges our BYE. */
export class TrunkInbound implements InboundCall {
  readonly offer?: string;

  constructor(
    private readonly call: InboundCall,
    private readonly rules: Pick<TrunkOptions, 'reliable' | 'sessionTimer' | 'credentials'>,
  ) {
    if (call.offer !== undefined) this.offer = call.offer;
  }

  get id(): string {
    return this.call.id;
  }

  get callIdHeader(): string {
    return this.call.callIdHeader;
  }

  get source(): Source {
    return this.call.source;
  }

  get headers(): Headers {
    return this.call.headers;
  }

  get requestUri(): string {
    return this.call.requestUri;
  }

  get from(): NameAddress {
    return this.call.from;
  }

  get to(): NameAddress {
    return this.call.to;
  }

  get cancelled(): AbortSignal {
    return this.call.cancelled;
  }

  get takesReliable(): boolean {
    return this.call.takesReliable === true && this.rules.reliable !== 'off';
  }

  get cancelHeaders(): Headers | undefined {
    return this.call.cancelHeaders;
  }

  progress(status: 180 | 181 | 182 | 183, options: Parameters<InboundCall['progress']>[1] = {}): void {
    this.call.progress(status, { ...(this.rules.reliable === 'off' ? { reliable: false } : {}), ...options });
  }

  onAnswer(handler: (sdp: string) => void): void {
    this.call.onAnswer?.(handler);
  }

  onOffer(handler: (offer: Reoffer) => void): void {
    this.call.onOffer(handler);
  }

  answer(sdp: string, options: Parameters<InboundCall['answer']>[1] = {}): SipDialog {
    const { sessionTimer, credentials } = this.rules;
    return this.call.answer(sdp, {
      ...(sessionTimer === undefined ? {} : { sessionTimer }),
      ...(credentials === undefined ? {} : { credentials }),
      ...options,
    });
  }

  reject(status: number, options?: { readonly reason?: string; readonly headers?: ExtraHeaders }): void {
    this.call.reject(status, options);
  }
}
