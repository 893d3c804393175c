import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { DemoCarrier } from '../../src/demo/demo-carrier.js';
import { loadPrompts, type PromptName } from '../../src/demo/prompts.js';
import type { G711Law } from '../../src/media/codec/g711.js';
import { totalLevel } from '../../src/media/codec/tone-meter.js';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { InboundCall, OutboundCall, OutboundOutcome, Progress, SipDialog } from '../../src/sip/port.js';
import { eventually } from '../support/eventually.js';
import { MediaPhone } from '../support/fake-media-phone.js';
import { findPrompt } from '../support/heard-prompt.js';
import { startStack } from '../support/sip-rigs.js';

const prompts = loadPrompts();
const microphoneHz = 620;

describe('The demo carrier', () => {
  let carrier: DemoCarrier;
  let gateway: EmbeddedSip;
  let told: string[];
  const phones: MediaPhone[] = [];

  beforeEach(async () => {
    told = [];
    gateway = await startStack();
    const at = gateway.bound()[0];
    if (at === undefined) throw new Error('the stack does not listen');
    carrier = new DemoCarrier(
      { listen: { host: '127.0.0.1', port: 0 }, gateway: { host: at.host, port: at.port }, callBackAfterMs: 50 },
      { clock: new SystemClock(), log: silentLog, prompts, tell: (line) => told.push(line) },
    );
    await carrier.start();
  });

  afterEach(async () => {
    await eventually(() => (callsLeft() === 0 ? true : undefined), {
      what: 'no call is left at the carrier',
      withinMs: 3_000,
      explain: () => JSON.stringify(carrier.liveObjects()),
    });
    await carrier.stop();
    expect(Object.entries(carrier.liveObjects()).filter(([, count]) => count !== 0)).toEqual([]);
    await gateway.stop();
    await Promise.all(phones.splice(0).map((phone) => phone.close()));
  });

  const callsLeft = (): number => {
    const { call = 0, dialog = 0, call_back = 0, invite = 0 } = carrier.liveObjects();
    return call + dialog + call_back + invite;
  };

  interface Dialled {
    readonly phone: MediaPhone;
    readonly law: G711Law;
    readonly call: OutboundCall;
    readonly progress: Progress[];
    readonly startedAtMs: number;
  }

  async function dial(number: string, law: G711Law = 'PCMU'): Promise<Dialled> {
    const phone = await MediaPhone.open({ law, eventPayloadType: 101, toneHz: microphoneHz });
    phones.push(phone);
    const { host, port } = carrier.address();
    const progress: Progress[] = [];
    const startedAtMs = performance.now();
    const call = gateway.call({
      requestUri: `sip:${number}@${host}:${port}`,
      from: { uri: `sip:+15550100@${host}` },
      offer: phone.sdp(),
      via: { proxy: `sip:${host}:${port};transport=udp` },
    });
    call.onProgress((news) => {
      progress.push(news);
      if (news.sdp !== undefined) phone.talkTo(news.sdp);
    });
    return { phone, law, call, progress, startedAtMs };
  }

  async function answered({ call, phone }: Dialled): Promise<SipDialog> {
    const outcome: OutboundOutcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(`not answered: ${JSON.stringify(outcome)}`);
    phone.talkTo(outcome.sdp);
    return outcome.dialog;
  }

  /** Waits until the prompt is heard at or after `from`; gives where to go on listening. */
  function waitForPrompt({ phone, law }: Pick<Dialled, 'phone' | 'law'>, name: PromptName, from = 0, withinMs = 8_000): Promise<number> {
    return eventually(() => findPrompt(phone.heardAudio(), prompts[name], law, from), {
      what: `"${name}" is heard`,
      withinMs,
      everyMs: 20,
      explain: () => `heard ${phone.framesHeard} frames; told: ${told.join(' | ')}`,
    });
  }

  const ended = (dialog: SipDialog, withinMs: number): Promise<string> => {
    let by: string | undefined;
    dialog.onEnd((end) => {
      by = end.by;
    });
    return eventually(() => by, { what: 'the call is ended', withinMs });
  };

  it('speaks the menu at once and lets a key take its place', async () => {
    const dialled = await dial('1001');
    const dialog = await answered(dialled);
    await eventually(() => (totalLevel(dialled.phone.heardAudio().slice(-400)) > -30 ? true : undefined), {
      what: 'something is heard',
      withinMs: 3_000,
      everyMs: 10,
    });
    expect(performance.now() - dialled.startedAtMs).toBeLessThan(1_000);
    expect(dialled.progress.map(({ status }) => status)).toEqual([180]);
    await waitForPrompt(dialled, 'welcome');

    dialled.phone.press('1', 100);
    const at = await waitForPrompt(dialled, 'about');
    expect(findPrompt(dialled.phone.heardAudio(), prompts.menu, 'PCMU')).toBeUndefined();
    dialled.phone.press('2', 100);
    await waitForPrompt(dialled, 'tune-next', at);
    await dialog.bye();
    expect(told).toEqual(['1001: the caller chose what it is', '1001: the caller chose the tune']);
  });

  it.each(['PCMU', 'PCMA'] as const)('reads typed digits back in their order, in %s', async (law) => {
    const dialled = await dial('1001', law);
    const dialog = await answered(dialled);
    let at = await waitForPrompt(dialled, 'welcome');
    for (const [digit, prompt] of [
      ['3', 'type-digits'],
      ['4', 'digit-4'],
      ['7', 'digit-7'],
      ['#', 'you-typed'],
    ] as const) {
      dialled.phone.press(digit, 80);
      at = await waitForPrompt(dialled, prompt, at);
    }
    for (const prompt of ['digit-4', 'digit-7', 'more'] as const) at = await waitForPrompt(dialled, prompt, at);
    await dialog.bye();
    expect(told).toEqual(['1001: the caller chose to type digits', '1001: the caller typed 2 digit(s), read back']);
  });

  it('says goodbye and hangs up when the caller asks for it', async () => {
    const dialled = await dial('1001');
    const dialog = await answered(dialled);
    dialled.phone.press('9', 100);
    const end = ended(dialog, 8_000);
    await waitForPrompt(dialled, 'goodbye');
    expect(await end).toBe('remote');
  });

  it('gives the caller back his own tone and keys at the echo', async () => {
    const dialled = await dial('1002');
    const dialog = await answered(dialled);
    await eventually(
      () => {
        if (dialled.phone.framesHeard < 25) return undefined;
        const reading = dialled.phone.hearTone();
        return Math.abs(reading.frequencyHz - microphoneHz) < 2 && Math.abs(reading.levelDbfs + 12) < 0.3 ? reading : undefined;
      },
      { what: `${microphoneHz} Hz come back as loud as they were sent`, withinMs: 6_000 },
    );
    dialled.phone.press('5', 100);
    await eventually(() => (dialled.phone.heardDigits.length > 0 ? true : undefined), { what: 'the key comes back', withinMs: 2_000 });
    expect(dialled.phone.heardDigits.map(({ digit }) => digit)).toEqual(['5']);
    await dialog.bye();
  });

  it.each([
    ['1004', 486],
    ['1005', 603],
    ['1999', 404],
  ])('refuses number %s with %i', async (number, status) => {
    const { call } = await dial(number);
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status });
  });

  it('refuses a caller with no codec of ours with 488', async () => {
    const { host, port } = carrier.address();
    const offer = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n`;
    const call = gateway.call({ requestUri: `sip:1001@${host}:${port}`, from: { uri: `sip:+15550100@${host}` }, offer });
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 488 });
  });

  it('rings at nobody until the caller gives up', async () => {
    const { call, progress } = await dial('1003');
    await eventually(() => (progress.length > 0 ? true : undefined), { what: 'it rings', withinMs: 2_000 });
    call.cancel();
    expect(await call.outcome).toMatchObject({ kind: 'failed', why: 'cancelled' });
    expect(progress.map(({ status }) => status)).toEqual([180]);
  });

  it('speaks before anybody answers, then answers', async () => {
    const dialled = await dial('1007');
    let isAnswered = false;
    const dialog = answered(dialled).finally(() => {
      isAnswered = true;
    });
    await eventually(() => (dialled.phone.framesHeard > 50 ? true : undefined), { what: 'the announcement is heard', withinMs: 3_000 });
    expect(isAnswered).toBe(false);
    expect(dialled.progress.map(({ status }) => status)).toEqual([183]);
    await dialog;
    expect(findPrompt(dialled.phone.heardAudio(), prompts.announcement, 'PCMU')).toBeDefined();
    await waitForPrompt(dialled, 'picked-up');
    await (await dialog).bye();
  }, 30_000);

  it('calls the caller back after he has hung up, speaks and presses keys', async () => {
    const incoming = new Promise<InboundCall>((resolve) => gateway.onCall(resolve));
    const dialled = await dial('1006');
    const dialog = await answered(dialled);
    await waitForPrompt(dialled, 'call-back');
    await dialog.bye();

    const call = await incoming;
    expect(call.requestUri).toMatch(/^sip:\+15550100@/);
    expect(call.from).toMatchObject({ displayName: 'Demo line' });
    const phone = await MediaPhone.open({ law: 'PCMU', eventPayloadType: 101, toneHz: microphoneHz });
    phones.push(phone);
    const back = call.answer(phone.sdp());
    phone.talkTo(call.offer ?? '');
    const end = ended(back, 15_000);
    await waitForPrompt({ phone, law: 'PCMU' }, 'called-back', 0, 10_000);
    await waitForPrompt({ phone, law: 'PCMU' }, 'goodbye', 0, 8_000);
    expect(phone.heardDigits.map(({ digit }) => digit)).toEqual(['1', '2', '3']);
    expect(await end).toBe('remote');
  }, 40_000);

  it('hangs up every call when it is stopped', async () => {
    const dialled = await dial('1001');
    const dialog = await answered(dialled);
    const end = ended(dialog, 3_000);
    await carrier.stop();
    expect(await end).toBe('remote');
  });
});
