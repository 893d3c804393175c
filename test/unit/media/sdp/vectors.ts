import { readFileSync } from 'node:fs';
import { GatewayError } from '../../../../src/base/errors.js';
import type { LocalUdp, UdpAudioOptions } from '../../../../src/media/sdp/udp-sdp.js';
import type { LocalWebRtc } from '../../../../src/media/sdp/webrtc-transport.js';

/** A file of test/vectors/sdp. */
export function vector(name: string): string {
  return readFileSync(new URL(`../../../vectors/sdp/${name}.sdp`, import.meta.url), 'utf8');
}

export const LOCAL_WEBRTC: LocalWebRtc = {
  address: '203.0.113.5',
  port: 40_000,
  ice: {
    usernameFragment: 'gwuf',
    password: 'gwpasswordgwpasswordgw',
    lite: true,
    candidates: ['1 1 udp 2130706431 203.0.113.5 40000 typ host'],
  },
  fingerprint: { algorithm: 'sha-256', value: 'AA:BB:CC' },
  setup: 'passive',
  ssrc: 4_000_000_000,
  cname: 'gateway',
  streamId: 'call',
  trackId: 'call-audio',
  dataChannel: { sctpPort: 5000, maxMessageSize: 65_536 },
};

export const LOCAL_UDP: LocalUdp = { address: '203.0.113.5', port: 30_000, rtcpPort: 30_001 };
export const UDP_OPTIONS: UdpAudioOptions = { codecs: ['PCMU', 'PCMA'], direction: 'sendrecv', rtcpMux: false };

/** The code and detail of the typed error that `run` throws. */
export function errorOf(run: () => unknown): { readonly code: string; readonly detail?: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof GatewayError) return error.info as { readonly code: string };
    throw error;
  }
  throw new Error('nothing was thrown');
}
