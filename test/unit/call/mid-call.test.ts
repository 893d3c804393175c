import { describe, expect, it } from 'vitest';
import type { FlowRef, InboundCall, InboundRequest, Reoffer, SipDialog, SipResponse } from '../../../src/sip/port.js';
import { nothing, Scene, type SceneOptions, sdp } from './scene.js';

const saying = (direction: string): string => `${sdp()}a=${direction}\r\n`;
const directionIn = (text: string | undefined): string | undefined => /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(text ?? '')?.[1];

/** A far end with a dialog: answers re-offers with what it is told to, and keeps the reports of its transfers. */
class Party {
  readonly offered: (string | undefined)[] = [];
  readonly reports: string[] = [];
  readonly ends: string[] = [];
  answers: (offer: Reoffer) => void;

  constructor(
    readonly dialog: SipDialog,
    answer = 'sendrecv',
  ) {
    this.answers = (offer) => offer.accept(saying(answer));
    dialog.onOffer((offer) => {
      this.offered.push(directionIn(offer.sdp));
      this.answers(offer);
    });
    dialog.onRequest((request: InboundRequest) => {
      if (request.method === 'NOTIFY')
        this.reports.push(`${request.headers.get('Subscription-State')?.split(';')[0]} ${request.body?.content.trim()}`);
      request.respond(200);
    });
    dialog.onEnd(({ by }) => this.ends.push(by));
  }

  answering(direction: string): void {
    this.answers = (offer) => offer.accept(saying(direction));
  }

  refer(to: string, more: ReadonlyArray<readonly [string, string]> = []): Promise<SipResponse> {
    return this.dialog.request('REFER', { headers: [['Refer-To', to], ...more] });
  }
}

interface Call {
  readonly page: Party;
  readonly phone: Party;
}

async function connect(scene: Scene, number = '+15550100'): Promise<Call> {
  const call = scene.dial(number);
  const ringing = await scene.carrier.nextCall();
  const phone = new Party(ringing.answer(sdp()));
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(`the page's call was ${outcome.kind}`);
  const page = new Party(outcome.dialog);
  await scene.settle();
  return { page, phone };
}

const register = (scene: Scene): Promise<unknown> =>
  scene.page.request({
    method: 'REGISTER',
    requestUri: 'sip:gateway.example',
    from: { uri: 'sip:demo@gateway.example' },
    to: { uri: 'sip:demo@gateway.example' },
    headers: [['Contact', '<sip:x@y.invalid;transport=ws>']],
  });

/** The phone calls the page. */
async function connectedByPhone(options: SceneOptions = {}): Promise<Call & { readonly scene: Scene }> {
  const scene = await new Scene(options).start();
  await register(scene);
  const from = { uri: 'sip:+15550123@carrier.example' };
  const call = scene.carrier.call({ requestUri: 'sip:+15550111@carrier.example', from, offer: sdp() });
  const page = new Party((await scene.page.nextCall()).answer(sdp()));
  const outcome = await call.outcome;
  if (outcome.kind !== 'answered') throw new Error(`the phone's call was ${outcome.kind}`);
  const phone = new Party(outcome.dialog);
  await scene.settle();
  return { scene, page, phone };
}

async function connected(options: SceneOptions = {}): Promise<Call & { readonly scene: Scene }> {
  const scene = await new Scene(options).start();
  return { scene, ...(await connect(scene)) };
}

const asked = (scene: Scene): readonly string[] => scene.media.requests.map(({ method, leg }) => method + (leg ?? ''));

