import { describe, expect, it } from 'vitest';
import { Scene, sdp } from './scene.js';

/** A gateway whose trunk leads to itself, and whose every number is forwarded to that trunk. */
async function circle(): Promise<Scene> {
  const scene = await new Scene({
    trunk: {
      peers: ['one', 'two'].map((name) => ({ uri: `sip:${name}.loop.example:5060`, priority: 0, weight: 1 })),
    },
    secondTrunk: { peers: [{ uri: 'sip:three.loop.example:5060', priority: 0, weight: 1 }], allow: [] },
    inbound: [{ number: '*', targets: [{ to: { number: '+15550177' } }, { to: { number: '+15550188' } }] }],
  }).start();
  scene.sip.connect(scene.sip, { names: ['loop.example'] });
  return scene;
}

describe('a call that leads back to the gateway', () => {
  it('ends by 483 after as many hops as it had, each hop tried once', async () => {
    const scene = await circle();
    const call = scene.carrier.call({
      requestUri: 'sip:15550111@carrier.example',
      from: { uri: 'sip:+15550123@carrier.example' },
      offer: sdp(),
      maxForwards: 12,
    });
    const outcome = call.outcome;
    for (let turn = 0; turn < 20; turn += 1) await scene.settle();
    expect(await outcome).toMatchObject({ kind: 'rejected', status: 483 });
    expect(scene.sip.placed).toHaveLength(12);
    expect(scene.sip.placed.map(({ options }) => options.maxForwards)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    const ended = scene.facts.filter(({ type }) => type === 'ended');
    expect(ended).toHaveLength(13);
    for (const fact of ended) expect(fact).toMatchObject({ failure: 'loop', q850: 25 });
    expect(scene.service.liveObjects()).toEqual({ call: 0, call_timer: 0 });
  });

  it('of a page has no more hops than the page gave it, and none is refused', async () => {
    const scene = await new Scene().start();
    const call = (maxForwards: number) =>
      scene.page.call({ requestUri: 'sip:+15550100@gateway.example', from: { uri: 'sip:x@y.example' }, offer: sdp(), maxForwards });
    call(5);
    await scene.settle();
    expect(scene.sip.placed.map(({ options }) => options.maxForwards)).toEqual([4]);
    const refused = call(0);
    expect(await refused.outcome).toMatchObject({ kind: 'rejected', status: 483 });
    scene.dial();
    await scene.settle();
    expect(scene.sip.placed.map(({ options }) => options.maxForwards)).toEqual([4, 69]);
  });
});
