import { createSocket, type Socket } from 'node:dgram';

/** What a name has; addresses with their time to live in seconds. */
export interface DnsName {
  readonly a?: readonly string[];
  readonly ttlSeconds?: number;
  readonly srv?: readonly { readonly priority: number; readonly weight: number; readonly port: number; readonly name: string }[];
  readonly naptr?: readonly { readonly order: number; readonly flags: string; readonly service: string; readonly replacement: string }[];
}

const typeNames: Readonly<Record<number, keyof DnsName>> = { 1: 'a', 33: 'srv', 35: 'naptr' };

const text = (value: string): Buffer => Buffer.from([value.length, ...Buffer.from(value)]);
const domain = (name: string): Buffer => Buffer.concat([...name.split('.').map(text), Buffer.from([0])]);
const short = (...values: readonly number[]): Buffer => Buffer.from(values.flatMap((each) => [each >> 8, each & 0xff]));

function dataOf(type: number, name: DnsName): readonly Buffer[] {
  if (type === 1) return (name.a ?? []).map((each) => Buffer.from(each.split('.').map(Number)));
  if (type === 33) {
    return (name.srv ?? []).map((each) => Buffer.concat([short(each.priority, each.weight, each.port), domain(each.name)]));
  }
  if (type !== 35) return [];
  return (name.naptr ?? []).map((each) =>
    Buffer.concat([short(each.order, 1), text(each.flags), text(each.service), text(''), domain(each.replacement)]),
  );
}

/** A name server on a loopback UDP port that knows what a test tells it (RFC 1035 §4). */
export class DnsServer {
  /** Questions that came, `srv _sip._udp.example`. */
  readonly asked: string[] = [];
  /** While true, questions are heard and not answered. */
  silent = false;

  private constructor(
    private readonly socket: Socket,
    readonly zone: Map<string, DnsName>,
  ) {
    socket.on('message', (query, from) => {
      const reply = this.replyTo(query);
      if (!this.silent) socket.send(reply, from.port, from.address);
    });
  }

  static async open(zone: Readonly<Record<string, DnsName>>): Promise<DnsServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new DnsServer(socket, new Map(Object.entries(zone)));
  }

  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }

  private replyTo(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = query.subarray(12, at + 5);
    const type = query.readUInt16BE(at + 1);
    const asked = labels.join('.').toLowerCase();
    this.asked.push(`${typeNames[type] ?? type} ${asked}`);
    const known = this.zone.get(asked);
    const data = known === undefined ? [] : dataOf(type, known);
    const answers = data.map((each) => Buffer.concat([short(0xc00c, type, 1, 0, known?.ttlSeconds ?? 60, each.length), each]));
    const flags = known === undefined ? 0x8183 : 0x8180;
    return Buffer.concat([query.subarray(0, 2), short(flags, 1, answers.length, 0, 0), question, ...answers]);
  }
}