describe('a phone that holds', () => {
  it('is answered, the page is told, and everybody talks again when it resumes', async () => {
    const { scene, page, phone } = await connected();
    page.answering('recvonly');
    const held = await phone.dialog.offer(saying('sendonly'));
    await scene.settle();
    expect([held.status, directionIn(held.sdp), page.offered]).toEqual([200, 'recvonly', ['sendonly']]);
    page.answering('sendrecv');
    const resumed = await phone.dialog.offer(saying('sendrecv'));
    await scene.settle();
    expect([directionIn(resumed.sdp), page.offered, phone.offered]).toEqual(['sendrecv', ['sendonly', 'sendrecv'], []]);
    expect(scene.factTypes().slice(-4)).toEqual(['held', 'reoffer', 'resumed', 'reoffer']);
  });

  it('by inactive or by an address of zeros is understood as well', async () => {
    for (const [hold, told] of [
      [saying('inactive'), 'inactive'],
      [sdp().replace('c=IN IP4 192.0.2.9', 'c=IN IP4 0.0.0.0'), 'sendonly'],
    ] as const) {
      const { scene, page, phone } = await connected();
      await phone.dialog.offer(hold);
      await scene.settle();
      expect(page.offered).toEqual([told]);
    }
  });

  it('keeps its call when the page refuses to hear of it', async () => {
    for (const status of [488, 491, 500]) {
      const { scene, page, phone } = await connected();
      page.answers = (offer) => offer.reject(status);
      await phone.dialog.offer(saying('sendonly'));
      await scene.settle();
      expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
      expect(page.offered).toEqual(['sendonly']);
    }
  });

  it('for fifteen minutes, both sides silent, still has its call', async () => {
    const { scene, page, phone } = await connected();
    page.answering('inactive');
    await phone.dialog.offer(saying('inactive'));
    await scene.settle();
    for (const leg of ['a', 'b'] as const) {
      scene.media.emit({ type: 'media-silent', session: scene.session(), leg, silentMs: 5000, cause: 'nothing-received', detail: '' });
    }
    scene.clock.advance(15 * 60_000);
    await scene.settle();
    page.answering('sendrecv');
    await phone.dialog.offer(saying('sendrecv'));
    await scene.settle();
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
    await phone.dialog.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });
});

describe('a page that holds', () => {
  it('is told to the phone', async () => {
    const { scene, page, phone } = await connected();
    phone.answering('recvonly');
    await page.dialog.offer(saying('sendonly'));
    await scene.settle();
    expect(phone.offered).toEqual(['sendonly']);
    expect(scene.fact('held')).toMatchObject({ leg: 'a', kind: 'browser', direction: 'sendonly' });
  });

  it('in the moment it answers is told to the phone as soon as the phone is in the call', async () => {
    const scene = await new Scene().start();
    await register(scene);
    const from = { uri: 'sip:+15550123@carrier.example' };
    const call = scene.carrier.call({ requestUri: 'sip:+15550111@carrier.example', from, offer: sdp() });
    const page = new Party((await scene.page.nextCall()).answer(sdp()));
    const held = page.dialog.offer(saying('sendonly'));
    const outcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(`the phone's call was ${outcome.kind}`);
    const phone = new Party(outcome.dialog, 'recvonly');
    await scene.settle();
    const { status, sdp: answer } = await held;
    expect([status, directionIn(answer), phone.offered]).toEqual([200, 'recvonly', ['sendonly']]);
  });

  it('is not told to a trunk that does not want to hear of it', async () => {
    const { scene, page, phone } = await connected({ trunk: { hold: 'absorb' } });
    await page.dialog.offer(saying('sendonly'));
    await page.dialog.offer(saying('sendrecv'));
    await phone.dialog.offer(saying('sendonly'));
    await scene.settle();
    expect(phone.offered).toEqual([]);
    expect(page.offered).toEqual(['sendonly']);
  });

  it('is not told to such a trunk either when the call came in on it', async () => {
    const { scene, page, phone } = await connectedByPhone({ trunk: { hold: 'absorb' } });
    await page.dialog.offer(saying('sendonly'));
    await scene.settle();
    expect(phone.offered).toEqual([]);
    const told = await connectedByPhone();
    told.phone.answering('recvonly');
    await told.page.dialog.offer(saying('sendonly'));
    await told.scene.settle();
    expect(told.phone.offered).toEqual(['sendonly']);
  });

  it('at the same moment as the phone settles, and both can talk again', async () => {
    const { scene, page, phone } = await connected();
    page.answering('inactive');
    phone.answering('inactive');
    await Promise.all([page.dialog.offer(saying('sendonly')), phone.dialog.offer(saying('sendonly'))]);
    await scene.settle();
    phone.answering('sendonly');
    page.answering('recvonly');
    await page.dialog.offer(saying('sendrecv'));
    await scene.settle();
    page.answering('sendrecv');
    await phone.dialog.offer(saying('sendrecv'));
    await scene.settle();
    expect([page.offered.at(-1), phone.offered.at(-1)]).toEqual(['sendrecv', 'sendrecv']);
    expect(scene.factTypes().filter((type) => type === 'held' || type === 'resumed')).toEqual(['held', 'held', 'resumed', 'resumed']);
  });
});

