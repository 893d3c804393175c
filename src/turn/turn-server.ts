/**
 * A TURN server as such (RFC 8656), without its listeners: takes what clients send and answers it.
 *
 * It is small on purpose. It relays UDP only, over one address, and only to the ports the rule allows
 * (`PeerRule`); it knows no Even-Port reservation and no DONT-FRAGMENT, and says so as the RFC has it.
 */
import type { Clock } from '../base/clock.js';
import { readXorAddress, writeXorAddress } from '../media/stun/stun-address.js';
import { attributeOf, readStun, type StunAttribute, type StunMessage, writeStun } from '../media/stun/stun-message.js';
import { STUN_HEADER_BYTES } from '../media/stun/stun-seal.js';
import type { Allocation } from './allocation.js';
import { AllocationBook, type TurnQuotas } from './allocation-book.js';
import { AnswerRate } from './answer-rate.js';
import type { ClientPath } from './client-path.js';
import { PeerRule, type PeerRuleOptions } from './peer-rule.js';
import { TurnAuth, type TurnUser } from './turn-auth.js';
import {
  attribute,
  errorValue,
  familyIpv4,
  familyIpv6,
  firstChannel,
  firstOptionalAttribute,
  isChannelByte,
  lastChannel,
  method,
  type TurnError,
  udpProtocol,
} from './turn-words.js';

export interface TurnServerOptions {
  readonly realm: string;
  readonly secret: string;
  readonly relayPorts: { readonly min: number; readonly max: number };
  readonly peer: PeerRuleOptions;
  readonly quotas: TurnQuotas;
}

/** An answer: what a success holds, or why there is none. */
type Outcome = readonly StunAttribute[] | TurnError;

/** RFC 8656 §3.2: ten minutes unless more is asked for, and an hour at most. */
const defaultLifetimeSeconds = 600;
const maxLifetimeSeconds = 3_600;

const understood: ReadonlySet<number> = new Set([
  ...[attribute.username, attribute.realm, attribute.nonce, attribute.lifetime, attribute.xorPeerAddress, attribute.data],
  ...[attribute.channelNumber, attribute.requestedAddressFamily, attribute.evenPort, attribute.requestedTransport],
  attribute.reservationToken,
]);

export class TurnServer {
  private readonly peer: PeerRule;
  private readonly auth: TurnAuth;
  private readonly book: AllocationBook;
  private readonly rate: AnswerRate;

  constructor(
    options: TurnServerOptions,
    private readonly deps: { readonly clock: Clock },
  ) {
    const { clock } = deps;
    this.peer = new PeerRule(options.peer);
    this.auth = new TurnAuth(options, { clock });
    this.book = new AllocationBook(options, { clock, peer: this.peer });
    this.rate = new AnswerRate({ clock });
  }

  get allocations(): number {
    return this.book.size;
  }

  /** Whether a client has an allocation, or is being made one. */
  serves(client: ClientPath): boolean {
    return this.book.find(client) !== undefined || this.book.isBinding(client);
  }

  /** Takes one message of a client: one datagram, or what `StreamFraming` cut out of its stream. */
  receive(bytes: Buffer, client: ClientPath): void {
    const first = bytes[0] ?? 0xff;
    if (isChannelByte(first)) this.takeChannelData(bytes, client);
    const message = first > 3 ? undefined : readStun(bytes);
    if (message?.kind === 'indication' && message.method === method.send) this.takeSend(message, client);
    else if (message?.kind === 'request') this.takeRequest(message, client);
  }

  /** The client's connection has ended, and with it what it had. */
  gone(client: ClientPath): void {
    void this.book.end(client);
  }

  stop(): Promise<void> {
    return this.book.endAll();
  }

  private takeChannelData(bytes: Buffer, client: ClientPath): void {
    if (bytes.length < 4) return;
    const length = bytes.readUInt16BE(2);
    if (4 + length > bytes.length) return;
    this.book.find(client)?.sendOnChannel(bytes.readUInt16BE(0), bytes.subarray(4, 4 + length));
  }

  /** RFC 8656 §11.2: an indication that may not be is dropped without a word. */
  private takeSend(message: StunMessage, client: ClientPath): void {
    const data = attributeOf(message, attribute.data);
    const to = this.peersIn(message)[0];
    if (data === undefined || to === undefined || to === 'damaged' || unknownIn(message).length > 0) return;
    if (this.peer.allows(to.address) && this.peer.allowsPort(to.port)) this.book.find(client)?.sendToPeer(to.port, data);
  }

