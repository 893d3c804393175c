import type { SessionId } from '../../src/base/ids.js';
import type { LiveObjects } from '../../src/base/live-objects.js';
import type { LegName, LegSlot, LegStats, MediaEvent, MediaPlane, PressId, SessionStats } from '../../src/media/plane.js';

const firstPort = 20_000;
const lastPort = 60_000;

const sdp = (port: number): string =>
  [
    'v=0',
    `o=- ${port} 1 IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');

const stats: LegStats = {
  kind: 'udp',
  codec: 'PCMU',
  up: true,
  packetsReceived: 0,
  bytesReceived: 0,
  packetsSent: 0,
  bytesSent: 0,
  packetsLost: 0,
  jitterMs: 0,
  digitsReceived: 0,
  digitsSent: 0,
  dropped: {},
};

/**
 * A media plane out of the way: it answers every SDP at once, reports both legs up as a plane would
 * once packets flow, and moves no packets. What remains to be measured is the signalling.
 */
export class SdpOnlyPlane implements MediaPlane {
  private readonly sessions = new Set<SessionId>();
  private handler: (event: MediaEvent) => void = () => {};
  private port = firstPort;

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.sessions.clear();
    return Promise.resolve();
  }

  onEvent(handler: (event: MediaEvent) => void): void {
    this.handler = handler;
  }

  async open(session: SessionId): Promise<void> {
    this.sessions.add(session);
  }

  async offer(): Promise<string> {
    return this.nextSdp();
  }

  async answer(session: SessionId, leg: LegSlot): Promise<string> {
    this.reportUp(session, leg);
    return this.nextSdp();
  }

  async accept(session: SessionId, leg: LegSlot): Promise<void> {
    this.reportUp(session, leg);
  }

  async replace(_session: SessionId, _leg: LegName): Promise<LegStats> {
    return stats;
  }

  async drop(): Promise<LegStats> {
    return stats;
  }

  async sendDigits(): Promise<readonly PressId[]> {
    return [];
  }

  async sendMessage(): Promise<boolean> {
    return false;
  }

  async statsOf(sessions: readonly SessionId[]): Promise<readonly SessionStats[]> {
    return Promise.all(sessions.map((session) => this.stats(session)));
  }

  async stats(session: SessionId): Promise<SessionStats> {
    return {
      session,
      path: ['udp(PCMU,te 101/8000) > udp(PCMU,te 101/8000)', 'udp(PCMU,te 101/8000) > udp(PCMU,te 101/8000)'],
      a: stats,
      b: stats,
    };
  }

  async close(session: SessionId): Promise<SessionStats | undefined> {
    return this.sessions.delete(session) ? this.stats(session) : undefined;
  }

  async liveObjects(): Promise<LiveObjects> {
    return { media_session: this.sessions.size };
  }

  private nextSdp(): string {
    this.port = this.port + 2 < lastPort ? this.port + 2 : firstPort;
    return sdp(this.port);
  }

  private reportUp(session: SessionId, leg: LegSlot): void {
    setImmediate(() => {
      if (this.sessions.has(session)) this.handler({ type: 'leg-up', session, leg });
    });
  }
}