describe('a codec change', () => {
  it('of one side is answered on that side and leaves the other alone', async () => {
    const { scene, page, phone } = await connected();
    const changed = await phone.dialog.offer(sdp('8 101'));
    await scene.settle();
    expect([changed.status, changed.sdp]).toEqual([200, expect.stringContaining('RTP/AVP 8 101')]);
    expect(page.offered).toEqual([]);
    expect((await scene.media.stats(scene.session())).b?.codec).toBe('PCMA');
  });
});

describe('a phone that transfers the page', () => {
  const target = '<sip:+15550123@carrier.example>';

  async function transferred(options: SceneOptions = {}): Promise<Call & { readonly scene: Scene; readonly third: InboundCall }> {
    const call = await connected(options);
    const { status } = await call.phone.refer(target);
    expect(status).toBe(202);
    return { ...call, third: await call.scene.carrier.nextCall() };
  }

  it('is told how far it is, is hung up, and the page talks to the new one', async () => {
    const { scene, page, phone, third } = await transferred();
    expect(third.requestUri).toContain('+15550123');
    third.progress(180);
    await scene.settle();
    const there = new Party(third.answer(sdp()));
    await scene.settle();
    expect(phone.reports).toEqual(['active SIP/2.0 100 Trying', 'active SIP/2.0 180 Ringing', 'terminated SIP/2.0 200 OK']);
    expect(asked(scene).slice(-3)).toEqual(['offerc', 'acceptc', 'replaceb']);
    expect(phone.ends).toEqual([]);
    scene.clock.advance(2_000);
    await scene.settle();
    expect([phone.ends, there.ends, page.ends]).toEqual([['remote'], [], []]);
    expect(scene.lines.inUse('carrier')).toBe(1);
    await there.dialog.bye();
    await scene.settle();
    expect(page.ends).toEqual(['remote']);
    expect(scene.left()).toEqual(nothing());
    expect(scene.fact('transferred')).toMatchObject({ leg: 'b', kind: 'trunk', to: '+15550123' });
  });

  it('and is busy elsewhere changes nothing', async () => {
    const { scene, page, phone, third } = await transferred();
    third.reject(486);
    await scene.settle();
    expect(phone.reports.at(-1)).toBe('terminated SIP/2.0 486 Busy Here');
    expect([asked(scene).at(-1), scene.lines.inUse('carrier')]).toEqual(['dropc', 1]);
    expect((await phone.dialog.offer(saying('sendonly'))).status).toBe(200);
    await page.dialog.bye();
    await scene.settle();
    expect(scene.left()).toEqual(nothing());
  });

  it('and hangs up at once leaves the page waiting for the new one', async () => {
    const { scene, page, phone, third } = await transferred();
    await phone.dialog.bye();
    await scene.settle();
    expect(page.ends).toEqual([]);
    const there = new Party(third.answer(sdp()));
    await scene.settle();
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
    await page.dialog.bye();
    await scene.settle();
    expect([there.ends, scene.left()]).toEqual([['remote'], nothing()]);
  });

  it('and hangs up at once, to one who does not answer, ends the call', async () => {
    const { scene, page, phone, third } = await transferred();
    await phone.dialog.bye();
    third.reject(603);
    await scene.settle();
    expect([page.ends, scene.left()]).toEqual([['remote'], nothing()]);
    expect(scene.fact('ended')).toMatchObject({ by: 'gateway', failure: 'rejected' });
  });

  it('who hangs up while it rings elsewhere stops that ringing', async () => {
    const { scene, page, third } = await transferred();
    await page.dialog.bye();
    await scene.settle();
    expect([third.cancelled.aborted, scene.left()]).toEqual([true, nothing()]);
  });

  it('rings no longer than any other call', async () => {
    const { scene, phone, third } = await transferred({ calls: { ringMs: 20_000 } });
    third.progress(180);
    scene.clock.advance(20_000);
    await scene.settle();
    expect(third.cancelled.aborted).toBe(true);
    expect(phone.reports.at(-1)).toBe('terminated SIP/2.0 480 Temporarily Unavailable');
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
  });

  it('and wants no reports gets none', async () => {
    const { scene, phone } = await connected();
    const response = await phone.refer(target, [['Refer-Sub', 'false']]);
    new Party((await scene.carrier.nextCall()).answer(sdp()));
    await scene.settle();
    expect([response.status, response.headers.get('Refer-Sub'), phone.reports]).toEqual([202, 'false', []]);
    expect(scene.fact('transferred')).toBeDefined();
  });

  it('is refused where the trunk may not, and for numbers nobody may call', async () => {
    const { scene, phone } = await connected({ transfers: { trunks: false } });
    expect((await phone.refer(target)).status).toBe(403);
    expect(scene.fact('transfer-failed')).toMatchObject({ status: 403, failure: 'destination-denied' });
    const other = await connected();
    expect((await other.phone.refer('<sip:+19005550123@carrier.example>')).status).toBe(403);
    expect(other.scene.carrier.received).toHaveLength(1);
  });

  it('without a target that can be read is refused, and the call goes on', async () => {
    const { scene, phone } = await connected();
    expect((await phone.dialog.request('REFER')).status).toBe(400);
    expect((await phone.refer('<https://x.example/>')).status).toBe(416);
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
  });

  it('while another transfer is under way has to wait', async () => {
    const { phone } = await transferred();
    expect((await phone.refer(target)).status).toBe(491);
  });
});

