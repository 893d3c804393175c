import { randomBytes } from 'node:crypto';
import type { DatagramSocket } from '../media/embedded/transport/datagram-socket.js';
import { writeXorAddress, xorHeader } from '../media/stun/stun-address.js';
import { writeStun } from '../media/stun/stun-message.js';
import { ByteAllowance } from './byte-allowance.js';
import type { ClientPath } from './client-path.js';
import type { PeerRule } from './peer-rule.js';
import type { TurnUser } from './turn-auth.js';
import { attribute, method } from './turn-words.js';

export interface AllocationOptions {
  readonly client: ClientPath;
  readonly user: TurnUser;
  /** Of the request that made it, to know a repetition by. */
  readonly transactionId: Buffer;
  readonly lifetimeMs: number;
  readonly bytesPerSecond: number;
}

interface AllocationDeps {
  readonly peer: PeerRule;
  readonly nowMs: () => number;
}

interface Channel {
  readonly number: number;
  readonly port: number;
  expiresAtMs: number;
}

/** RFC 8656 §9: a permission lives five minutes, §12: a channel ten. */
const permissionMs = 300_000;
const channelMs = 600_000;
/** A browser has a channel for each port it sends to: one, or two while a call moves. */
const maxChannels = 16;

const channelHeaderBytes = 4;

/**
 * A relay of one client (RFC 8656 §3.2): a UDP port whose datagrams go to the client, and from which the
 * client's go to the peers it has given leave. The peers have one address, so the leave is one too.
 */
export class Allocation {
  readonly client: ClientPath;
  readonly user: TurnUser;
  readonly transactionId: Buffer;
  expiresAtMs: number;

  private relay: DatagramSocket | undefined;
  private permittedUntilMs = Number.NEGATIVE_INFINITY;
  private readonly channels = new Map<number, Channel>();
  private readonly channelsByPort = new Map<number, Channel>();
  private readonly toPeers: ByteAllowance;
  private readonly toClient: ByteAllowance;

  constructor(
    options: AllocationOptions,
    private readonly deps: AllocationDeps,
  ) {
    const nowMs = deps.nowMs();
    this.client = options.client;
    this.user = options.user;
    this.transactionId = options.transactionId;
    this.expiresAtMs = nowMs + options.lifetimeMs;
    this.toPeers = new ByteAllowance(options.bytesPerSecond, nowMs);
    this.toClient = new ByteAllowance(options.bytesPerSecond, nowMs);
  }

  /** The socket, once it is bound. */
  open(relay: DatagramSocket): void {
    this.relay = relay;
  }

  get relayPort(): number {
    return this.relay?.port ?? 0;
  }

  permit(): void {
    this.permittedUntilMs = this.deps.nowMs() + permissionMs;
  }

  /** Binds or renews a channel, and with it the permission; false when one of the two belongs to another (RFC 8656 §12.2). */
  bindChannel(number: number, port: number): boolean {
    const nowMs = this.deps.nowMs();
    this.forgetChannels(nowMs);
    const [known, atPort] = [this.channels.get(number), this.channelsByPort.get(port)];
    if (known !== atPort || (known === undefined && this.channels.size >= maxChannels)) return false;
    const channel: Channel = known ?? { number, port, expiresAtMs: 0 };
    channel.expiresAtMs = nowMs + channelMs;
    this.channels.set(number, channel);
    this.channelsByPort.set(port, channel);
    this.permit();
    return true;
  }

  /** Relays what came on a channel. Nothing happens when there is no such channel. */
  sendOnChannel(number: number, data: Buffer): void {
    const channel = this.channels.get(number);
    if (channel !== undefined && channel.expiresAtMs > this.deps.nowMs()) this.sendToPeer(channel.port, data);
  }

  /** Relays to a port that the rule allows. */
  sendToPeer(port: number, data: Buffer): void {
    const nowMs = this.deps.nowMs();
    if (this.permittedUntilMs <= nowMs || !this.toPeers.take(data.length, nowMs)) return;
    this.relay?.send(data, data.length, port, this.deps.peer.localAddress);
  }

  /** A datagram that reached the relay. */
  receive(data: Buffer, address: string, port: number): void {
    const { peer } = this.deps;
    const nowMs = this.deps.nowMs();
    if (this.permittedUntilMs <= nowMs || !peer.isPeer(address, port) || !this.toClient.take(data.length, nowMs)) return;
    const channel = this.channelsByPort.get(port);
    const onChannel = channel !== undefined && channel.expiresAtMs > nowMs;
    this.client.send(onChannel ? channelData(channel.number, data, this.client.isStream) : dataIndication(peer.address, port, data));
  }

  async close(): Promise<void> {
    await this.relay?.close();
  }

  private forgetChannels(nowMs: number): void {
    for (const channel of this.channels.values()) {
      if (channel.expiresAtMs > nowMs) continue;
      this.channels.delete(channel.number);
      this.channelsByPort.delete(channel.port);
    }
  }
}

/** On a stream the message is padded to four bytes, on UDP it need not be (RFC 8656 §12.5). */
function channelData(number: number, data: Buffer, padded: boolean): Buffer {
  const length = channelHeaderBytes + data.length;
  const out = Buffer.alloc(padded ? length + ((4 - (length % 4)) % 4) : length);
  out.writeUInt16BE(number, 0);
  out.writeUInt16BE(data.length, 2);
  data.copy(out, channelHeaderBytes);
  return out;
}

function dataIndication(address: string, port: number, data: Buffer): Buffer {
  const transactionId = randomBytes(12);
  return writeStun({
    method: method.data,
    kind: 'indication',
    transactionId,
    attributes: [
      { type: attribute.xorPeerAddress, value: writeXorAddress(xorHeader(transactionId), address, port) },
      { type: attribute.data, value: data },
    ],
  });
}
