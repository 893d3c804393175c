import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import type { Digit } from '../../src/media/dtmf/digit.js';
import { EmbeddedMediaPlane } from '../../src/media/embedded/embedded-media-plane.js';
import type { ListenAddress } from '../../src/sip/embedded/embedded-sip.js';
import type { InboundRequest, SipDialog } from '../../src/sip/port.js';
import { eventuallyTrue } from '../support/eventually.js';
import { MediaPhone } from '../support/fake-media-phone.js';
import { type BuiltWorker, buildMediaWorker } from '../support/fake-media-worker.js';
import { FakeSip } from '../support/fake-sip.js';
import { hearTones } from '../support/heard-tones.js';

/** How a telephone presses keys, and how its trunk is configured. */
type Way = 'rfc4733' | 'info' | 'inband' | 'auto, with events' | 'auto, without';

const modeOf = (way: Way): string => way.split(',')[0] ?? way;
const hasEvents = (way: Way): boolean => way === 'rfc4733' || way === 'auto, with events';
const pressed: readonly Digit[] = ['5', '5', '#'];
const pressMs = 100;

/** The SIP stack in memory; one carrier is at the other end of both trunks. */
class Stack extends FakeSip {
  readonly carrier = new FakeSip('carrier');

  constructor() {
    super('gateway');
    this.connect(this.carrier, { transport: 'udp', names: ['127.0.0.1:5999', '@gateway'] });
  }

  bound(): readonly ListenAddress[] {
    return [];
  }

  acceptWebSocket(): void {}
}

let worker: BuiltWorker;
beforeAll(async () => {
  worker = await buildMediaWorker();
});
afterAll(() => worker.remove());

let gateway: Gateway | undefined;
const phones: MediaPhone[] = [];
afterEach(async () => {
  await gateway?.stop();
  for (const phone of phones.splice(0)) await phone.close();
});

async function phoneOf(way: Way): Promise<MediaPhone> {
  const phone = await MediaPhone.open({ law: 'PCMU', levelDbfs: -70, ...(hasEvents(way) ? { eventPayloadType: 97 } : {}) });
  phones.push(phone);
  return phone;
}

