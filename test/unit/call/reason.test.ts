import { describe, expect, it } from 'vitest';
import { failureHeaders } from '../../../src/call/failure-headers.js';
import { farReasons } from '../../../src/call/far-reason.js';
import type { DialogEnd, SipDialog } from '../../../src/sip/port.js';
import { type FakeInvite, headersOf } from '../../support/fake-sip.js';
import { Scene, sdp } from './scene.js';

const saying = (...values: readonly string[]) => headersOf(values.map((value) => ['Reason', value] as const));

async function dialled() {
  const scene = await new Scene().start();
  const call = scene.dial();
  const phone = (await scene.carrier.nextCall()) as FakeInvite;
  phone.progress(180);
  await scene.settle();
  return { scene, call, phone };
}

async function connected() {
  const { scene, call, phone } = await dialled();
  const there = phone.answer(sdp());
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(outcome.kind);
  await scene.settle();
  return { scene, here: outcome.dialog, there };
}

function endOf(dialog: SipDialog): Promise<DialogEnd> {
  return new Promise((resolve) => dialog.onEnd(resolve));
}

describe('the reason a far end gives', () => {
  it('counts as a cause, in words of ours', () => {
    expect(farReasons(saying('Q.850;cause=34;text="cct 7 of gw-3.internal"'))).toEqual([
      { protocol: 'Q.850', cause: 34, text: 'No circuit available' },
    ]);
    expect(farReasons(saying('SIP;cause=200;text="x", q.850;cause=16'))).toEqual([
      { protocol: 'Q.850', cause: 16, text: 'Normal call clearing' },
      { protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' },
    ]);
  });

  it('counts for nothing where it makes no sense', () => {
    expect(farReasons(undefined)).toEqual([]);
    expect(farReasons(saying('Q.850;cause=0', 'SIP;cause=99', 'preemption;cause=1', 'Q.850', 'SIP;cause=700'))).toEqual([]);
    expect(farReasons(saying('Q.850;cause=128'))).toEqual([]);
  });

  it('is told instead of ours where it says more, and ours where it says the same or nothing', () => {
    const told = (failure: 'busy' | 'trunk-congested' | undefined, ...values: readonly string[]): readonly string[] =>
      failureHeaders('trunk', failure, 10, farReasons(saying(...values))).flatMap(([name, value]) => (name === 'Reason' ? [value] : []));
    expect(told('trunk-congested', 'Q.850;cause=34')).toEqual(['Q.850;cause=34;text="No circuit available"']);
    expect(told('busy', 'Q.850;cause=17;text="x"')).toEqual(['Q.850;cause=17;text="The number is busy."']);
    expect(told(undefined)).toEqual(['Q.850;cause=16;text="Normal call clearing"']);
    expect(told(undefined, 'SIP;cause=503')).toEqual([
      'Q.850;cause=16;text="Normal call clearing"',
      'SIP;cause=503;text="Service Unavailable"',
    ]);
  });
});

describe('the reason on its way through the gateway', () => {
  it('goes from a refusal of the telephone to the page and into the record', async () => {
    const { scene, call, phone } = await dialled();
    phone.reject(503, { headers: [['Reason', 'Q.850;cause=34']] });
    const outcome = await call.outcome;
    expect(outcome.kind === 'rejected' && outcome.headers.all('Reason')).toEqual(['Q.850;cause=34;text="No circuit available"']);
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ failure: 'trunk-congested', q850: 34 });
  });

  it('goes from the CANCEL of the page to the telephone', async () => {
    const { scene, call, phone } = await dialled();
    call.cancel({ headers: [['Reason', 'SIP;cause=200;text="Call completed elsewhere"']] });
    await scene.settle();
    expect(phone.cancelHeaders?.all('Reason')).toEqual([
      expect.stringMatching(/^Q\.850;cause=16/),
      'SIP;cause=200;text="Call completed elsewhere"',
    ]);
  });

  it('goes from the CANCEL of a calling trunk to the telephone it is forwarded to', async () => {
    const scene = await new Scene({ inbound: [{ number: '*', targets: [{ to: { number: '+15550177' } }] }] }).start();
    const call = scene.carrier.call({
      requestUri: 'sip:15550111@carrier.example',
      from: { uri: 'sip:+15550123@carrier.example' },
      offer: sdp(),
    });
    const phone = (await scene.carrier.nextCall()) as FakeInvite;
    await scene.settle();
    call.cancel({ headers: [['Reason', 'Q.850;cause=31']] });
    await scene.settle();
    expect(phone.cancelHeaders?.all('Reason')).toEqual(['Q.850;cause=31;text="Normal, unspecified"']);
    expect(scene.fact('ended')).toMatchObject({ by: 'caller', disposition: 'cancelled', q850: 31 });
  });

  it('goes from the BYE of the telephone to the page, and from that of the page to the telephone', async () => {
    const one = await connected();
    const pageEnd = endOf(one.here);
    await one.there.bye({ headers: [['Reason', 'Q.850;cause=38']] });
    expect((await pageEnd).headers?.get('Reason')).toBe('Q.850;cause=38;text="Network out of order"');
    await one.scene.settle();
    expect(one.scene.fact('ended')).toMatchObject({ by: 'callee', disposition: 'completed', q850: 38 });
    const other = await connected();
    const phoneEnd = endOf(other.there);
    await other.here.bye();
    expect((await phoneEnd).headers?.all('Reason')).toEqual(['Q.850;cause=16;text="Normal call clearing"']);
  });

  it('is nothing of a challenge, which is between us and the carrier', async () => {
    const { scene, call, phone } = await dialled();
    phone.reject(407, { headers: [['Reason', 'Q.850;cause=34']] });
    const outcome = await call.outcome;
    expect(outcome.kind === 'rejected' && outcome.headers.get('Reason')).toMatch(/^Q\.850;cause=57/);
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ failure: 'trunk-auth-failed', q850: 57 });
  });
});
