import { describe, expect, it } from 'vitest';
import { nothing, Scene, sdp } from './scene.js';

async function registered(scene: Scene): Promise<void> {
  const response = await scene.page.request({
    method: 'REGISTER',
    requestUri: 'sip:gateway.example',
    from: { uri: 'sip:demo@gateway.example' },
    to: { uri: 'sip:demo@gateway.example' },
    headers: [['Contact', '<sip:demo@page.invalid;transport=ws>;expires=600']],
  });
  expect(response.status).toBe(200);
}

const callIn = (scene: Scene): ReturnType<Scene['carrier']['call']> =>
  scene.carrier.call({ requestUri: 'sip:15550111@carrier.example', from: { uri: 'sip:+15550123@carrier.example' }, offer: sdp() });

const forwarding = [{ number: '+15550111', targets: [{ to: { user: 'demo' }, ringMs: 20_000 }, { to: { number: '+15550177' } }] }];

describe('a call with more than one place to go', () => {
  it('goes to the second trunk when the first cannot be reached, and tells both in facts', async () => {
    const scene = await new Scene({ secondTrunk: {} }).start();
    scene.sip.failNextCall('refused');
    const call = scene.dial();
    const phone = await scene.carrier.nextCall();
    phone.answer(sdp());
    expect((await call.outcome).kind).toBe('answered');
    await scene.settle();
    expect(scene.fact('attempt-failed')).toMatchObject({ trunk: 'carrier', failure: 'trunk-unreachable' });
    expect(scene.facts.filter(({ type }) => type === 'routed')).toMatchObject([{ trunk: 'carrier' }, { trunk: 'second' }]);
    expect(scene.service.calls()).toMatchObject([{ trunk: 'second', state: 'connected' }]);
    expect(scene.lines.inUse('carrier')).toBe(0);
  });

  it('is forwarded to a number when the page does not answer, and the page stops ringing', async () => {
    const scene = await new Scene({ inbound: forwarding }).start();
    await registered(scene);
    const call = callIn(scene);
    const page = await scene.page.nextCall();
    page.progress(180);
    await scene.settle();
    scene.clock.advance(19_999);
    await scene.settle();
    expect(page.cancelled.aborted).toBe(false);
    scene.clock.advance(1);
    await scene.settle();
    expect(page.cancelled.aborted).toBe(true);
    const phone = await scene.carrier.nextCall();
    expect(scene.sip.placed.at(-1)?.options.requestUri).toContain('15550177');
    const there = phone.answer(sdp());
    const outcome = await call.outcome;
    await scene.settle();
    expect(outcome.kind).toBe('answered');
    expect(scene.service.calls()).toMatchObject([{ direction: 'trunk-to-trunk' }]);
    expect(scene.facts.filter(({ type }) => type === 'routed')).toMatchObject([
      { direction: 'trunk-to-browser', user: 'demo' },
      { direction: 'trunk-to-trunk', trunk: 'carrier' },
    ]);
    const methods = scene.media.requests.map(({ method }) => method);
    expect(methods.slice(methods.indexOf('drop'))).toEqual(['drop', 'offer', 'accept']);
    await there.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it('is forwarded at once when the user is not registered', async () => {
    const scene = await new Scene({ inbound: forwarding }).start();
    callIn(scene);
    await scene.carrier.nextCall();
    expect(scene.fact('attempt-failed')).toMatchObject({ user: 'demo', failure: 'user-not-registered' });
  });

  it('leaves the page alone that answers in the moment the call goes on', async () => {
    const scene = await new Scene({ inbound: forwarding }).start();
    await registered(scene);
    const call = callIn(scene);
    const page = await scene.page.nextCall();
    page.progress(180);
    await scene.settle();
    scene.clock.advance(20_000);
    const late = page.answer(sdp());
    let ended = false;
    late.onEnd(() => {
      ended = true;
    });
    await scene.settle();
    expect(ended).toBe(true);
    (await scene.carrier.nextCall()).reject(486);
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 486 });
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it('is not forwarded to a number nobody may dial', async () => {
    const targets = [{ to: { user: 'demo' } }, { to: { number: '+19005550100' } }];
    const scene = await new Scene({ inbound: [{ number: '+15550111', targets }] }).start();
    expect(await callIn(scene).outcome).toMatchObject({ kind: 'rejected', status: 480 });
    await scene.settle();
    expect(scene.sip.placed).toHaveLength(0);
  });

  it('ends when the page declines', async () => {
    const scene = await new Scene({ inbound: forwarding }).start();
    await registered(scene);
    const call = callIn(scene);
    (await scene.page.nextCall()).reject(603);
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 603 });
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it('that is cancelled while the next target is prepared dials nobody', async () => {
    const scene = await new Scene({ inbound: forwarding }).start();
    await registered(scene);
    const call = callIn(scene);
    const page = await scene.page.nextCall();
    page.progress(180);
    await scene.settle();
    scene.clock.advance(20_000);
    call.cancel();
    await scene.settle();
    await scene.settle();
    expect(scene.fact('ended')).toMatchObject({ by: 'caller', failure: 'cancelled' });
    expect(scene.left()).toEqual(nothing());
  });
});
