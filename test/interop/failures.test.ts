import { createSocket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { CallStage } from '../support/call-stage.js';
import { eventually } from '../support/eventually.js';
import type { CallPage } from '../support/page.js';
import { describeWithPeers } from '../support/peers.js';

const levelDb = -14;

/** The page is told once, in the widget's code and in words. */
async function expectShown(page: CallPage, code: string, withinMs = 10_000): Promise<void> {
  await page.waitForState('ended', withinMs);
  expect(await page.errorCode()).toBe(code);
  expect((await page.statusText()).length).toBeGreaterThan(5);
}

describeWithPeers('A call that does not come about', ['chromium', 'sipp'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set(
      { toneHz: 700, levelDb },
      {
        config: { policy: { destinations: { allow: ['*'], deny: ['+44909'] }, ringSeconds: 4 } },
        env: { TEST_TRUNK_PASSWORD: 'correct horse' },
      },
      { auth: { user: 'alice', password: { env: 'TEST_TRUNK_PASSWORD' } } },
    );
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose('wholly'));

  it.each([
    { status: '486 Busy Here', code: 'busy', disposition: 'busy', q850: 17 },
    { status: '600 Busy Everywhere', code: 'busy', disposition: 'busy', q850: 17 },
    { status: '603 Decline', code: 'rejected', disposition: 'rejected', q850: 21 },
    { status: '404 Not Found', code: 'number-not-found', disposition: 'failed', q850: 1 },
    { status: '480 Temporarily Unavailable', code: 'no-answer', disposition: 'no-answer', q850: 19 },
  ])('because the trunk says $status tells the page $code', async ({ status, code, disposition, q850 }) => {
    const phone = await stage.phone('uas-refuses', { status });
    const page = await stage.callUntil('ended');
    await expectShown(page, code);
    await phone.finished(5_000);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'ACK']);
    expect(await stage.cdr()).toMatchObject({ failure: code, disposition, q850, sipStatus: Number(status.slice(0, 3)), talkMs: 0 });
  });

  it('because the trunk’s Reason says busy in a 503 tells the page "busy"', async () => {
    const reason = '      Reason: Q.850;cause=17;text="User busy"\n';
    const phone = await stage.phone('uas-refuses', { status: '503 Service Unavailable', headers: reason });
    await expectShown(await stage.callUntil('ended'), 'busy');
    await phone.finished(5_000);
    expect(await stage.cdr()).toMatchObject({ failure: 'busy', q850: 17, sipStatus: 503 });
  });

  it('because nobody picks up is cancelled on the trunk after the ring time', async () => {
    const phone = await stage.phone('uas-rings-until-cancelled');
    const page = await stage.callUntil('ringing');
    await expectShown(page, 'no-answer');
    await phone.finished(10_000);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'CANCEL', 'ACK']);
    expect(await stage.cdr()).toMatchObject({ failure: 'no-answer', disposition: 'no-answer', q850: 19 });
  });

  it('because the caller gives up while it rings is cancelled on the trunk at once', async () => {
    const phone = await stage.phone('uas-rings-until-cancelled');
    const page = await stage.callUntil('ringing');
    await page.hangUp();
    await page.waitForState('ended', 3_000);
    await phone.finished(3_000);
    expect(await page.errorCode()).toBeUndefined();
    expect(phone.receivedMethods()).toEqual(['INVITE', 'CANCEL', 'ACK']);
    expect(await stage.cdr()).toMatchObject({ failure: 'cancelled', disposition: 'cancelled', endedBy: 'caller', q850: 16 });
  });

  it('because nothing listens at the trunk fails at once', async () => {
    const before = performance.now();
    await expectShown(await stage.callUntil('ended'), 'trunk-unreachable');
    expect(performance.now() - before).toBeLessThan(3_500);
    expect(await stage.cdr()).toMatchObject({ failure: 'trunk-unreachable', disposition: 'failed', q850: 38 });
  });

  it('because the trunk swallows everything fails after the ring time, with the INVITE repeated meanwhile', async () => {
    const hole = createSocket('udp4');
    await new Promise<void>((resolve) => hole.bind(stage.trunkPort, '127.0.0.1', resolve));
    const seen: string[] = [];
    hole.on('message', (datagram) => seen.push(datagram.toString('utf8').split(' ')[0] ?? ''));
    try {
      const page = await stage.page();
      await page.call();
      await expectShown(page, 'trunk-timeout', 10_000);
      expect(await stage.cdr()).toMatchObject({ failure: 'trunk-timeout', q850: 102 });
      expect(seen.filter((method) => method === 'INVITE').length, 'timer A: at 0, 0.5, 1.5, 3.5 s and so on').toBeGreaterThanOrEqual(4);
      expect(seen, 'no CANCEL before a provisional response (RFC 3261 §9.1)').not.toContain('CANCEL');
    } finally {
      await new Promise<void>((resolve) => hole.close(() => resolve()));
    }
  });

  it('because the destination is denied never reaches the trunk', async () => {
    const page = await stage.page('+449098790000');
    await page.call();
    await expectShown(page, 'destination-denied');
    expect(await stage.cdr()).toMatchObject({ failure: 'destination-denied', disposition: 'denied' });
  });

  it('because the password is wrong says so after one try with it', async () => {
    const phone = await stage.phone('uas-challenges-twice');
    await expectShown(await stage.callUntil('ended'), 'trunk-auth-failed');
    await phone.finished(5_000);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'ACK', 'INVITE', 'ACK']);
    expect(phone.messages()).not.toContain('correct horse');
    expect(stage.gateway.log).not.toContain('correct horse');
    expect(await stage.cdr()).toMatchObject({ failure: 'trunk-auth-failed', q850: 57 });
  });

  it('is let through when the password is right', async () => {
    const phone = await stage.phone('uas-digest', { user: 'alice', password: 'correct horse' });
    const page = await stage.callUntil('connected');
    await page.hangUp();
    await phone.finished(5_000);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'ACK', 'INVITE', 'ACK', 'BYE']);
    expect(await stage.cdr()).toMatchObject({ disposition: 'completed' });
  });

  it('is refused by a trunk that checks a wrong password itself', async () => {
    const phone = await stage.phone('uas-digest', { user: 'alice', password: 'another' });
    const page = await stage.callUntil('ended');
    await page.waitForState('ended', 5_000);
    expect(['trunk-auth-failed', 'rejected']).toContain(await page.errorCode());
    await phone.finished(5_000);
    expect(await stage.cdr()).toMatchObject({ sipStatus: 403, talkMs: 0 });
  });
});

