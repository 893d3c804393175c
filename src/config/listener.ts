/** A socket that the configuration asks for. */
export interface Listener {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
}

const hasEveryAddress = ({ host }: Listener): boolean => host === '0.0.0.0' || host === '::';

/** Whether two cannot be open at once. Port 0 is any free one; TLS and TCP share their ports. */
export function clashes(one: Listener, other: Listener): boolean {
  if (one.port === 0 || one.port !== other.port || (one.transport === 'udp') !== (other.transport === 'udp')) return false;
  return one.host === other.host || hasEveryAddress(one) || hasEveryAddress(other);
}
