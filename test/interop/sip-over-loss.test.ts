import { afterAll, beforeAll, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import { joinBackToBack } from '../support/back-to-back.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-ports.js';
import { LossyRelay } from '../support/lossy-relay.js';
import { describeWithPeers } from '../support/peers.js';
import { Sipp } from '../support/sipp.js';

const calls = 200;
const loss = 0.2;
/** 64·T1: the longest that any transaction may live on (RFC 3261 §17, timers B, F, H, J). */
const transactionLifeMs = 32_000;

describeWithPeers('SIP over UDP that loses a fifth of all datagrams each way', ['sipp'], () => {
  const clock = new SystemClock();
  const sip = new EmbeddedSip(
    {
      listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
      webSocket: { allowedOrigins: [], handshakeTimeoutMs: 5_000, maxMessageBytes: 65_536, pingIntervalMs: 30_000, maxConnections: 10 },
      userAgent: 'test',
    },
    { clock, log: silentLog },
  );
  const open: { dispose(): Promise<void> }[] = [];
  beforeAll(() => sip.start());
  afterAll(async () => {
    for (const one of open.splice(0).reverse()) await one.dispose();
    await sip.stop();
  });

  it('sets up and ends 200 calls of SIPp to SIPp, each once, and keeps nothing of them', { timeout: 150_000 }, async () => {
    const idle = sip.liveObjects();
    const ownPort = sip.bound()[0]?.port ?? 0;
    const phonePort = await freePort();
    const nearRelay = await LossyRelay.start({ target: { host: '127.0.0.1', port: ownPort }, loss, seed: 11 });
    const farRelay = await LossyRelay.start({ target: { host: '127.0.0.1', port: phonePort }, loss, seed: 12 });
    open.push(nearRelay, farRelay);
    const counts = joinBackToBack(sip, `127.0.0.1:${farRelay.port}`, '100');
    const phone = await Sipp.start({
      scenario: 'uas-over-loss',
      port: phonePort,
      calls: 10 * calls,
      fill: { contactPort: String(farRelay.port) },
      withinSeconds: 200,
    });
    open.push(phone);
    const caller = await Sipp.start({
      scenario: 'uac-over-loss',
      port: await freePort(),
      calls,
      remote: `127.0.0.1:${nearRelay.port}`,
      fill: { number: '100' },
      // As many repetitions as 64·T1 has room for.
      args: ['-r', '20', '-max_invite_retrans', '7', '-max_non_invite_retrans', '11'],
      withinSeconds: 90,
    });
    open.push(caller);
    const atCaller = await caller.ended(95_000);
    const explain = (): string => `${JSON.stringify(counts)}\n${JSON.stringify(sip.liveObjects())}\n${caller.describe()}`;
    await eventually(() => (counts.endedByCaller + counts.endedOtherwise === counts.answered ? true : undefined), {
      what: 'every answered call has ended',
      withinMs: transactionLifeMs,
      explain,
    });
    await eventually(() => (JSON.stringify(sip.liveObjects()) === JSON.stringify(idle) ? true : undefined), {
      what: `the stack is as idle as before (${JSON.stringify(idle)})`,
      withinMs: 2 * transactionLifeMs,
      everyMs: 200,
      explain,
    });

    for (const relay of [nearRelay, farRelay]) {
      expect(relay.counts.lostForward, 'datagrams were lost').toBeGreaterThan(calls / 2);
      expect(relay.counts.lostBack, 'datagrams were lost').toBeGreaterThan(calls / 4);
    }
    expect(counts, explain()).toEqual({
      received: calls,
      answered: calls,
      refused: 0,
      cancelled: 0,
      endedByCaller: calls,
      endedOtherwise: 0,
    });
    expect(atCaller, explain()).toEqual({ successful: calls, failed: 0 });
  });
});