describe('a page that transfers its telephone', () => {
  it('leaves two telephones talking', async () => {
    const { scene, page, phone } = await connected();
    expect((await page.refer('<sip:+15550123@gateway.example>')).status).toBe(202);
    const there = new Party((await scene.carrier.nextCall()).answer(sdp()));
    await scene.settle();
    expect([page.reports.at(-1), asked(scene).at(-1)]).toEqual(['terminated SIP/2.0 200 OK', 'replacea']);
    await page.dialog.bye();
    await scene.settle();
    expect([phone.ends, there.ends]).toEqual([[], []]);
    await phone.dialog.bye();
    await scene.settle();
    expect([there.ends, scene.left()]).toEqual([['remote'], nothing()]);
  });

  it('that is nobody in particular may not, unless the configuration says so', async () => {
    const { scene, page } = await connected({ transfers: { guests: false } });
    expect((await page.refer('<sip:+15550123@gateway.example>')).status).toBe(403);
    expect(scene.carrier.received).toHaveLength(1);
  });
});

describe('a page that transfers its telephone on a trunk that does it itself', () => {
  it('has its REFER passed on and is handed the reports, and then both are hung up', async () => {
    const { scene, page, phone } = await connected({ trunk: { transfer: 'refer' } });
    const asked: (string | undefined)[] = [];
    phone.dialog.onRequest((request) => {
      asked.push(`${request.method} ${request.headers.get('Refer-To')}`);
      request.respond(202);
    });
    expect((await page.refer('<sip:+15550123;rn=+1900@gateway.invalid?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db>')).status).toBe(202);
    expect(asked).toEqual(['REFER <sip:+15550123@carrier.example:5060>']);
    const notify = (status: string): Promise<SipResponse> =>
      phone.dialog.request('NOTIFY', {
        headers: [
          ['Event', 'refer'],
          ['Subscription-State', 'active'],
        ],
        body: { type: 'message/sipfrag', content: `SIP/2.0 ${status}\r\n` },
      });
    expect((await notify('180 Ringing')).status).toBe(200);
    await notify('200 OK');
    await scene.settle();
    expect(page.reports).toEqual(['active SIP/2.0 180 Ringing', 'terminated SIP/2.0 200 OK']);
    scene.clock.advance(2_000);
    await scene.settle();
    expect([page.ends, phone.ends, scene.left()]).toEqual([['remote'], ['remote'], nothing()]);
  });

  it('has it passed on to the telephone that called, too, in the format and at the domain of its trunk', async () => {
    const { page, phone } = await connectedByPhone({ trunk: { transfer: 'refer', numberFormat: 'e164-no-plus', domain: 'voice.example' } });
    const asked: (string | undefined)[] = [];
    phone.dialog.onRequest((request) => {
      asked.push(`${request.method} ${request.headers.get('Refer-To')}`);
      request.respond(202);
    });
    expect((await page.refer('<sip:+15550123@gateway.example>')).status).toBe(202);
    expect(asked).toEqual(['REFER <sip:15550123@voice.example>']);
  });
});

