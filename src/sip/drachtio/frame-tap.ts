import type { SipTransport } from '../port.js';
import { callIdOf, type SipTrace } from '../trace.js';

interface FrameTapDeps {
  readonly wallMs: () => number;
  /** Where the server speaks SIP, as far as it has told. */
  readonly local: (transport: SipTransport) => { readonly host: string; readonly port: number } | undefined;
  readonly trace: SipTrace;
}

/** Where one frame names the source of its message: it differs by type. */
const places: Readonly<Record<string, number>> = { sip: 2, response: 4 };
const transports: ReadonlySet<string> = new Set(['udp', 'tcp', 'tls', 'ws', 'wss']);
const lineEnd = Buffer.from('\r\n');
const hash = 0x23;
const longestLength = 6;

/**
 * Reads along what a drachtio server says (`<byte length>#<id>|<type>|…`, SIP text after the first CRLF):
 * every message it received for us and every one it sent, as it stood on the wire. Repetitions stay
 * between the server and the peer.
 */
export class FrameTap {
  private buffered: Buffer = Buffer.alloc(0);
  private broken = false;

  constructor(private readonly deps: FrameTapDeps) {}

  push(data: Buffer): void {
    if (this.broken) return;
    this.buffered = this.buffered.length === 0 ? data : Buffer.concat([this.buffered, data]);
    for (;;) {
      const at = this.buffered.indexOf(hash);
      if (at < 0) {
        this.broken = this.buffered.length > longestLength;
        return;
      }
      const length = this.buffered.toString('latin1', 0, at);
      // The library closes the connection over such a thing.
      if (!/^\d{1,6}$/.test(length)) {
        this.broken = true;
        return;
      }
      const end = at + 1 + Number(length);
      if (this.buffered.length < end) return;
      this.frame(this.buffered.subarray(at + 1, end));
      this.buffered = this.buffered.subarray(end);
    }
  }

  private frame(payload: Buffer): void {
    const split = payload.indexOf(lineEnd);
    if (split < 0) return;
    const tokens = payload.toString('latin1', 0, split).split('|');
    const first = places[tokens[1] ?? ''];
    const bytes = payload.subarray(split + lineEnd.length);
    const callIdHeader = callIdOf(bytes);
    if (first === undefined || callIdHeader === undefined) return;
    const [source, , protocol = '', host = '', port = ''] = tokens.slice(first);
    const transport = transportOf(protocol.toLowerCase(), bytes);
    if (transport === undefined || (source !== 'network' && source !== 'application')) return;
    const told =
      tokens[1] === 'sip' && tokens.length > first + 9 ? { host: tokens[first + 8] ?? '', port: Number(tokens[first + 9]) } : undefined;
    this.deps.trace({
      way: source === 'network' ? 'in' : 'out',
      transport,
      local: told ?? this.deps.local(transport) ?? { host: '0.0.0.0', port: 0 },
      // A server that does not say where a request of ours went leaves it open.
      remote: { host: host.replace(/^\[|\]$/g, '') || '0.0.0.0', port: Number(port) || 0 },
      atMs: this.deps.wallMs(),
      callIdHeader,
      bytes,
    });
  }
}

/** The server says `tcp` of a WebSocket; the Via knows better (RFC 7118 §5.2). */
function transportOf(protocol: string, bytes: Buffer): SipTransport | undefined {
  if (!transports.has(protocol)) return undefined;
  const via = /\r\n(?:via|v)[ \t]*:[ \t]*SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*(wss?)\b/i.exec(bytes.toString('latin1', 0, 2048))?.[1];
  return (protocol !== 'udp' && via !== undefined ? via.toLowerCase() : protocol) as SipTransport;
}
