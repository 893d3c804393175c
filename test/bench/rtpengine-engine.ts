import { createSocket } from 'node:dgram';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-ports.js';
import { peerPath } from '../support/programs.js';
import type { MediaEngine } from './media-engine.js';

export type NgValue = string | readonly NgValue[] | { readonly [key: string]: NgValue };

function bencode(value: NgValue): string {
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`;
  if (Array.isArray(value)) return `l${value.map(bencode).join('')}e`;
  const entries = Object.entries(value as Readonly<Record<string, NgValue>>);
  return `d${entries.map(([key, one]) => bencode(key) + bencode(one)).join('')}e`;
}

/** The one string a key of a reply's dictionary holds. */
function stringOf(reply: Buffer, key: string): string | undefined {
  const text = reply.toString('latin1');
  const marker = `${key.length}:${key}`;
  const at = text.indexOf(marker);
  const match = at < 0 ? null : /^(\d+):/.exec(text.slice(at + marker.length));
  if (match === null) return undefined;
  const start = at + marker.length + match[0].length;
  return text.slice(start, start + Number(match[1]));
}

/** Debian's rtpengine in user space, spoken to in its ng protocol. */
export class RtpengineEngine implements MediaEngine {
  readonly name = 'rtpengine (user space)';
  private readonly socket = createSocket('udp4');
  private readonly waiting = new Map<string, (reply: Buffer) => void>();
  private readonly kinds = new Map<string, 'webrtc' | 'udp'>();
  private cookie = 0;

  private constructor(
    private readonly child: Child,
    private readonly port: number,
  ) {
    this.socket.on('message', (datagram) => {
      const space = datagram.indexOf(0x20);
      const key = datagram.toString('latin1', 0, space);
      this.waiting.get(key)?.(datagram.subarray(space + 1));
      this.waiting.delete(key);
    });
  }

  static async start(): Promise<RtpengineEngine> {
    const port = await freePort();
    const child = new Child({
      command: peerPath('rtpengine'),
      args: [
        '--config-file=none',
        '--table=-1',
        '--interface=127.0.0.1',
        `--listen-ng=127.0.0.1:${port}`,
        '--foreground',
        '--log-stderr',
        '--log-level=3',
        '--port-min=27000',
        '--port-max=29999',
        '--num-threads=2',
        // Calls wait in silence until all are set up; its 60 s for such calls would end them.
        '--timeout=600',
      ],
    });
    const engine = new RtpengineEngine(child, port);
    try {
      await eventually(
        async () => {
          if (child.exit !== undefined) throw new Error('it ended');
          return stringOf(await engine.ask({ command: 'ping' }, 300), 'result') === 'pong' ? true : undefined;
        },
        { what: 'rtpengine answers', withinMs: 8_000, explain: () => child.describe() },
      );
    } catch (thrown) {
      await engine.stop();
      throw thrown;
    }
    return engine;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** `more`: further keys of the offer, as the ng protocol has them. */
  async begin(call: string, kind: 'webrtc' | 'udp', offer: string, more: Readonly<Record<string, NgValue>> = {}): Promise<string> {
    this.kinds.set(call, kind);
    return this.sdp({
      command: 'offer',
      'call-id': call,
      'from-tag': `${call}-a`,
      sdp: offer,
      'transport-protocol': 'RTP/AVP',
      ICE: 'remove',
      replace: ['origin'],
      'rtcp-mux': ['demux'],
      SDES: ['off'],
      ...more,
    });
  }

  async complete(call: string, answer: string): Promise<string> {
    const web = this.kinds.get(call) === 'webrtc';
    return this.sdp({
      command: 'answer',
      'call-id': call,
      'from-tag': `${call}-a`,
      'to-tag': `${call}-b`,
      sdp: answer,
      replace: ['origin'],
      SDES: ['off'],
      ...(web
        ? { 'transport-protocol': 'UDP/TLS/RTP/SAVPF', ICE: 'force', 'rtcp-mux': ['offer'], DTLS: 'active' }
        : { 'transport-protocol': 'RTP/AVP' }),
    });
  }

  async end(call: string): Promise<void> {
    await this.ask({ command: 'delete', 'call-id': call, 'from-tag': `${call}-a`, 'delete-delay': '0' }, 2_000);
  }

  async stop(): Promise<void> {
    await this.child.stop('SIGTERM', 3_000);
    this.socket.close();
  }

  private async sdp(command: Readonly<Record<string, NgValue>>): Promise<string> {
    const reply = await this.ask(command, 3_000);
    const sdp = stringOf(reply, 'sdp');
    if (sdp === undefined) throw new Error(`rtpengine: ${reply.toString('latin1')}`);
    return sdp;
  }

  private ask(command: Readonly<Record<string, NgValue>>, withinMs: number): Promise<Buffer> {
    this.cookie += 1;
    const key = `b${this.cookie}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`rtpengine did not answer "${String(command['command'])}"`)), withinMs);
      this.waiting.set(key, (reply) => {
        clearTimeout(timer);
        resolve(reply);
      });
      this.socket.send(`${key} ${bencode(command)}`, this.port, '127.0.0.1');
    });
  }
}
