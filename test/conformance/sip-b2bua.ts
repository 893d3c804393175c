import { formatHostPort, type HostPort } from '../../src/base/address.js';
import type { Clock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { InboundCall } from '../../src/sip/port.js';

/** What carries the sound between the two calls of a B2BUA. */
export interface BridgedMedia {
  /** Takes the calling side's offer, gives the one for the called side. */
  begin(call: string, offer: string): Promise<string>;
  /** Takes the called side's answer, gives the one for the calling side. */
  complete(call: string, answer: string): Promise<string>;
  end(call: string): Promise<void>;
}

const noWebSocket = { allowedOrigins: [], handshakeTimeoutMs: 1_000, maxMessageBytes: 1_024, pingIntervalMs: 0, maxConnections: 0 };

/** The least signalling that makes a gateway of something that moves RTP: each call that comes in is put through to one address. */
export class SipB2bua {
  private readonly sip: EmbeddedSip;
  private target: HostPort | undefined;

  constructor(private readonly deps: { readonly clock: Clock; readonly media: BridgedMedia }) {
    const listen = [{ transport: 'udp' as const, host: '127.0.0.1', port: 0 }];
    this.sip = new EmbeddedSip({ listen, webSocket: noWebSocket, userAgent: 'b2bua' }, { clock: deps.clock, log: silentLog });
    this.sip.onCall((call) => void this.putThrough(call).catch(() => call.reject(500)));
  }

  /** Starts; calls go to `target` from now on. */
  async start(target: HostPort): Promise<void> {
    this.target = target;
    await this.sip.start();
  }

  stop(): Promise<void> {
    return this.sip.stop();
  }

  /** What to call; valid after `start`. */
  uri(): string {
    const { host, port } = this.sip.bound()[0] ?? { host: '127.0.0.1', port: 0 };
    return `sip:+15550111@${formatHostPort({ host, port })}`;
  }

  private async putThrough(call: InboundCall): Promise<void> {
    const { media } = this.deps;
    if (call.offer === undefined || this.target === undefined) return call.reject(488);
    const id = call.callIdHeader;
    const offer = await media.begin(id, call.offer);
    const outcome = await this.sip.call({
      requestUri: `sip:+15550177@${formatHostPort(this.target)}`,
      from: { uri: 'sip:+15550100@127.0.0.1' },
      offer,
      sessionTimer: 'off',
    }).outcome;
    if (outcome.kind !== 'answered') {
      await media.end(id);
      return call.reject(outcome.kind === 'rejected' ? outcome.status : 503);
    }
    const { dialog: far } = outcome;
    const near = call.answer(await media.complete(id, outcome.sdp), { sessionTimer: 'off' });
    const over = (): void => {
      void near.bye();
      void far.bye();
      void media.end(id).catch(() => {});
    };
    near.onEnd(over);
    far.onEnd(over);
  }
}
