import type { CallId } from '../../src/base/ids.js';
import type { CallFact, CallFactBody } from '../../src/call/facts.js';
import type { LegStats } from '../../src/media/plane.js';

/** Facts of a call that begins at this moment. */
export const beganAtMs = Date.UTC(2026, 0, 2, 3, 4, 5);

export function factAt(afterMs: number, body: CallFactBody, callId = 'c-1'): CallFact {
  return { ...body, callId: callId as CallId, atMs: beganAtMs + afterMs };
}

export const legStats = (kind: LegStats['kind'], received: number, dropped: Readonly<Record<string, number>> = {}): LegStats => ({
  kind,
  codec: 'PCMU',
  up: true,
  packetsReceived: received,
  bytesReceived: received * 172,
  packetsSent: received - 10,
  bytesSent: (received - 10) * 172,
  packetsLost: 2,
  jitterMs: 1.23456,
  digitsReceived: 0,
  digitsSent: 0,
  dropped,
});

export const received: CallFactBody = {
  type: 'received',
  direction: 'browser-to-trunk',
  from: { number: 'demo' },
  to: '+15550123456',
  source: '127.0.0.1:50000',
  origin: 'http://127.0.0.1:8080',
};

/** One call with everything that can happen in it: rung, answered, digits, a silence that passes, hung up. */
export const completedCall: readonly CallFact[] = [
  factAt(0, received),
  factAt(5, { type: 'routed', direction: 'browser-to-trunk', trunk: 'carrier', dialled: '+15550123456' }),
  factAt(400, { type: 'progress', status: 183, earlyMedia: true }),
  factAt(500, { type: 'ringing' }),
  factAt(600, { type: 'ringing' }),
  factAt(2000, { type: 'answered' }),
  factAt(2100, { type: 'media-up', leg: 'a', kind: 'browser' }),
  factAt(3000, { type: 'digit', id: 1, from: 'browser', by: 'rfc4733', digit: '5', durationMs: 100 }),
  factAt(3060, { type: 'digit-sent', id: 1, to: 'trunk', as: 'rfc4733', durationMs: 100, packets: 7 }),
  factAt(3100, { type: 'digit', id: 2, from: 'trunk', by: 'rfc4733', digit: '#', durationMs: 100 }),
  factAt(3110, { type: 'digit-sent', id: 2, to: 'browser', as: 'info', durationMs: 100 }),
  factAt(3150, { type: 'digit-acknowledged', id: 2 }),
  factAt(3200, { type: 'digit', id: 3, from: 'browser', by: 'info', durationMs: 100 }),
  factAt(3201, { type: 'digit-failed', id: 3, why: 'not-supported' }),
  factAt(8000, {
    type: 'media-silent',
    leg: 'b',
    kind: 'trunk',
    silentMs: 5000,
    cause: 'source-mismatch',
    detail: 'media comes from elsewhere',
  }),
  factAt(9000, { type: 'media-resumed', leg: 'b', kind: 'trunk' }),
  factAt(9500, { type: 'reoffer', leg: 'b', accepted: true }),
  factAt(9600, { type: 'flow-lost', leg: 'a' }),
  factAt(12_000, {
    type: 'ended',
    by: 'callee',
    disposition: 'completed',
    sipStatus: 200,
    q850: 16,
    talkMs: 10_000,
    totalMs: 12_000,
    codecA: 'PCMU',
    codecB: 'PCMA',
    mediaA: legStats('webrtc', 500, { srtp: 3 }),
    mediaB: legStats('udp', 490),
  }),
];
