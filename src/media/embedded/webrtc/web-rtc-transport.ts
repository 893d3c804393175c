/**
 * The sockets and keys of a browser leg: one UDP port that carries ICE, DTLS, SRTP and SRTCP, told
 * apart by the first byte (RFC 7983 §7). werift sees DTLS records and nothing else: RTP goes from the
 * socket through our own SRTP to the handler and back, on the remote that ICE has selected.
 */
import type { RemoteInfo } from 'node:dgram';
import type { SilenceCause } from '../../plane.js';
import { isRtcp, kindOfDatagram } from '../../rtp/demux.js';
import { SrtcpReceiver, SrtcpSender } from '../srtp/srtcp-context.js';
import { SrtpReceiver, SrtpSender, srtpReplayed } from '../srtp/srtp-context.js';
import { DatagramSocket } from '../transport/datagram-socket.js';
import type { LegTransport, LegTransportHandlers } from '../transport/leg-transport.js';
import type { PortPool } from '../transport/port-pool.js';
import type { DtlsCertificate } from './certificate.js';
import { DataChannelEndpoint } from './data-channel.js';
import { DtlsEndpoint, type SrtpKeyPair } from './dtls-endpoint.js';
import type { ExpectedFingerprint } from './handshake-proof.js';
import { type IceCredentials, IceLiteAgent, newIceCredentials, type SelectedRemote } from './ice-lite.js';

export interface WebRtcTransportOptions {
  readonly bindAddress: string;
  /** SSRC of the one stream we send. */
  readonly ssrc: number;
}

export interface WebRtcTransportDeps {
  readonly ports: PortPool;
  readonly certificate: DtlsCertificate;
  readonly nowMs: () => number;
}

/** What the peer's SDP says of ICE, DTLS and SCTP. */
export interface WebRtcPeer {
  readonly ufrag: string;
  readonly password: string;
  readonly fingerprints: readonly ExpectedFingerprint[];
  readonly sctpPort?: number;
}

/** Without a check for so long the browser is held to be out of reach: it sends one every 2.5 to 5 s. */
const checksLateMs = 7000;
/** Consent runs out; RFC 7675 §5.1 allows 30 s at most. */
const consentMs = 20_000;

interface Keys {
  readonly srtpIn: SrtpReceiver;
  readonly srtpOut: SrtpSender;
  readonly srtcpIn: SrtcpReceiver;
  readonly srtcpOut: SrtcpSender;
}

export class WebRtcTransport implements LegTransport {
  private credentials: IceCredentials = newIceCredentials();
  private agent: IceLiteAgent;
  /** After an ICE restart: answers for the old credentials until the browser has chosen with the new. */
  private formerAgent: IceLiteAgent | undefined;
  private remote: SelectedRemote | undefined;
  private readonly dtls: DtlsEndpoint;
  private dataChannel: DataChannelEndpoint | undefined;
  private sctpPort: number | undefined;
  private peerUfrag: string | undefined;
  private keys: Keys | undefined;
  /** Has failed or is gone: nothing is taken or sent any more. */
  private ended = false;
  private closed = false;

  private constructor(
    private readonly options: WebRtcTransportOptions,
    private readonly deps: WebRtcTransportDeps,
    private readonly handlers: LegTransportHandlers,
    private readonly socket: DatagramSocket,
    readonly port: number,
  ) {
    this.agent = this.newAgent();
    this.dtls = new DtlsEndpoint(deps.certificate, {
      send: (bytes) => this.sendToRemote(bytes, bytes.length),
      onUp: (keys) => this.onKeys(keys),
      onFailed: (cause, detail) => this.end(() => handlers.onFailed(cause, detail)),
      onClosed: (detail) => this.end(() => handlers.onGone(detail)),
      onData: (data) => this.onSctp(data),
    });
  }

  /** Binds a port of the pool. Rejects with `no-free-ports`. */
  static async open(options: WebRtcTransportOptions, deps: WebRtcTransportDeps, handlers: LegTransportHandlers): Promise<WebRtcTransport> {
    let transport: WebRtcTransport | undefined;
    const receive = (datagram: Buffer, from: RemoteInfo): void => transport?.receive(datagram, from);
    const { port, bound } = await deps.ports.lease((candidate) => DatagramSocket.bind(options.bindAddress, candidate, receive));
    transport = new WebRtcTransport(options, deps, handlers, bound, port);
    return transport;
  }

  /** Our ICE credentials, for the SDP. */
  get ice(): IceCredentials {
    return this.credentials;
  }

  get fingerprint(): string {
    return this.deps.certificate.fingerprint;
  }

  get isReady(): boolean {
    return this.keys !== undefined && !this.ended;
  }

  get sockets(): number {
    return this.closed ? 0 : 1;
  }

  /**
   * Whether that SDP restarts ICE (RFC 8839 §4.4.1.1.1). Then our credentials are new as well, and
   * media goes on over the old pair until the browser has chosen another.
   */
  restartIceFor(ufrag: string): boolean {
    if (this.peerUfrag === undefined || this.peerUfrag === ufrag) return false;
    this.credentials = newIceCredentials();
    // One that the browser never used (a restart we refused) leaves the one in use in its place.
    if (this.agent.lastCheckAtMs !== undefined) this.formerAgent = this.agent;
    this.agent = this.newAgent();
    return true;
  }

  /** Takes the peer's side of the SDP. */
  expectPeer(peer: WebRtcPeer): void {
    this.peerUfrag = peer.ufrag;
    this.agent.expectPeer(peer.ufrag);
    this.sctpPort = peer.sctpPort;
    this.dtls.expect(peer.fingerprints);
    this.startDataChannel();
  }