  private takeRequest(message: StunMessage, client: ClientPath): void {
    if (message.method === method.binding) this.answerBinding(message, client);
    else this.authenticate(message, client);
  }

  private authenticate(message: StunMessage, client: ClientPath): void {
    const allocation = this.book.find(client);
    const verdict = this.auth.check(message, client.id, allocation?.user);
    if (verdict.kind === 'refused') {
      if (client.isStream || this.rate.mayAnswer(client.address)) this.refuse(message, client, verdict.code, verdict.attributes);
      return;
    }
    const { user } = verdict;
    const unknown = unknownIn(message);
    if (unknown.length > 0) {
      const value = Buffer.alloc(unknown.length * 2);
      for (const [at, type] of unknown.entries()) value.writeUInt16BE(type, at * 2);
      this.refuse(message, client, 420, [{ type: attribute.unknownAttributes, value }], user);
    } else if (message.method === method.allocate) void this.allocate(message, client, user);
    else this.answer(message, client, user, this.outcomeOf(message, client, allocation));
  }

  /** Of requests within an allocation. */
  private outcomeOf(message: StunMessage, client: ClientPath, allocation: Allocation | undefined): Outcome {
    const known: readonly number[] = [method.refresh, method.createPermission, method.channelBind];
    if (!known.includes(message.method)) return 400;
    if (allocation === undefined) return 437;
    if (message.method === method.refresh) return this.refresh(message, client, allocation);
    if (message.method === method.createPermission) return this.createPermission(message, allocation);
    return this.bindChannel(message, allocation);
  }

  private answerBinding(message: StunMessage, client: ClientPath): void {
    if (!client.isStream && !this.rate.mayAnswer(client.address)) return;
    const value = writeXorAddress(message.bytes, client.address, client.port);
    const unknown = unknownIn(message).length > 0;
    if (unknown) this.refuse(message, client, 420, []);
    else this.write(message, client, 'success', [{ type: attribute.xorMappedAddress, value }]);
  }

  private async allocate(message: StunMessage, client: ClientPath, user: TurnUser): Promise<void> {
    const transactionId = message.bytes.subarray(8, STUN_HEADER_BYTES);
    const existing = this.book.find(client);
    if (existing !== undefined) {
      // Over UDP the answer may have been lost: the same request gets the same answer (RFC 8656 §7.2).
      const repeated = existing.transactionId.equals(transactionId);
      return this.answer(message, client, user, repeated ? this.allocated(message, existing) : 437);
    }
    if (this.book.isBinding(client)) return;
    const fault = this.faultOfAllocate(message);
    if (fault !== undefined) return this.answer(message, client, user, fault);
    const lifetimeMs = lifetimeSecondsOf(message) * 1000;
    const evenPort = attributeOf(message, attribute.evenPort) !== undefined;
    const made = await this.book.make({ client, user, transactionId: Buffer.from(transactionId), lifetimeMs, evenPort });
    if (made === undefined) return;
    this.answer(message, client, user, typeof made === 'number' ? made : this.allocated(message, made));
  }

  private faultOfAllocate(message: StunMessage): TurnError | undefined {
    const transport = attributeOf(message, attribute.requestedTransport);
    if (transport?.length !== 4) return 400;
    if (transport[0] !== udpProtocol) return 442;
    const family = attributeOf(message, attribute.requestedAddressFamily)?.[0];
    if ((family ?? familyIpv4) !== (this.peer.isIpv6 ? familyIpv6 : familyIpv4)) return 440;
    const even = attributeOf(message, attribute.evenPort);
    const token = attributeOf(message, attribute.reservationToken);
    if (even !== undefined && token !== undefined) return 400;
    // No port is ever kept for later (R bit), so that no token is good.
    return token !== undefined || ((even?.[0] ?? 0) & 0x80) !== 0 ? 508 : undefined;
  }

  private allocated(message: StunMessage, allocation: Allocation): readonly StunAttribute[] {
    const { client, expiresAtMs } = allocation;
    const header = message.bytes;
    const leftSeconds = Math.max(0, Math.round((expiresAtMs - this.deps.clock.nowMs()) / 1000));
    const second = attributeOf(message, attribute.additionalAddressFamily);
    return [
      { type: attribute.xorRelayedAddress, value: writeXorAddress(header, this.peer.localAddress, allocation.relayPort) },
      { type: attribute.lifetime, value: secondsValue(leftSeconds) },
      { type: attribute.xorMappedAddress, value: writeXorAddress(header, client.address, client.port) },
      ...(second === undefined ? [] : [{ type: attribute.addressErrorCode, value: addressError(second) }]),
    ];
  }

