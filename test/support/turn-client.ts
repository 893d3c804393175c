import { createHash, randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { readXorAddress, writeXorAddress, xorHeader } from '../../src/media/stun/stun-address.js';
import { attributeOf, readStun, type StunAttribute, type StunMessage, writeStun } from '../../src/media/stun/stun-message.js';
import { integrityFits } from '../../src/media/stun/stun-seal.js';
import type { TurnListenAddress } from '../../src/turn/listener.js';
import { StreamFraming } from '../../src/turn/stream-framing.js';
import { attribute, method } from '../../src/turn/turn-words.js';
import { eventually } from './eventually.js';
import { testTls } from './tls-material.js';

export interface TurnLogin {
  readonly username: string;
  readonly credential: string;
}

/** What a server answered: its error, or none. */
export interface TurnAnswer {
  readonly code: number | undefined;
  readonly message: StunMessage;
}

/** What came through the relay. */
export interface Relayed {
  readonly channel?: number;
  readonly peer?: { readonly address: string; readonly port: number };
  readonly data: Buffer;
}

/** A TURN client that does one thing at a time, right or wrong as it is told. */
export class TurnClient {
  readonly relayed: Relayed[] = [];
  /** The connection has ended. */
  closed = false;
  login: TurnLogin | undefined;
  realm = '';
  nonce = '';
  private readonly answers = new Map<string, StunMessage>();

  private constructor(
    private readonly sendBytes: (bytes: Buffer) => void,
    private readonly end: () => Promise<void>,
    private readonly padded: boolean,
  ) {}

  static async connect({ transport, host, port }: TurnListenAddress, login?: TurnLogin): Promise<TurnClient> {
    const client = transport === 'udp' ? await TurnClient.overUdp(host, port) : await TurnClient.overStream(transport, host, port);
    client.login = login;
    return client;
  }

  private static async overUdp(host: string, port: number): Promise<TurnClient> {
    const socket: UdpSocket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    await new Promise<void>((resolve) => socket.bind(0, host, resolve));
    const end = (): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));
    const client = new TurnClient((bytes) => socket.send(bytes, port, host), end, false);
    socket.on('message', (bytes) => client.take(bytes));
    return client;
  }

  private static async overStream(transport: 'tcp' | 'tls', host: string, port: number): Promise<TurnClient> {
    const socket: Socket =
      transport === 'tls' ? connectTls({ host, port, ca: testTls.ca, servername: 'localhost' }) : connect({ host, port });
    await new Promise<void>((resolve, reject) => {
      socket.once(transport === 'tls' ? 'secureConnect' : 'connect', () => resolve());
      socket.once('error', reject);
    });
    const framing = new StreamFraming();
    const end = async (): Promise<void> => void socket.destroy();
    const client = new TurnClient((bytes) => socket.write(bytes), end, true);
    socket.on('data', (chunk: Buffer) => {
      for (const bytes of framing.push(chunk) ?? []) client.take(bytes);
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      client.closed = true;
    });
    return client;
  }

  /** Sends a request with credentials, asking again with what the server wants of them. */
  async request(kind: keyof typeof method, attributes: readonly StunAttribute[] = []): Promise<TurnAnswer> {
    const first = await this.once(kind, attributes);
    if ((first.code !== 401 && first.code !== 438) || this.login === undefined) return first;
    const nonce = attributeOf(first.message, attribute.nonce)?.toString() ?? '';
    if (first.code === 401 && this.nonce !== '') return first;
    this.nonce = nonce;
    this.realm = attributeOf(first.message, attribute.realm)?.toString() ?? '';
    return this.once(kind, attributes);
  }

  /** Sends one request as it is, with credentials once a nonce is known. */
  async once(
    kind: keyof typeof method,
    attributes: readonly StunAttribute[] = [],
    { transactionId = randomBytes(12), withinMs = 3_000 }: { readonly transactionId?: Buffer; readonly withinMs?: number } = {},
  ): Promise<TurnAnswer> {
    const id = transactionId.toString('hex');
    this.answers.delete(id);
    const { login } = this;
    const sealed = login !== undefined && this.nonce !== '' && kind !== 'binding';
    const key = sealed ? this.key(login) : undefined;
    const own = sealed ? this.credentials(login) : [];
    this.sendBytes(
      writeStun({
        ...{ method: method[kind], kind: 'request', transactionId, attributes: [...attributes, ...own] },
        ...(key === undefined ? {} : { key }),
      }),
    );
    const message = await eventually(() => this.answers.get(id), { what: `the server answers ${kind}`, withinMs, everyMs: 2 });
    if (message.integrityAt !== undefined && (key === undefined || !integrityFits(message.bytes, message.integrityAt, key))) {
      throw new Error(`the answer to ${kind} is sealed with another key`);
    }
    const error = attributeOf(message, attribute.errorCode);
    return { code: error === undefined ? undefined : (error[2] ?? 0) * 100 + (error[3] ?? 0), message };
  }

  /** An allocation over UDP, and where it is. */
  async allocate(
    more: readonly StunAttribute[] = [],
  ): Promise<TurnAnswer & { readonly relay: { address: string; port: number } | undefined }> {
    const answer = await this.request('allocate', [udpTransport, ...more]);
    const value = attributeOf(answer.message, attribute.xorRelayedAddress);
    return { ...answer, relay: value === undefined ? undefined : readXorAddress(answer.message.bytes, value) };
  }

  permit(address: string): Promise<TurnAnswer> {
    return this.withPeer('createPermission', address, 0, []);
  }

  bindChannel(number: number, address: string, port: number): Promise<TurnAnswer> {
    const value = Buffer.alloc(4);
    value.writeUInt16BE(number, 0);
    return this.withPeer('channelBind', address, port, [{ type: attribute.channelNumber, value }]);
  }

  refresh(seconds: number): Promise<TurnAnswer> {
    return this.request('refresh', [lifetime(seconds)]);
  }

  send(address: string, port: number, data: Buffer): void {
    const transactionId = randomBytes(12);
    const peer = { type: attribute.xorPeerAddress, value: writeXorAddress(xorHeader(transactionId), address, port) };
    this.sendBytes(
      writeStun({ method: method.send, kind: 'indication', transactionId, attributes: [peer, { type: attribute.data, value: data }] }),
    );
  }

  sendOnChannel(channel: number, data: Buffer): void {
    const header = Buffer.alloc(4);
    header.writeUInt16BE(channel, 0);
    header.writeUInt16BE(data.length, 2);
    const padding = this.padded ? (4 - (data.length % 4)) % 4 : 0;
    this.sendBytes(Buffer.concat([header, data, Buffer.alloc(padding)]));
  }

  sendRaw(bytes: Buffer): void {
    this.sendBytes(bytes);
  }

  /** The next thing that comes through the relay. */
  next(withinMs = 3_000): Promise<Relayed> {
    return eventually(() => this.relayed.shift(), { what: 'something comes through the relay', withinMs, everyMs: 2 });
  }

  dispose(): Promise<void> {
    return this.end();
  }

  /** Peer addresses are XORed with the transaction id, so it is chosen first. */
  private async withPeer(kind: 'createPermission' | 'channelBind', address: string, port: number, more: readonly StunAttribute[]) {
    const transactionId = randomBytes(12);
    const peer = { type: attribute.xorPeerAddress, value: writeXorAddress(xorHeader(transactionId), address, port) };
    return this.once(kind, [...more, peer], { transactionId });
  }

  private credentials(login: TurnLogin): readonly StunAttribute[] {
    return [
      { type: attribute.username, value: Buffer.from(login.username) },
      { type: attribute.realm, value: Buffer.from(this.realm) },
      { type: attribute.nonce, value: Buffer.from(this.nonce) },
    ];
  }

  private key({ username, credential }: TurnLogin): Buffer {
    return createHash('md5').update(`${username}:${this.realm}:${credential}`).digest();
  }

  private take(bytes: Buffer): void {
    if ((bytes[0] ?? 0) >= 0x40) {
      const length = bytes.readUInt16BE(2);
      this.relayed.push({ channel: bytes.readUInt16BE(0), data: Buffer.from(bytes.subarray(4, 4 + length)) });
      return;
    }
    const message = readStun(bytes);
    if (message === undefined) throw new Error('the server sent what is not STUN');
    if (message.kind !== 'indication') {
      this.answers.set(message.bytes.toString('hex', 8, 20), message);
      return;
    }
    const [peer, data] = [attributeOf(message, attribute.xorPeerAddress), attributeOf(message, attribute.data)];
    const from = peer === undefined ? undefined : readXorAddress(bytes, peer);
    this.relayed.push({ ...(from === undefined ? {} : { peer: from }), data: Buffer.from(data ?? []) });
  }
}

export const udpTransport: StunAttribute = { type: attribute.requestedTransport, value: Buffer.from([17, 0, 0, 0]) };

export function lifetime(seconds: number): StunAttribute {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(seconds);
  return { type: attribute.lifetime, value };
}
