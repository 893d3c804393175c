import { formatHostPort } from '../base/address.js';
import type { ClientPath } from './client-path.js';

/** Where a listener is. */
export interface TurnListenAddress {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
}

export interface TurnListenerHandlers {
  readonly onMessage: (bytes: Buffer, client: ClientPath) => void;
  /** The client's connection has ended. */
  readonly onGone: (client: ClientPath) => void;
  /** Whether the client has a relay, so that its connection may stay idle. */
  readonly isServed: (client: ClientPath) => boolean;
}

/** A bound listener. */
export interface TurnListener {
  readonly address: TurnListenAddress;
  readonly connections: number;
  close(): Promise<void>;
}

export type TurnErrorInfo = { readonly code: 'turn-listen-failed'; readonly listen: string };

/** A listener as it stands in the configuration. */
export const listenText = ({ transport, host, port }: TurnListenAddress): string => `${transport}:${host}:${port}`;

/** URL of a listener for browsers (RFC 7065 §3.1), under the name or address they reach it by. */
export function urlOf({ transport, host, port }: TurnListenAddress, publicAddress: string | undefined): string {
  const where = formatHostPort({ host: publicAddress ?? host, port });
  return transport === 'tls' ? `turns:${where}?transport=tcp` : `turn:${where}?transport=${transport}`;
}

/** An IPv4 client of a listener for both families, as itself (RFC 4291 §2.5.5.2). */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');
