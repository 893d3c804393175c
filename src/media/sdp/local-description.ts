import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';

/** An unpredictable session id for an `o=` line, in decimal and below 2⁶² (RFC 8866 §5.2, RFC 3264 §5). */
export function newSdpSessionId(): string {
  return (randomBytes(8).readBigUInt64BE() >> 2n).toString();
}

/** `IN IP4 …` or `IN IP6 …` as `o=` and `c=` want it (RFC 8866 §5.7). */
export function networkAddress(address: string): string {
  return `IN ${isIPv6(address) ? 'IP6' : 'IP4'} ${address}`;
}

/**
 * What we have said in one dialog: the same session id always, and a version that goes up by one if and
 * only if the rest changed; otherwise the very same bytes are said again (RFC 3264 §8; survey O3).
 */
export class LocalDescription {
  private version = 0;
  private lastBody: string | undefined;

  constructor(private readonly options: { readonly sessionId: string; readonly address: string }) {}

  /** The whole text around `lines`, which follow `s=`. */
  write(lines: readonly string[]): string {
    const body = ['s=-', ...lines, ''].join('\r\n');
    if (body !== this.lastBody) this.version += 1;
    this.lastBody = body;
    return `v=0\r\no=- ${this.options.sessionId} ${this.version} ${networkAddress(this.options.address)}\r\n${body}`;
  }
}
