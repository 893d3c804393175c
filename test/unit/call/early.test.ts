import { describe, expect, it } from 'vitest';
import type { FakeInvite } from '../../support/fake-sip.js';
import { nothing, Scene, type SceneOptions, sdp } from './scene.js';

/** The page has dialled and the carrier has the INVITE. */
async function dialled(options: SceneOptions = {}) {
  const scene = await new Scene(options).start();
  const call = scene.dial();
  const shown: (readonly [number, string | undefined])[] = [];
  call.onProgress(({ status, sdp: described }) => shown.push([status, described]));
  const phone = (await scene.carrier.nextCall()) as FakeInvite;
  await scene.settle();
  return { scene, call, shown, phone };
}

/** Descriptions the media plane was given for the called leg. */
const taken = (scene: Scene): readonly string[] =>
  scene.media.requests
    .filter(({ method, leg }) => leg === 'b' && (method === 'accept' || method === 'answer'))
    .map(({ method, sdp: text }) => `${method} ${text}`);

const two = sdp('8 101');

describe('several phones ring for one call', () => {
  it('and the one that answers is heard, not the one that described itself last', async () => {
    const { scene, call, phone, shown } = await dialled();
    phone.tag = 'one';
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    phone.tag = 'two';
    phone.progress(180);
    phone.progress(183, { sdp: two });
    await scene.settle();
    phone.tag = 'one';
    const there = phone.answer(sdp());
    expect((await call.outcome).kind).toBe('answered');
    await scene.settle();
    expect(taken(scene)).toEqual([`accept ${sdp()}`, `accept ${two}`, `accept ${sdp()}`]);
    expect(shown.map(([status]) => status)).toEqual([183]);
    await there.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });
});

describe('an offer of the telephone before it answers', () => {
  it('is answered by the media plane, and the 200 puts nothing older back', async () => {
    const { scene, call, phone } = await dialled();
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    const update = await phone.update('callee', two);
    expect(update).toMatchObject({ status: 200 });
    expect(update.sdp).toContain('m=audio');
    phone.answer(two);
    expect((await call.outcome).kind).toBe('answered');
    await scene.settle();
    expect(taken(scene)).toEqual([`accept ${sdp()}`, `answer ${two}`]);
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
    expect(scene.fact('reoffer')).toMatchObject({ leg: 'b', accepted: true });
  });

  it('does not count when another phone answers', async () => {
    const { scene, call, phone } = await dialled();
    phone.tag = 'one';
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    expect(await phone.update('callee', two)).toMatchObject({ status: 200 });
    phone.tag = 'two';
    phone.answer(sdp('0 8 101'));
    expect((await call.outcome).kind).toBe('answered');
    await scene.settle();
    expect(taken(scene).at(-1)).toBe(`accept ${sdp('0 8 101')}`);
  });

  it('is refused when nothing in it can be taken, and the call goes on', async () => {
    const { scene, call, phone } = await dialled();
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    expect(await phone.update('callee', sdp('96'))).toEqual({ status: 488 });
    phone.answer(sdp());
    expect((await call.outcome).kind).toBe('answered');
  });

  it('is refused to a phone that is not the one heard', async () => {
    const { scene, phone } = await dialled();
    phone.tag = 'one';
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    phone.tag = 'two';
    expect(await phone.update('callee', two)).toEqual({ status: 488 });
    expect(taken(scene)).toEqual([`accept ${sdp()}`]);
  });
});

describe('an offer of the caller before the answer', () => {
  it('is answered, and the 200 says what was agreed last', async () => {
    const { scene, call, phone } = await dialled();
    phone.progress(180);
    await scene.settle();
    const invite = scene.sip.received[0] as FakeInvite;
    const update = await invite.update('caller', two);
    expect(update).toMatchObject({ status: 200 });
    phone.answer(sdp());
    const outcome = await call.outcome;
    expect(outcome).toMatchObject({ kind: 'answered', sdp: update.sdp });
    expect(update.sdp).toContain('PCMA');
  });

  it('is refused while the gateway has no answer to the first one', async () => {
    const scene = await new Scene().start();
    scene.dial();
    await Promise.resolve();
    const invite = scene.sip.received[0] as FakeInvite | undefined;
    expect(invite).toBeDefined();
    expect(await invite?.update('caller', two)).toEqual({ status: 491 });
  });
});