describe('an attended transfer', () => {
  const replacing = (dialog: SipDialog): string =>
    `<sip:+15550123@gateway.example?Replaces=${encodeURIComponent(`${dialog.callIdHeader};to-tag=${dialog.remoteTag};from-tag=${dialog.localTag}`)}>`;

  it('of a page joins its two telephones and ends both of its calls', async () => {
    const scene = await new Scene().start();
    const first = await connect(scene);
    const second = await connect(scene, '+15550123');
    expect((await first.page.refer(replacing(second.page.dialog))).status).toBe(202);
    await scene.settle();
    expect(scene.carrier.received).toHaveLength(2);
    expect([second.phone.offered, first.page.reports.at(-1)]).toEqual([['sendrecv'], 'terminated SIP/2.0 200 OK']);
    expect([second.page.ends, second.phone.ends]).toEqual([['remote'], []]);
    scene.clock.advance(2_000);
    await scene.settle();
    expect([first.page.ends, first.phone.ends, second.phone.ends]).toEqual([['remote'], [], []]);
    expect(scene.service.calls()).toHaveLength(1);
    await second.phone.dialog.bye();
    await scene.settle();
    expect([first.phone.ends, scene.left()]).toEqual([['remote'], nothing(2)]);
  });

  it('that the telephone refuses leaves both calls as they were', async () => {
    const scene = await new Scene().start();
    const first = await connect(scene);
    const second = await connect(scene, '+15550123');
    second.phone.answers = (offer) => offer.reject(488);
    await first.page.refer(replacing(second.page.dialog));
    await scene.settle();
    expect(first.page.reports.at(-1)).toContain('SIP/2.0 488');
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }, { state: 'connected' }]);
  });

  it('of a dialog that is not ours asks its owner to replace it', async () => {
    const referTo = '<sip:+15550123@carrier.example?Replaces=far%40away%3Bto-tag%3Dx%3Bfrom-tag%3Dy>';
    const { scene, phone } = await connected();
    await phone.refer(referTo, [['Referred-By', '<sip:boss@carrier.example>']]);
    const { headers } = await scene.carrier.nextCall();
    expect(['Replaces', 'Require', 'Referred-By'].map((name) => headers.get(name))).toEqual([
      'far@away;to-tag=x;from-tag=y',
      'replaces',
      '<sip:boss@carrier.example>',
    ]);
  });

  it('of a page does not say who the page says it is', async () => {
    const { scene, page } = await connected();
    await page.refer('<sip:+15550123@gateway.example>', [['Referred-By', '<sip:boss@carrier.example>']]);
    expect((await scene.carrier.nextCall()).headers.get('Referred-By')).toBeUndefined();
  });

  it('of a telephone to a page is refused: a page’s media cannot be moved', async () => {
    const scene = await new Scene().start();
    const first = await connect(scene);
    const second = await connect(scene, '+15550123');
    expect((await first.phone.refer(replacing(second.phone.dialog))).status).toBe(501);
    expect(scene.service.calls()).toHaveLength(2);
  });
});

