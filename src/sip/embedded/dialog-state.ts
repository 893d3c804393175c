import type { FlowRef } from '../port.js';
import { parseSipUri } from '../uri.js';
import { fromTag, readCallId, readContacts, readCSeq, readRecordRoutes, readTokens, toTag } from './header-readers.js';
import { HeaderFields, type SipRequestMessage, type SipResponseMessage } from './message.js';
import { isSipParseError } from './parse-error.js';
import type { Destination } from './request-sender.js';

/** Facts of an in-dialog request that the dialog decides (RFC 3261 §12.2.1.1). */
export interface DialogRequestHead {
  readonly requestUri: string;
  readonly destination: Destination;
  readonly headers: HeaderFields;
}

/** Where the first request of a dialog went when the peer names no better place. */
export interface FirstHop {
  readonly target: string;
  /** Next hop that was used instead of the target: an outbound proxy. */
  readonly proxy?: string;
  /** Connection the dialog began on. */
  readonly flow?: FlowRef;
  /** True when the peer can be reached by that connection only (WebSocket). */
  readonly flowOnly: boolean;
}

export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}|${localTag}|${remoteTag}`;
}

/** The key of the dialog a request that reached us belongs to; undefined when it names none (no To tag). */
export function dialogKeyOfRequest(request: SipRequestMessage): string | undefined {
  const local = toTag(request.headers);
  if (local === undefined) return undefined;
  return dialogKey(readCallId(request.headers), local, fromTag(request.headers) ?? '');
}

function routesOf(message: SipRequestMessage | SipResponseMessage): readonly string[] {
  return readRecordRoutes(message.headers).map(({ uri }) => uri);
}

function contactOf(message: SipRequestMessage | SipResponseMessage): string | undefined {
  return readContacts(message.headers)[0]?.uri;
}

/** Methods that Allow names; undefined when it is missing or not readable (RFC 3261 §20.5: then nothing is known). */
function allowedOf(message: SipRequestMessage | SipResponseMessage): ReadonlySet<string> | undefined {
  if (!message.headers.has('Allow')) return undefined;
  try {
    return new Set(readTokens(message.headers, 'Allow'));
  } catch (thrown) {
    if (isSipParseError(thrown)) return undefined;
    throw thrown;
  }
}

/** The state of RFC 3261 §12: who, which numbers, where to, and by which way. */
export class DialogState {
  private localSequence: number;
  private remoteSequence: number | undefined;
  private contact: string | undefined;
  private allowed: ReadonlySet<string> | undefined;
  private moved = 0;

  private constructor(
    readonly callId: string,
    readonly localTag: string,
    readonly remoteTag: string,
    /** Our From value, tag included. */
    private readonly local: string,
    private readonly remote: string,
    private readonly routeSet: readonly string[],
    private firstHop: FirstHop,
    sequences: { readonly local: number; readonly remote?: number },
    /** The message of the peer that made the dialog. */
    first: SipRequestMessage | SipResponseMessage,
  ) {
    this.localSequence = sequences.local;
    this.remoteSequence = sequences.remote;
    this.contact = contactOf(first);
    this.allowed = allowedOf(first);
  }

  /**
   * The dialog a response creates at the caller (RFC 3261 §12.1.2): route set reversed. A 2xx makes it
   * anew from its `early` one, whose numbers go on (§13.2.2.4).
   */
  static ofUac(request: SipRequestMessage, response: SipResponseMessage, firstHop: FirstHop, early?: DialogState): DialogState {
    return new DialogState(
      readCallId(request.headers),
      fromTag(request.headers) ?? '',
      toTag(response.headers) ?? '',
      request.headers.get('From') ?? '',
      response.headers.get('To') ?? '',
      [...routesOf(response)].reverse(),
      firstHop,
      {
        local: early?.localSequence ?? readCSeq(request.headers).number,
        ...(early?.remoteSequence === undefined ? {} : { remote: early.remoteSequence }),
      },
      response,
    );
  }

  /** The dialog an INVITE creates at the one called (RFC 3261 §12.1.1). */
  static ofUas(request: SipRequestMessage, localTag: string, firstHop: FirstHop): DialogState {
    return new DialogState(
      readCallId(request.headers),
      localTag,
      fromTag(request.headers) ?? '',
      `${request.headers.get('To') ?? ''};tag=${localTag}`,
      request.headers.get('From') ?? '',
      routesOf(request),
      firstHop,
      { local: 0, remote: readCSeq(request.headers).number },
      request,
    );
  }

  get key(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag);
  }

  get remoteTarget(): string {
    return this.contact ?? this.firstHop.target;
  }

  /** Whether the peer's last Allow named the method; undefined when it sent none. */
  allows(method: string): boolean | undefined {
    return this.allowed?.has(method);
  }

  /**
   * The Contact of a target refresh request or of its 2xx replaces the remote target (§12.2), and its
   * Allow what we know of the peer. The route set stays for the life of the dialog (§12.2.1.2).
   */
  refreshTarget(message: SipRequestMessage | SipResponseMessage): void {
    this.contact = contactOf(message) ?? this.contact;
    this.allowed = allowedOf(message) ?? this.allowed;
  }

  /** The peer came over another connection: the dialog goes on there. */
  moveTo(flow: FlowRef): void {
    if (this.firstHop.flow === flow) return;
    this.firstHop = { ...this.firstHop, flow };
    this.moved += 1;
  }

  /** The connection the peer is on, where it has one. */
  get flow(): FlowRef | undefined {
    return this.firstHop.flow;
  }

  /** How often the dialog has moved: what was sent before the last time cannot tell that the peer is gone. */
  get moves(): number {
    return this.moved;
  }

  /** Takes the CSeq number of a request: false when it is lower than one seen, or the same again (§12.2.2). */
  acceptSequence(request: SipRequestMessage): boolean {
    const { number } = readCSeq(request.headers);
    if (this.remoteSequence !== undefined && number <= this.remoteSequence) return false;
    this.remoteSequence = number;
    return true;
  }

  /** The number of our next request. */
  nextSequence(): number {
    this.localSequence += 1;
    return this.localSequence;
  }

  /**
   * Head of an in-dialog request: loose routing leaves the target in the Request-URI, a strict first
   * route takes its place and the target goes last (§12.2.1.1). An ACK gives its INVITE's `sequence`.
   */
  request(method: string, sequence: number): DialogRequestHead {
    const [first, ...rest] = this.routeSet;
    const strict = first !== undefined && parseSipUri(first)?.parameters.has('lr') !== true;
    const requestUri = strict ? withoutHeaders(first) : withoutHeaders(this.remoteTarget);
    const routes = strict ? [...rest, this.remoteTarget] : this.routeSet;
    const headers = new HeaderFields();
    headers.add('Max-Forwards', '70');
    for (const route of routes) headers.add('Route', `<${route}>`);
    headers.add('From', this.local).add('To', this.remote).add('Call-ID', this.callId).add('CSeq', `${sequence} ${method}`);
    return { requestUri, destination: this.destination(first), headers };
  }

  private destination(firstRoute: string | undefined): Destination {
    const { flow, flowOnly, proxy, target } = this.firstHop;
    if (flow !== undefined && flowOnly) return { flow };
    const uri = firstRoute ?? this.contact ?? proxy ?? target;
    return flow === undefined ? { uri } : { uri, preferred: flow };
  }
}

/** A Request-URI carries no header part (RFC 3261 §19.1.1). */
function withoutHeaders(uri: string): string {
  const question = uri.indexOf('?');
  return question < 0 ? uri : uri.slice(0, question);
}