describe('early media that counts once it is heard', () => {
  const heard: SceneOptions = { trunk: { earlyMedia: 'heard' } };

  it('shows 183 with the first packet of the telephone', async () => {
    const { scene, phone, shown } = await dialled(heard);
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    expect(shown).toEqual([]);
    scene.media.bringUp(scene.session(), 'b');
    await scene.settle();
    expect(shown).toEqual([[183, expect.stringContaining('m=audio')]]);
    scene.clock.advance(5_000);
    await scene.settle();
    expect(shown).toHaveLength(1);
  });

  it('lets the page ring after a second in which nothing was heard', async () => {
    const { scene, phone, shown } = await dialled(heard);
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    scene.clock.advance(999);
    await scene.settle();
    expect(shown).toEqual([]);
    scene.clock.advance(1);
    await scene.settle();
    expect(shown.map(([status]) => status)).toEqual([180]);
    scene.media.bringUp(scene.session(), 'b');
    await scene.settle();
    expect(shown.map(([status]) => status)).toEqual([180, 183]);
  });

  it('leaves nothing behind when the caller gives up while it is waited for', async () => {
    const { scene, call, phone } = await dialled(heard);
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    call.cancel();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it('is not taken in where P-Early-Media says that there is none', async () => {
    const { scene, phone, shown } = await dialled(heard);
    phone.progress(183, { sdp: sdp(), headers: [['P-Early-Media', 'inactive']] });
    await scene.settle();
    expect(shown.map(([status]) => status)).toEqual([180]);
    expect(taken(scene)).toEqual([]);
  });
});

describe('a caller without an offer', () => {
  async function calling(takesReliable: boolean) {
    const scene = await new Scene({ inbound: [{ number: '+15550111', targets: [{ to: { number: '+15550177' } }] }] }).start();
    const call = scene.carrier.call({ requestUri: 'sip:15550111@carrier.example', from: { uri: 'sip:+15550123@carrier.example' } });
    const shown: (readonly [number, string | undefined])[] = [];
    call.onProgress(({ status, sdp: described }) => shown.push([status, described]));
    const phone = await scene.carrier.nextCall();
    const invite = scene.sip.received[0] as FakeInvite;
    invite.takesReliable = takesReliable;
    phone.progress(183, { sdp: sdp() });
    await scene.settle();
    return { scene, call, shown, invite, phone };
  }

  it('that takes reliable responses gets our offer with early media, and its answer is taken in from the PRACK', async () => {
    const { scene, call, shown, invite, phone } = await calling(true);
    expect(shown).toEqual([[183, expect.stringContaining('m=audio')]]);
    invite.acknowledge(two);
    await scene.settle();
    const answers = () => scene.media.requests.filter(({ method, leg }) => method === 'accept' && leg === 'a').map(({ sdp: text }) => text);
    expect(answers()).toEqual([two]);
    phone.answer(sdp());
    const outcome = await call.outcome;
    if (outcome.kind === 'answered') outcome.answerWith?.(two);
    await scene.settle();
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
  });

  it('that does not is shown early media without an offer', async () => {
    const { shown } = await calling(false);
    expect(shown).toEqual([[183, undefined]]);
  });

  it('whose answer cannot be taken loses the telephone it calls', async () => {
    const { scene, call, invite, phone } = await calling(true);
    invite.acknowledge(sdp('96'));
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 488 });
    await scene.settle();
    expect(phone.cancelled.aborted).toBe(true);
    expect(scene.left()).toEqual(nothing());
  });
});
