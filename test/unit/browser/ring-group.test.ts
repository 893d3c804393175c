import { describe, expect, it } from 'vitest';
import type { InboundTarget } from '../../../src/call/routing.js';
import type { InboundCall, SipDialog } from '../../../src/sip/port.js';
import { FakeInvite, FakeSip } from '../../support/fake-sip.js';
import { nothing, Scene, type SceneOptions, sdp } from '../call/scene.js';

const users = ['ann', 'bob', 'eve'].map((name) => ({ name }));
const together: InboundTarget = { to: { group: 'sales', steps: [{ users: ['ann', 'bob'] }] } };
const inTurn: InboundTarget = {
  to: { group: 'sales', steps: ['ann', 'bob', 'eve'].map((user) => ({ users: [user], ringMs: 10_000 })) },
  ringMs: 30_000,
};
const mobile: InboundTarget = { to: { number: '+15550177' } };

async function sceneWith(targets: readonly InboundTarget[], options: SceneOptions = {}): Promise<Scene> {
  return await new Scene({ inbound: [{ number: '+15550111', targets }], browser: { users }, ...options }).start();
}

/** A page of a user's, registered. */
async function page(scene: Scene, user: string, device = user): Promise<FakeSip> {
  const one = new FakeSip(device);
  scene.sip.connect(one, { transport: 'wss', names: [`${device}.invalid`, 'gateway.example'] });
  const address = { uri: `sip:${user}@gateway.example` };
  const headers = [['Contact', `<sip:${user}@${device}.invalid;transport=ws>`]] as const;
  const sent = { method: 'REGISTER', requestUri: 'sip:gateway.example', from: address, to: address, headers };
  expect((await one.request(sent)).status).toBe(200);
  return one;
}

const callIn = (scene: Scene): ReturnType<FakeSip['call']> =>
  scene.carrier.call({ requestUri: 'sip:15550111@carrier.example', from: { uri: 'sip:+15550123@carrier.example' }, offer: sdp() });

const elsewhere = 'SIP;cause=200;text="Call completed elsewhere"';

/** Why a dialog ended, once it has. */
function endOf(dialog: SipDialog): Promise<string | undefined> {
  return new Promise((resolve) => dialog.onEnd(({ headers }) => resolve(headers?.get('Reason'))));
}

async function ringing(scene: Scene, ...pages: readonly FakeSip[]): Promise<readonly InboundCall[]> {
  const calls = await Promise.all(pages.map((one) => one.nextCall()));
  for (const call of calls) call.progress(180);
  await scene.settle();
  return calls;
}

