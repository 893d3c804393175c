/** Makes the legs of a worker: the one place that knows which kind is built from what. */
import type { SessionId } from '../../base/ids.js';
import type { LegOptions } from '../plane.js';
import type { EmbeddedMediaOptions } from './embedded-media-options.js';
import { Leg, type LegSeat, type WorkerDeps } from './leg.js';
import type { Negotiation } from './negotiation.js';
import type { PressBook } from './press-book.js';
import { announcedAddresses } from './transport/announced-addresses.js';
import type { LegTransportHandlers } from './transport/leg-transport.js';
import { PortPool, shareOfRange } from './transport/port-pool.js';
import { TrunkNegotiation } from './udp/trunk-negotiation.js';
import { TrunkTransport } from './udp/trunk-transport.js';
import { type DtlsCertificate, makeDtlsCertificate } from './webrtc/certificate.js';
import { WebRtcNegotiation } from './webrtc/web-rtc-negotiation.js';
import { WebRtcTransport } from './webrtc/web-rtc-transport.js';

export interface OpenLeg {
  readonly leg: Leg;
  readonly negotiation: Negotiation;
}

export interface LegRequest {
  readonly session: SessionId;
  readonly seat: LegSeat;
  readonly options: LegOptions;
  readonly cname: string;
  readonly presses: PressBook;
}

export interface LegFactoryOptions {
  readonly media: EmbeddedMediaOptions;
  readonly workerIndex: number;
}

export class LegFactory {
  private readonly browserPorts: PortPool;
  private readonly trunkPorts: PortPool;
  private readonly addresses: readonly [string, ...string[]];

  private constructor(
    private readonly options: LegFactoryOptions,
    private readonly deps: WorkerDeps,
    private readonly certificate: DtlsCertificate,
  ) {
    const { media, workerIndex } = options;
    const { workers, portQuarantineMs: quarantineMs } = media;
    this.browserPorts = new PortPool({ ...shareOfRange(media.browserPorts, workerIndex, workers), portsPerLease: 1, quarantineMs }, deps);
    this.trunkPorts = new PortPool({ ...shareOfRange(media.trunkPorts, workerIndex, workers), portsPerLease: 2, quarantineMs }, deps);
    this.addresses = announcedAddresses(media.bindAddress, media.publicAddress);
  }

  static async create(options: LegFactoryOptions, deps: WorkerDeps): Promise<LegFactory> {
    return new LegFactory(options, deps, await makeDtlsCertificate());
  }

  get leasedPorts(): number {
    return this.browserPorts.leasedPorts + this.trunkPorts.leasedPorts;
  }

  /** Opens the leg's sockets. Rejects with `no-free-ports`. */
  async open(request: LegRequest, handlers: LegTransportHandlers): Promise<OpenLeg> {
    const { session, seat, options, cname, presses } = request;
    const audioMarker = options.kind === 'udp' ? options.audioMarker : undefined;
    const leg = new Leg(
      { session, seat, kind: options.kind, cname, silenceAfterMs: this.options.media.silenceAfterMs, audioMarker },
      { ...this.deps, presses },
    );
    const negotiation =
      options.kind === 'webrtc' ? await this.openWebRtc(leg, handlers) : await this.openTrunk(options.learnFrom, handlers);
    leg.attach(negotiation.transport);
    return { leg, negotiation };
  }

  private async openWebRtc(leg: Leg, handlers: LegTransportHandlers): Promise<WebRtcNegotiation> {
    const { bindAddress, setupTimeoutMs } = this.options.media;
    const { ssrc } = leg.output.sender;
    const { nowMs } = this.deps;
    const transport = await WebRtcTransport.open(
      { bindAddress, ssrc },
      { ports: this.browserPorts, certificate: this.certificate, nowMs },
      handlers,
    );
    return new WebRtcNegotiation(transport, { addresses: this.addresses, ssrc, cname: leg.options.cname, setupTimeoutMs }, { nowMs });
  }

  private async openTrunk(learnFrom: readonly string[], handlers: LegTransportHandlers): Promise<TrunkNegotiation> {
    const { bindAddress, learnWindowMs, learnPackets } = this.options.media;
    const deps = { ports: this.trunkPorts, nowMs: this.deps.nowMs };
    const transport = await TrunkTransport.open({ bindAddress, learnFrom, learnWindowMs, learnPackets }, deps, handlers);
    return new TrunkNegotiation(transport, { address: this.addresses[0] });
  }
}