  private refresh(message: StunMessage, client: ClientPath, allocation: Allocation): Outcome {
    const family = attributeOf(message, attribute.requestedAddressFamily)?.[0];
    if (family !== undefined && family !== (this.peer.isIpv6 ? familyIpv6 : familyIpv4)) return 443;
    const wished = attributeOf(message, attribute.lifetime);
    if (wished?.length === 4 && wished.readUInt32BE(0) === 0) {
      void this.book.end(client);
      return [{ type: attribute.lifetime, value: secondsValue(0) }];
    }
    const lifetime = lifetimeSecondsOf(message);
    allocation.expiresAtMs = this.deps.clock.nowMs() + lifetime * 1000;
    return [{ type: attribute.lifetime, value: secondsValue(lifetime) }];
  }

  private createPermission(message: StunMessage, allocation: Allocation): Outcome {
    const peers = this.peersIn(message);
    if (peers.length === 0) return 400;
    for (const peer of peers) {
      if (peer === 'damaged') return 400;
      if (!this.peer.allows(peer.address)) return this.whyNot(peer.address);
    }
    allocation.permit();
    return [];
  }

  private bindChannel(message: StunMessage, allocation: Allocation): Outcome {
    const channel = attributeOf(message, attribute.channelNumber);
    const peer = this.peersIn(message)[0];
    if (channel?.length !== 4 || peer === undefined || peer === 'damaged') return 400;
    const number = channel.readUInt16BE(0);
    if (number < firstChannel || number > lastChannel) return 400;
    if (!this.peer.allows(peer.address)) return this.whyNot(peer.address);
    if (!this.peer.allowsPort(peer.port)) return 403;
    return allocation.bindChannel(number, peer.port) ? [] : 400;
  }

  private whyNot(address: string): TurnError {
    return address.includes(':') === this.peer.isIpv6 ? 403 : 443;
  }

  private peersIn(message: StunMessage): ReadonlyArray<{ readonly address: string; readonly port: number } | 'damaged'> {
    return message.attributes
      .filter(({ type }) => type === attribute.xorPeerAddress)
      .map(({ value }) => readXorAddress(message.bytes, value) ?? 'damaged');
  }

  private answer(message: StunMessage, client: ClientPath, user: TurnUser, outcome: Outcome): void {
    if (typeof outcome === 'number') this.refuse(message, client, outcome, [], user);
    else this.write(message, client, 'success', outcome, user);
  }

  private refuse(message: StunMessage, client: ClientPath, code: TurnError, more: readonly StunAttribute[], user?: TurnUser): void {
    this.write(message, client, 'error', [{ type: attribute.errorCode, value: errorValue(code) }, ...more], user);
  }

  private write(
    message: StunMessage,
    client: ClientPath,
    kind: 'success' | 'error',
    attributes: readonly StunAttribute[],
    user?: TurnUser,
  ): void {
    const transactionId = message.bytes.subarray(8, STUN_HEADER_BYTES);
    const key = user === undefined ? {} : { key: user.key };
    client.send(writeStun({ method: message.method, kind, transactionId, attributes, ...key, fingerprint: message.hasFingerprint }));
  }
}

const unknownIn = (message: StunMessage): number[] =>
  message.attributes.map(({ type }) => type).filter((type) => type < firstOptionalAttribute && !understood.has(type));

function lifetimeSecondsOf(message: StunMessage): number {
  const wished = attributeOf(message, attribute.lifetime);
  const seconds = wished?.length === 4 ? wished.readUInt32BE(0) : 0;
  return Math.min(maxLifetimeSeconds, Math.max(defaultLifetimeSeconds, seconds));
}

function secondsValue(seconds: number): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(seconds);
  return value;
}

/** ADDRESS-ERROR-CODE for the second family a client asked for: there is none (RFC 8656 §18.8). */
function addressError(wished: Buffer): Buffer {
  return Buffer.concat([Buffer.from([wished[0] ?? familyIpv6, 0, 4, 40]), errorValue(440).subarray(4)]);
}