/** A telephone that calls in on one trunk, and one that it is forwarded to on another. */
async function call(from: Way, to: Way) {
  const loaded = loadConfig(
    `
http: { port: 0 }
policy: { destinations: { allow: ["+1"] } }
inbound: [{ number: "*", to: { number: "+15550177" } }]
trunks:
  - { id: out, dtmf: ${modeOf(to)}, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:5999" }], codecs: [PCMU] }
  - { id: in, dtmf: ${modeOf(from)}, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:5998" }], allow: [192.0.2.0/24], codecs: [PCMU] }`,
    {},
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  const { secrets } = resolveSecrets(loaded.config, { environment: {}, readFile: () => '' });
  const stack = new Stack();
  const clock = new SystemClock();
  gateway = createGateway(loaded.config, {
    ...{ clock, log: silentLog, secrets, version: '0.0.0', webFolder: new URL('none/', pathToFileURL('/')) },
    makeSip: () => stack,
    makeMedia: (options) =>
      new EmbeddedMediaPlane(
        {
          ...options,
          workers: 1,
          bindAddress: '127.0.0.1',
          browserPorts: { min: 46_000, max: 46_199 },
          trunkPorts: { min: 46_200, max: 46_499 },
        },
        { clock, log: silentLog, workerUrl: worker.url },
      ),
  });
  await gateway.start();
  const [caller, callee] = [await phoneOf(from), await phoneOf(to)];
  const outgoing = stack.carrier.call({
    requestUri: 'sip:+15550111@gateway',
    from: { uri: 'sip:+15550123@127.0.0.1' },
    offer: caller.sdp(),
  });
  const invited = await stack.carrier.nextCall();
  const infos: InboundRequest[] = [];
  const far = invited.answer(callee.sdp());
  far.onRequest((request) => {
    infos.push(request);
    request.respond(200);
  });
  const outcome = await outgoing.outcome;
  if (outcome.kind !== 'answered') throw new Error(outcome.kind);
  caller.talkTo(outcome.sdp);
  callee.talkTo(invited.offer ?? '');
  await eventuallyTrue(() => callee.packetsHeard > 10 && caller.packetsHeard > 10, { what: 'both hear each other', withinMs: 5000 });
  return { caller, callee, near: outcome.dialog, infos };
}

async function pressAll(way: Way, caller: MediaPhone, near: SipDialog): Promise<void> {
  for (const digit of pressed) {
    if (way === 'info') {
      const content = `Signal=${digit}\r\nDuration=${pressMs}\r\n`;
      expect((await near.request('INFO', { body: { type: 'application/dtmf-relay', content } })).status).toBe(200);
    } else if (hasEvents(way)) caller.press(digit, pressMs);
    else caller.pressTone(digit, pressMs);
  }
}

/** What a telephone has heard, by way. */
function heardBy(callee: MediaPhone, infos: readonly InboundRequest[]) {
  return {
    events: callee.heardDigits.map(({ digit }) => digit).join(''),
    tones: hearTones(callee.heardAudio())
      .map(({ digit }) => digit)
      .join(''),
    infos: infos.map(({ body }) => /Signal=(.)/.exec(body?.content ?? '')?.[1] ?? '?').join(''),
  };
}

async function receipts(): Promise<readonly { readonly outcome?: string }[]> {
  const { calls } = (await (await fetch(`${gateway?.addresses().http}/api/v1/calls`)).json()) as {
    calls: { digits: { receipts: { outcome?: string }[] } }[];
  };
  return calls[0]?.digits.receipts ?? [];
}

const ways: readonly Way[] = ['rfc4733', 'info', 'inband', 'auto, with events', 'auto, without'];
const pairs = ways.flatMap((from) => ways.map((to) => ({ from, to })));

describe('a digit that is sent by INFO too while its key is down', () => {
  it.each(['rfc4733', 'info', 'auto, without'] as const)('arrives once where digits leave by %s', async (to) => {
    const { caller, callee, near, infos } = await call('rfc4733', to);
    callee.forgetAudio();
    for (const count of [1, 2]) {
      caller.press('5', 300);
      await eventuallyTrue(() => caller.pressedAtMs.length === count, { what: 'the key is down', withinMs: 2000, everyMs: 5 });
      await near.request('INFO', { body: { type: 'application/dtmf-relay', content: 'Signal=5\r\nDuration=300\r\n' } });
      const frames = callee.framesHeard;
      await eventuallyTrue(() => callee.framesHeard > frames + 40, { what: 'the key is up', withinMs: 5000 });
    }
    const way = to === 'info' ? 'infos' : hasEvents(to) ? 'events' : 'tones';
    expect(heardBy(callee, infos)).toEqual({ events: '', tones: '', infos: '', [way]: '55' });
    expect((await receipts()).map(({ outcome }) => outcome)).toEqual(Array(2).fill(to === 'info' ? 'acknowledged' : 'sent'));
  });
});

describe('digits between two trunks', () => {
  it.each(pairs)('from $from to $to arrive once each, in order, by that way alone', async ({ from, to }) => {
    const { caller, callee, near, infos } = await call(from, to);
    callee.forgetAudio();
    await pressAll(from, caller, near);
    const text = pressed.join('');
    const way = to === 'info' ? 'infos' : hasEvents(to) ? 'events' : 'tones';
    await eventuallyTrue(
      async () => heardBy(callee, infos)[way] === text && (await receipts()).every(({ outcome }) => outcome !== undefined),
      {
        what: `${text} has arrived`,
        withinMs: 5000,
        everyMs: 50,
        explain: () => JSON.stringify(heardBy(callee, infos)),
      },
    );
    // What would come twice comes within this.
    const frames = callee.framesHeard;
    await eventuallyTrue(() => callee.framesHeard > frames + 20, { what: 'the telephone has heard on', withinMs: 5000 });
    expect(heardBy(callee, infos)).toEqual({ events: '', tones: '', infos: '', [way]: text });
    expect((await receipts()).map(({ outcome }) => outcome)).toEqual(pressed.map(() => (to === 'info' ? 'acknowledged' : 'sent')));
  });
});