describe('an INVITE with Replaces', () => {
  const invite = (scene: Scene, replaces: string): ReturnType<Scene['carrier']['call']> =>
    scene.carrier.call({
      requestUri: 'sip:+15550111@carrier.example',
      from: { uri: 'sip:+15550100@carrier.example' },
      offer: sdp(),
      headers: [['Replaces', replaces]],
    });
  const named = ({ callIdHeader, localTag, remoteTag }: SipDialog): string => `${callIdHeader};to-tag=${remoteTag};from-tag=${localTag}`;

  it('of the same trunk takes the place of the telephone, which is hung up', async () => {
    const { scene, page, phone } = await connected();
    const outcome = await invite(scene, named(phone.dialog)).outcome;
    await scene.settle();
    if (outcome.kind !== 'answered') throw new Error(outcome.kind);
    const there = new Party(outcome.dialog);
    expect([phone.ends, page.ends, asked(scene).slice(-2)]).toEqual([['remote'], [], ['answerc', 'replaceb']]);
    await page.dialog.bye();
    await scene.settle();
    expect([there.ends, scene.left()]).toEqual([['remote'], nothing()]);
  });

  it('is refused by what is wrong with it', async () => {
    const { scene, page, phone } = await connected();
    const status = async (replaces: string): Promise<unknown> => {
      const outcome = await invite(scene, replaces).outcome;
      return outcome.kind === 'rejected' ? outcome.status : outcome.kind;
    };
    expect(await status('nonsense')).toBe(400);
    expect(await status('no@such;to-tag=1;from-tag=2')).toBe(481);
    expect(await status(`${named(phone.dialog)};early-only`)).toBe(486);
    expect(await status(named(page.dialog))).toBe(403);
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
    expect(scene.lines.inUse('carrier')).toBe(1);
  });
});

describe('a page whose connection is lost in a call', () => {
  it('is not lost again when its old connection closes after it came back over another one', async () => {
    const { scene } = await connected();
    scene.service.flowClosed('fake:another' as FlowRef);
    expect(scene.factTypes()).not.toContain('flow-lost');
    for (const dialog of scene.sip.openDialogs) Object.assign(dialog, { flow: 'fake:another' });
    scene.service.flowClosed(scene.pageFlow);
    expect(scene.factTypes()).not.toContain('flow-lost');
    scene.service.flowClosed('fake:another' as FlowRef);
    expect(scene.fact('flow-lost')).toMatchObject({ leg: 'a' });
  });

  it('is back with an offer, and its later loss is noticed again', async () => {
    const { scene, page } = await connected();
    scene.service.flowClosed(scene.pageFlow);
    scene.clock.advance(10_000);
    await page.dialog.offer(sdp());
    await scene.settle();
    scene.clock.advance(60_000);
    scene.service.flowClosed(scene.pageFlow);
    await scene.settle();
    expect(scene.factTypes().filter((type) => type === 'flow-lost' || type === 'reattached')).toEqual([
      'flow-lost',
      'reattached',
      'flow-lost',
    ]);
    expect(scene.service.calls()).toMatchObject([{ state: 'connected' }]);
  });
});