  send(buffer: Buffer, length: number, index: number): boolean {
    const keys = this.keys;
    if (keys === undefined || this.ended) return false;
    const protectedLength = keys.srtpOut.protect(buffer, length, index);
    if (protectedLength < 0) return false;
    this.sendToRemote(buffer, protectedLength);
    return true;
  }

  sendRtcp(buffer: Buffer, length: number): void {
    const keys = this.keys;
    if (keys === undefined || this.ended) return;
    const protectedLength = keys.srtcpOut.protect(buffer, length);
    if (protectedLength > 0) this.sendToRemote(buffer, protectedLength);
  }

  sendText(text: string): boolean {
    return !this.ended && this.dataChannel?.sendText(text) === true;
  }

  tick(nowMs: number): void {
    const { lastCheckAtMs } = this;
    if (this.ended || !this.isReady || lastCheckAtMs === undefined || nowMs - lastCheckAtMs < consentMs) return;
    this.end(() =>
      this.handlers.onGone(`no ICE check from the browser for ${Math.round(consentMs / 1000)} s: its network or its tab is gone`),
    );
  }

  /** ICE checks tell already. */
  investigateSilence(): void {}

  silenceCause(nowMs: number): SilenceCause | undefined {
    const { lastCheckAtMs } = this;
    if (lastCheckAtMs !== undefined && nowMs - lastCheckAtMs > checksLateMs) return 'ice-lost';
    return this.keys === undefined ? 'dtls-pending' : undefined;
  }

  /** What is missing of the set-up, for the sentence that goes with a time-out. */
  get progress(): 'no-checks' | 'no-nomination' | 'no-handshake' {
    if (this.agent.lastCheckAtMs === undefined) return 'no-checks';
    return this.agent.selected === undefined ? 'no-nomination' : 'no-handshake';
  }

  /** Data channel first, then DTLS with its goodbye, then the socket: each still has what it speaks through. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.ended = true;
    this.dataChannel?.close();
    this.dtls.close();
    this.closed = true;
    await this.socket.close();
    this.deps.ports.release(this.port);
  }

  private newAgent(): IceLiteAgent {
    const agent: IceLiteAgent = new IceLiteAgent(this.credentials, {
      nowMs: this.deps.nowMs,
      send: (bytes, port, address) => this.socket.send(bytes, bytes.length, port, address),
      onSelected: (remote) => {
        this.remote = remote;
        if (agent === this.agent) this.formerAgent = undefined;
      },
    });
    return agent;
  }

  private get lastCheckAtMs(): number | undefined {
    return this.agent.lastCheckAtMs ?? this.formerAgent?.lastCheckAtMs;
  }

  private receive(datagram: Buffer, from: RemoteInfo): void {
    if (datagram.length === 0 || this.ended) return;
    switch (kindOfDatagram(datagram[0] as number)) {
      case 'rtp':
        this.receiveMedia(datagram, from);
        return;
      case 'stun':
        if (!this.agent.receive(datagram, from.address, from.port)) this.formerAgent?.receive(datagram, from.address, from.port);
        return;
      case 'dtls':
        if (this.isKnown(from)) {
          // Before the browser has nominated, its handshake is answered to where it came from.
          this.remote ??= { address: from.address, port: from.port };
          this.dtls.receive(datagram);
        } else this.handlers.onDropped('source');
        return;
      default:
        this.handlers.onDropped('malformed');
    }
  }

  private isKnown(from: RemoteInfo): boolean {
    const remote = this.remote;
    if (remote !== undefined && remote.port === from.port && remote.address === from.address) return true;
    return this.agent.knows(from.address, from.port) || this.formerAgent?.knows(from.address, from.port) === true;
  }

  private receiveMedia(datagram: Buffer, from: RemoteInfo): void {
    const { handlers, keys } = this;
    if (!this.isKnown(from)) {
      handlers.onDropped('source');
      return;
    }
    if (keys === undefined) {
      handlers.onDropped('before-dtls');
      return;
    }
    const rtcp = datagram.length > 1 && isRtcp(datagram[1] as number);
    const length = rtcp ? keys.srtcpIn.unprotect(datagram, datagram.length) : keys.srtpIn.unprotect(datagram, datagram.length);
    if (length < 0) handlers.onDropped(length === srtpReplayed ? 'replay' : 'srtp');
    else if (rtcp) handlers.onRtcp(datagram, length);
    else handlers.onRtp(datagram, length);
  }

  private onKeys({ local, remote }: SrtpKeyPair): void {
    this.keys = {
      srtpIn: new SrtpReceiver(remote),
      srtpOut: new SrtpSender(local, this.options.ssrc),
      srtcpIn: new SrtcpReceiver(remote),
      srtcpOut: new SrtcpSender(local),
    };
    this.startDataChannel();
    this.handlers.onUp();
  }

  private startDataChannel(): void {
    if (this.keys === undefined || this.sctpPort === undefined || this.dataChannel !== undefined) return;
    this.dataChannel = new DataChannelEndpoint({
      send: (data) => this.dtls.sendData(data),
      onOpen: () => this.handlers.onChannel(),
      onText: (text) => this.handlers.onText(text),
      nowMs: this.deps.nowMs,
    });
    this.dataChannel.start(this.sctpPort);
  }

  private onSctp(data: Buffer): void {
    this.dataChannel?.receive(data);
  }

  private sendToRemote(bytes: Buffer, length: number): void {
    const remote = this.remote;
    if (remote !== undefined) this.socket.send(bytes, length, remote.port, remote.address);
  }

  private end(tell: () => void): void {
    if (this.ended) return;
    this.ended = true;
    tell();
  }
}
