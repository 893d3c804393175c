import type { HostPort } from '../../base/address.js';
import type { FlowRef, SipTransport, Source } from '../port.js';
import type { SipFramingErrorInfo } from './framing.js';

/** Why bytes did not leave, or a connection is gone. */
export interface FlowFailure {
  readonly why: 'refused' | 'timeout' | 'transport' | 'tls' | 'unresolvable';
  readonly detail: string;
}

/**
 * A way to one peer: a TCP, TLS or WebSocket connection, or for UDP the pair of our socket and the
 * peer's address. Responses go back on the flow their request came on (RFC 3581 §4, RFC 3261 §18.2.2).
 */
export interface Flow {
  readonly ref: FlowRef;
  readonly transport: SipTransport;
  readonly remote: HostPort;
  /** Our end, as the peer may see it when nothing translates addresses between. */
  readonly local: HostPort;
  readonly origin?: string;
  /** False once the connection is gone; UDP flows are always open. */
  readonly open: boolean;
  /** Sends one message. `onFailure` is called at most once, never in the same turn. */
  send(bytes: Buffer, onFailure: (failure: FlowFailure) => void): void;
  /** Calls back once when the connection is gone; returns the function that takes the listener away. */
  onClose(listener: (failure: FlowFailure) => void): () => void;
  /** UDP only: finds out whether the peer's host says that nobody listens there. */
  probe?(onRefused: () => void): void;
}

/** What a transport tells the layer above. */
export interface FlowUser {
  onMessage(flow: Flow, data: Buffer): void;
  /** A message, or a keep-alive, is given to the network. */
  onSent(flow: Flow, data: Buffer): void;
  /** A stream cannot be read on; `head` is the header block of the message that cannot be framed. */
  onBroken(flow: Flow, head: Buffer, why: SipFramingErrorInfo['why']): void;
  onFlowOpen(flow: ConnectionFlow): void;
  onFlowClosed(flow: ConnectionFlow): void;
}

/** A flow that is a connection and can be closed. */
export interface ConnectionFlow extends Flow {
  /** Ends the connection; queued bytes are still sent when `gently`. */
  close(reason: string, gently?: boolean): void;
}

/** RFC 3261 §17: over these no request is sent twice. */
export function isReliable(transport: SipTransport): boolean {
  return transport !== 'udp';
}

/** WebSocket peers cannot be reached but over the connection they opened (RFC 7118 §5). */
export function isWebSocket(transport: SipTransport): boolean {
  return transport === 'ws' || transport === 'wss';
}

export function sourceOf(flow: Flow): Source {
  return {
    flow: flow.ref,
    transport: flow.transport,
    address: flow.remote.host,
    port: flow.remote.port,
    ...(flow.origin === undefined ? {} : { origin: flow.origin }),
  };
}

/** An address without the prefix that a dual-stack socket gives to IPv4 peers (RFC 4291 §2.5.5.2). */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}

let flowSerial = 0;

/** A reference never given before in this process: `ws:17`. */
export function newFlowRef(transport: SipTransport): FlowRef {
  flowSerial += 1;
  return `${transport}:${flowSerial}` as FlowRef;
}

/** The part of a connection flow that all of them share: close listeners, told once. */
export class CloseListeners {
  private readonly listeners = new Set<(failure: FlowFailure) => void>();
  private done: FlowFailure | undefined;

  get fired(): boolean {
    return this.done !== undefined;
  }

  add(listener: (failure: FlowFailure) => void): () => void {
    if (this.done !== undefined) {
      const failure = this.done;
      queueMicrotask(() => listener(failure));
      return () => {};
    }
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  fire(failure: FlowFailure): void {
    if (this.done !== undefined) return;
    this.done = failure;
    const all = [...this.listeners];
    this.listeners.clear();
    for (const listener of all) listener(failure);
  }
}