describeWithPeers('A call that ends', ['chromium', 'sipp'], () => {
  let stage: CallStage;
  beforeAll(async () => {
    stage = await CallStage.set({ toneHz: 700, levelDb }, { config: { browser: { graceSeconds: 1 }, shutdown: { drainSeconds: 2 } } });
  });
  afterEach(() => stage.clear());
  afterAll(() => stage?.dispose('wholly'));

  it('because the phone hangs up shows the page a plain end', async () => {
    const phone = await stage.phone('uas-hangs-up');
    const page = await stage.callUntil('connected');
    await page.waitForState('ended', 5_000);
    await phone.finished(5_000);
    expect(await page.errorCode()).toBeUndefined();
    const record = await stage.cdr();
    expect(record).toMatchObject({ disposition: 'completed', endedBy: 'callee', q850: 16 });
    expect(record['talkMs']).toBeGreaterThan(700);
    expect(record['talkMs']).toBeLessThan(2_500);
  });

  it('because the tab is closed sends the trunk a BYE and is recorded as such', async () => {
    const phone = await stage.phone('uas-answers');
    const page = await stage.callUntil('connected');
    await page.close();
    await phone.finished(30_000);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'ACK', 'BYE']);
    expect(await stage.cdr()).toMatchObject({ failure: 'browser-gone', disposition: 'browser-gone', endedBy: 'caller' });
  });

  it('because the tab is closed while it rings is cancelled on the trunk', async () => {
    const phone = await stage.phone('uas-rings-until-cancelled');
    const page = await stage.callUntil('ringing');
    await page.close();
    await phone.finished(30_000);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'CANCEL', 'ACK']);
    expect((await stage.cdr())['talkMs']).toBe(0);
  });
});

describeWithPeers('A gateway told to stop during a call', ['chromium', 'sipp'], () => {
  const stages: CallStage[] = [];
  afterAll(async () => {
    for (const stage of stages) {
      await stage.clear();
      await stage.dispose();
    }
  });

  it('ends it on both sides after the drain time, writes its record and leaves with 0', async () => {
    const stage = await CallStage.set({ toneHz: 700, levelDb }, { config: { shutdown: { drainSeconds: 2 } } });
    stages.push(stage);
    const phone = await stage.phone('uas-answers');
    const page = await stage.callUntil('connected');
    const before = performance.now();
    stage.gateway.signal('SIGTERM');
    await eventually(async () => ((await fetch(`${stage.gateway.http}/readyz`)).status === 503 ? true : undefined), {
      what: '/readyz says 503 while draining',
      withinMs: 1_500,
    });
    expect(await page.states(), 'a live call goes on while draining').not.toContain('ended');
    await page.waitForState('ended', 8_000);
    await phone.finished(8_000);
    const { code } = await stage.gateway.exit(10_000);
    expect(code, stage.gateway.log.slice(-3_000)).toBe(0);
    expect(performance.now() - before).toBeGreaterThan(1_800);
    expect(phone.receivedMethods()).toEqual(['INVITE', 'ACK', 'BYE']);
    expect(await page.errorCode()).toBe('shutting-down');
    expect(stage.gateway.cdrs()).toHaveLength(1);
    expect(stage.gateway.cdrs()[0]).toMatchObject({ failure: 'shutting-down', disposition: 'shutting-down', endedBy: 'gateway' });
    await expect(fetch(`${stage.gateway.http}/healthz`)).rejects.toThrow();
  });
});