describe('a group', () => {
  it('rings on all pages of all its users with one offer; who answers first has the call', async () => {
    const scene = await sceneWith([together]);
    const pages = [await page(scene, 'ann'), await page(scene, 'ann', 'ann-at-home'), await page(scene, 'bob')];
    const call = callIn(scene);
    const heard: number[] = [];
    call.onProgress(({ status }) => heard.push(status));
    const [ann, home, bob] = await ringing(scene, ...pages);
    expect(new Set([ann?.offer, home?.offer, bob?.offer]).size).toBe(1);
    expect(heard).toEqual([180]);
    const dialog = bob?.answer(sdp());
    expect((await call.outcome).kind).toBe('answered');
    await scene.settle();
    expect([ann?.cancelled.aborted, home?.cancelled.aborted, bob?.cancelled.aborted]).toEqual([true, true, false]);
    expect([ann, home].map((one) => one instanceof FakeInvite && one.cancelHeaders?.get('Reason'))).toEqual([elsewhere, elsewhere]);
    expect(scene.fact('routed')).toMatchObject({ user: 'sales' });
    expect(scene.fact('answered')).toMatchObject({ by: 'bob' });
    await dialog?.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it('names the dialog of every page that rings, at once and in turn', async () => {
    for (const [target, rings] of [
      [together, 2],
      [inTurn, 3],
    ] as const) {
      const scene = await sceneWith([target]);
      const pages = await Promise.all(['ann', 'bob', 'eve'].map((user) => page(scene, user)));
      const call = callIn(scene);
      for (let turn = 0; turn < 3; turn += 1) {
        await scene.settle();
        scene.clock.advance(10_000);
      }
      const rung = pages.flatMap(({ received }) => received.map(({ callIdHeader }) => callIdHeader));
      const named = scene.facts.flatMap((fact) => (fact.type === 'leg' && fact.leg === 'b' ? [fact.sipCallId] : []));
      expect(rung).toHaveLength(rings);
      expect([...named].sort()).toEqual([...rung].sort());
      call.cancel();
      await scene.settle();
    }
  });

  it('hangs up on a page that answers in the same moment as another', async () => {
    const scene = await sceneWith([together]);
    const pages = [await page(scene, 'ann'), await page(scene, 'bob')];
    const call = callIn(scene);
    const [ann, bob] = await ringing(scene, ...pages);
    const first = ann?.answer(sdp());
    const second = bob?.answer(sdp());
    if (first === undefined || second === undefined) throw new Error('nobody was called');
    expect((await call.outcome).kind).toBe('answered');
    await scene.settle();
    expect(await endOf(second)).toBe(elsewhere);
    await first.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it('is called user by user, and somebody who registers meanwhile has his turn', async () => {
    const scene = await sceneWith([inTurn]);
    const annPage = await page(scene, 'ann');
    const call = callIn(scene);
    const [ann] = await ringing(scene, annPage);
    const evePage = await page(scene, 'eve');
    scene.clock.advance(9_999);
    await scene.settle();
    expect(ann?.cancelled.aborted).toBe(false);
    scene.clock.advance(1);
    await scene.settle();
    expect(ann?.cancelled.aborted).toBe(true);
    const [eve] = await ringing(scene, evePage);
    const dialog = eve?.answer(sdp());
    expect((await call.outcome).kind).toBe('answered');
    await dialog?.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
    scene.registrar.clear();
    expect(scene.clock.liveTimers).toBe(0);
  });

  it('that nobody of answers sends the call on to the telephone, and all stop ringing', async () => {
    const scene = await sceneWith([{ ...together, ringMs: 20_000 }, mobile]);
    const pages = [await page(scene, 'ann'), await page(scene, 'bob')];
    callIn(scene);
    const calls = await ringing(scene, ...pages);
    scene.clock.advance(20_000);
    await scene.settle();
    expect(calls.map(({ cancelled }) => cancelled.aborted)).toEqual([true, true]);
    await scene.carrier.nextCall();
    expect(scene.fact('attempt-failed')).toMatchObject({ user: 'sales', failure: 'no-answer' });
  });

  it('is busy when all of it are busy, and rings on while one of it is not', async () => {
    const scene = await sceneWith([together]);
    const pages = [await page(scene, 'ann'), await page(scene, 'bob')];
    const call = callIn(scene);
    const [ann, bob] = await ringing(scene, ...pages);
    ann?.reject(486);
    await scene.settle();
    expect(bob?.cancelled.aborted).toBe(false);
    bob?.reject(486);
    const outcome = await call.outcome;
    expect(outcome).toMatchObject({ kind: 'rejected', status: 486 });
    expect(outcome.kind === 'rejected' && outcome.headers.get('Reason')).toMatch(/^Q\.850;cause=17/);
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it.each([
    [false, [false, 'ringing']],
    [true, [true, 'over']],
  ])('with declineStopsAll %s', async (declineStopsAll, expected) => {
    const scene = await sceneWith([together], { dialler: declineStopsAll ? { declineStopsAll: ['sales'] } : {} });
    const pages = [await page(scene, 'ann'), await page(scene, 'bob')];
    callIn(scene);
    const [ann, bob] = await ringing(scene, ...pages);
    ann?.reject(603);
    await scene.settle();
    expect([bob?.cancelled.aborted, scene.service.calls()[0]?.state ?? 'over']).toEqual(expected);
  });

  it('stops ringing everywhere when the caller gives up', async () => {
    const scene = await sceneWith([together]);
    const pages = [await page(scene, 'ann'), await page(scene, 'bob')];
    const call = callIn(scene);
    const calls = await ringing(scene, ...pages);
    call.cancel();
    await scene.settle();
    expect(calls.map(({ cancelled }) => cancelled.aborted)).toEqual([true, true]);
    expect(scene.left()).toEqual(nothing());
  });

  it('is told which number was called, and by whom', async () => {
    const scene = await sceneWith([together]);
    const pages = [await page(scene, 'ann'), await page(scene, 'bob')];
    callIn(scene);
    const [ann] = await ringing(scene, ...pages);
    expect(ann?.headers.get('P-Called-Party-ID')).toBe('"sales" <sip:15550111@gateway.example>');
    expect([ann?.from.uri, ann?.to.uri]).toEqual(['sip:+15550123@gateway.example', 'sip:ann@gateway.example']);
  });
});

describe('a page that is called', () => {
  it('is not told who calls when the caller does not want it', async () => {
    const scene = await sceneWith([{ to: { user: 'ann' } }]);
    const ann = await page(scene, 'ann');
    scene.carrier.call({
      requestUri: 'sip:15550111@carrier.example',
      from: { uri: 'sip:+15550123@carrier.example', displayName: 'Jane' },
      headers: [['Privacy', 'id']],
      offer: sdp(),
    });
    const { from, headers } = await ann.nextCall();
    expect(from).toEqual({ displayName: 'Anonymous', uri: 'sip:anonymous@anonymous.invalid' });
    expect(headers.get('P-Asserted-Identity')).toBeUndefined();
  });

  it('is shown the name of the caller', async () => {
    const scene = await sceneWith([{ to: { user: 'ann' } }]);
    const ann = await page(scene, 'ann');
    const from = { uri: 'sip:+15550123@carrier.example', displayName: 'Jane' };
    scene.carrier.call({ requestUri: 'sip:15550111@carrier.example', from, offer: sdp() });
    const shown = await ann.nextCall();
    expect(shown.from).toEqual({ uri: 'sip:+15550123@gateway.example', displayName: 'Jane' });
    expect(shown.headers.get('P-Called-Party-ID')).toBe('<sip:15550111@gateway.example>');
  });

  it('whose user talks is not called again when he wants it so, and is after he has hung up', async () => {
    const scene = await sceneWith([{ to: { user: 'ann' } }], { dialler: { busyUsers: ['ann'] } });
    const ann = await page(scene, 'ann');
    callIn(scene);
    const dialog = (await ann.nextCall()).answer(sdp());
    await scene.settle();
    expect(await callIn(scene).outcome).toMatchObject({ kind: 'rejected', status: 486 });
    await dialog.bye();
    await scene.settle();
    callIn(scene);
    (await ann.nextCall()).reject(480);
    await scene.settle();
    ann.call({ requestUri: 'sip:+15550100@gateway.example', from: { uri: 'sip:ann@gateway.example' }, offer: sdp() });
    const phone = (await scene.carrier.nextCall()).answer(sdp());
    await scene.settle();
    expect(await callIn(scene).outcome).toMatchObject({ kind: 'rejected', status: 486 });
    await phone.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing(5));
  });
});
