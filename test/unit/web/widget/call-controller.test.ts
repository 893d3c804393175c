import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallController, type CallSettings } from '../../../../src/web/widget/call-controller.js';
import type { CallMediaOptions } from '../../../../src/web/widget/media-handler.js';
import type { MicrophoneOutcome } from '../../../../src/web/widget/microphone.js';
import type { CallMemory, KeptCall } from '../../../../src/web/widget/resume.js';
import type { SipCall, SipCallHandlers } from '../../../../src/web/widget/sip-call.js';
import type { CallProof, SipClient, SipClientHandlers, SipClientOptions } from '../../../../src/web/widget/sip-client.js';
import { FakeClock, settle } from '../../../support/fake-clock.js';

const point = { token: 'T', callId: 'abc', localTag: 'ours', remoteTag: 'theirs' };
const kept: KeptCall = { ...point, peer: 'sales', startedAtMs: Date.UTC(2030, 0, 1) - 60_000, keptAtMs: 0, muted: true, held: true };

class FakeCall {
  readonly done: string[] = [];
  readonly messages: object[] = [];
  media: CallMediaOptions | undefined;
  resumePoint: typeof point | undefined;
  readonly callId = 'abc';
  takesMessages = true;

  constructor(
    readonly to: string,
    readonly handlers: SipCallHandlers,
    readonly proof: CallProof,
  ) {}

  async dial(media: CallMediaOptions): Promise<void> {
    this.media = media;
  }

  async accept(media: CallMediaOptions): Promise<void> {
    this.media = media;
    this.done.push('accept');
  }

  leave(): void {
    this.done.push('leave');
  }

  setHold(on: boolean): void {
    this.done.push(on ? 'hold' : 'talk');
  }

  async replaceMicrophone(): Promise<void> {
    this.done.push('microphone');
  }

  sendMessage(message: object): boolean {
    if (this.takesMessages) this.messages.push(message);
    return this.takesMessages;
  }

  async stats(): Promise<undefined> {
    return undefined;
  }

  prospects(): object {
    return { answered: true, canInsert: false, eventsAgreed: false, connectedForMs: 0 };
  }
}

class FakeClient {
  reachable: boolean | Promise<boolean> = true;
  readonly calls: FakeCall[] = [];
  closed = false;
  released = 0;
  stays = false;

  constructor(
    readonly options: SipClientOptions,
    readonly handlers: SipClientHandlers,
  ) {}

  connect(): Promise<boolean> {
    return Promise.resolve(this.reachable);
  }

  prepare(to: string, handlers: SipCallHandlers, proof: CallProof = {}): FakeCall | undefined {
    if (to.includes(' ')) return undefined;
    const call = new FakeCall(to, handlers, proof);
    this.calls.push(call);
    return call;
  }

  ring(from: string): FakeCall | undefined {
    let call: FakeCall | undefined;
    this.handlers.onIncoming(from, (handlers) => {
      call = new FakeCall(from, handlers, {});
      return call as unknown as SipCall;
    });
    return call;
  }

  stayReachable(): void {
    this.stays = true;
  }

  release(): void {
    this.released += 1;
  }

  close(): void {
    this.closed = true;
  }
}

describe('the calls of a button', () => {
  let clock: FakeClock;
  let settings: CallSettings;
  let controller: CallController;
  let clients: FakeClient[];
  let events: [type: string, detail: Readonly<Record<string, unknown>>][];
  let problems: string[];
  let microphone: MicrophoneOutcome | Promise<MicrophoneOutcome>;
  let memories: { readonly key: string; readonly log: unknown[] }[];
  let found: KeptCall | undefined;
  let answers: Readonly<Record<string, () => Response | Promise<Response>>>;
  let asked: string[];
  let reachable: boolean;

  const track = { enabled: true, stop: () => {}, addEventListener: () => {}, getSettings: () => ({}) };
  const stream = { getTracks: () => [track], getAudioTracks: () => [track] } as unknown as MediaStream;
  const audio = { srcObject: null as MediaProvider | null, muted: false, volume: 1, play: async () => {} };

  beforeEach(() => {
    clock = new FakeClock();
    settings = { gateway: 'wss://gw.example/sip', to: 'sales', place: 0 };
    [clients, events, problems, memories, asked] = [[], [], [], [], []];
    [microphone, found, reachable] = [{ kind: 'open', stream }, undefined, true];
    answers = { 'ice-servers': () => Response.json({ iceServers: [{ urls: 'stun:gw.example' }] }) };
    track.enabled = true;
    vi.stubGlobal('fetch', (url: string) => {
      const name = url.replace('https://gw.example/api/v1/', '');
      asked.push(name);
      const answer = answers[name];
      return answer === undefined ? Promise.reject(new TypeError('x')) : Promise.resolve(answer());
    });
    controller = new CallController({
      settings: () => settings,
      onChange: () => {},
      onEvent: (type, detail) => events.push([type, detail as unknown as Readonly<Record<string, unknown>>]),
      onProblem: (problem) => problems.push(problem),
      clock,
      wallMs: () => clock.wallMs(),
      openMicrophone: async () => microphone,
      mediaDevices: undefined,
      openMeter: () => ({ cancel: () => {} }),
      onGesture: () => {},
      openClient: (options, handlers) => {
        const client = new FakeClient(options, handlers);
        client.reachable = reachable;
        clients.push(client);
        return client as unknown as SipClient;
      },
      tones: { play: () => {}, stop: () => {} },
      audio,
      gather: async () => 'found',
      memory: (key) => {
        const log: unknown[] = [];
        memories.push({ key, log });
        return {
          keep: (call: unknown) => log.push(call),
          forget: () => log.push('forget'),
          find: async () => found,
        } as unknown as CallMemory;
      },
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  const state = (): string => controller.snapshot.state.name;
  const newest = (): FakeCall => {
    const call = clients.at(-1)?.calls.at(-1);
    if (call === undefined) throw new Error('no call was placed');
    return call;
  };
  async function connect(): Promise<FakeCall> {
    controller.call();
    await clock.advanceAsync(0);
    const call = newest();
    call.resumePoint = point;
    call.handlers.onConnected();
    call.handlers.onResumable();
    return call;
  }

  describe('before they are placed', () => {
    it('get ticket and servers beside microphone and connection', async () => {
      settings = { ...settings, site: 'pk_shop' };
      const servers = [{ urls: 'turn:gw.example', username: 'u', credential: 'c' }];
      answers = { tickets: () => Response.json({ ticket: 'TICKET', iceServers: servers }, { status: 201 }) };
      controller.call();
      expect(asked).toEqual(['tickets']);
      await settle();
      expect([newest().to, newest().proof]).toEqual(['sales', { ticket: 'TICKET' }]);
      expect(newest().media).toEqual({ microphone: stream, iceServers: servers, relayOnly: false });
    });

    it('get a fresh ticket each', async () => {
      settings = { ...settings, site: 'pk_shop' };
      let count = 0;
      answers = {
        tickets: () => {
          count += 1;
          return Response.json({ ticket: `T${count}`, iceServers: [] }, { status: 201 });
        },
      };
      for (const ticket of ['T1', 'T2']) {
        controller.call();
        await settle();
        expect(newest().proof).toEqual({ ticket });
        controller.hangup();
      }
    });

    it('wait for servers no longer than a moment, unless nothing else may be used', async () => {
      let give: (response: Response) => void = () => {};
      answers = {
        'ice-servers': () =>
          new Promise((resolve) => {
            give = resolve;
          }),
      };
      controller.call();
      await clock.advanceAsync(149);
      expect(state()).toBe('microphone');
      await clock.advanceAsync(1);
      expect(newest().media).toEqual({ microphone: stream, relayOnly: false });
      controller.hangup();
      settings = { ...settings, relayOnly: true };
      controller.call();
      await clock.advanceAsync(2_000);
      expect(state()).toBe('microphone');
      give(Response.json({ iceServers: [{ urls: 'turn:x' }] }));
      await settle();
      expect(newest().media).toEqual({ microphone: stream, iceServers: [{ urls: 'turn:x' }], relayOnly: true });
    });

    it.each([
      [
        'a ticket that is refused',
        'over-limit',
        () => (answers = { tickets: () => Response.json({ error: { code: 'over-limit' } }, { status: 429 }) }),
      ],
      ['a microphone that is denied', 'microphone-denied', () => (microphone = { kind: 'refused', problem: 'microphone-denied' })],
      ['a gateway out of reach', 'gateway-unreachable', () => (reachable = false)],
    ])('end with %s, and say so once', async (_what, problem, prepare) => {
      settings = { ...settings, site: 'pk_shop' };
      answers = { tickets: () => Response.json({ ticket: 'T', iceServers: [] }) };
      prepare();
      controller.call();
      await clock.advanceAsync(10_000);
      expect([state(), problems]).toEqual(['ended', [problem]]);
      expect(clients[0]?.calls).toEqual([]);
      expect(clients[0]?.released, 'the connection is not kept for nothing').toBe(1);
    });

    it('place nothing when the person gave up meanwhile', async () => {
      let give: (outcome: MicrophoneOutcome) => void = () => {};
      microphone = new Promise((resolve) => {
        give = resolve;
      });
      controller.call();
      await settle();
      controller.hangup();
      give({ kind: 'open', stream });
      await clock.advanceAsync(1_000);
      expect([state(), clients[0]?.calls]).toEqual(['ended', []]);
    });

    it('have something to call that can be called', async () => {
      settings = { gateway: settings.gateway, place: 0 };
      controller.call();
      settings = { ...settings, to: 'no body' };
      controller.call();
      await clock.advanceAsync(1_000);
      expect(problems).toEqual(['nothing-to-call', 'number-invalid']);
    });
  });

  describe('that come in', () => {
    it('are answered with the microphone and servers, without a ticket', async () => {
      settings = { ...settings, user: 'ann', ticketUrl: '/ticket' };
      controller.renewClient();
      expect(clients[0]?.stays).toBe(true);
      const call = clients[0]?.ring('Bob');
      expect(state()).toBe('incoming');
      controller.answer();
      await settle();
      expect(asked).toEqual(['ice-servers']);
      expect([call?.done, call?.media]).toEqual([
        ['accept'],
        { microphone: stream, iceServers: [{ urls: 'stun:gw.example' }], relayOnly: false },
      ]);
    });

    it('are not taken while there is one', async () => {
      settings = { ...settings, user: 'ann' };
      await connect();
      expect(clients[0]?.ring('Bob')).toBeUndefined();
    });

    it('get a fresh ticket for each registration where there is a source of them', async () => {
      settings = { ...settings, user: 'ann', ticket: 'T1' };
      controller.renewClient();
      settings = { ...settings, ticket: 'T2' };
      expect(await clients[0]?.options.ticket?.()).toBe('T2');
      settings = { gateway: settings.gateway, place: 0, user: 'bob' };
      controller.renewClient();
      expect([clients[0]?.closed, clients[1]?.options]).toEqual([true, { gateway: settings.gateway, user: 'bob' }]);
    });
  });

  describe('on hold', () => {
    it('are silent both ways at once, and told of', async () => {
      const call = await connect();
      controller.hold(true);
      expect([call.done, track.enabled, audio.muted, controller.snapshot.held]).toEqual([['hold'], false, true, 'local']);
      expect(events.at(-1)).toEqual(['call-state', expect.objectContaining({ state: 'connected', held: 'local' })]);
      call.handlers.onHold('remote');
      expect(controller.snapshot.held).toBe('both');
      controller.hold(false);
      expect([call.done, track.enabled, audio.muted, controller.snapshot.held]).toEqual([['hold', 'talk'], true, false, 'remote']);
    });

    it('go on as they were when the far end refuses', async () => {
      const call = await connect();
      controller.hold(true);
      call.handlers.onHoldRefused(false);
      expect([track.enabled, audio.muted, controller.snapshot.held]).toEqual([true, false, undefined]);
    });

    it('are none before they are answered', () => {
      controller.call();
      controller.hold(true);
      expect([controller.snapshot.held, audio.muted]).toEqual([undefined, false]);
    });
  });

  describe('across a reload', () => {
    it('are written down while they are up, with what they are like, and forgotten when they end', async () => {
      const call = await connect();
      const { log } = memories.at(-1) ?? { log: [] };
      await clock.advanceAsync(5_000);
      controller.mute(true);
      controller.hold(true);
      expect(log[0]).toEqual({ ...point, peer: 'sales', startedAtMs: clock.wallMs() - 5_000, muted: false, held: false });
      expect(log.at(-1)).toMatchObject({ muted: true, held: true });
      expect(log.length).toBeGreaterThan(4);
      call.handlers.onEnd({ kind: 'hung-up' });
      expect(log.at(-1)).toBe('forget');
    });

    it('are written down by whom and over what they call, and by the button’s place', async () => {
      settings = { ...settings, user: 'ann', place: 2 };
      await connect();
      expect(memories.at(-1)?.key).toBe('call-button wss://gw.example/sip sales ann 2');
    });

    it('are taken back as they were: since when, muted and on hold', async () => {
      found = kept;
      controller.renewClient();
      await clock.advanceAsync(200);
      expect(state()).toBe('resuming');
      const call = newest();
      expect([call.proof, call.media]).toEqual([
        { resume: kept },
        { microphone: stream, iceServers: [{ urls: 'stun:gw.example' }], relayOnly: false, held: true },
      ]);
      expect([controller.snapshot.muted, controller.snapshot.held, track.enabled]).toEqual([true, 'local', false]);
      call.handlers.onConnected();
      expect(controller.snapshot.state).toEqual({ name: 'connected', peer: 'sales', sinceMs: -60_000, held: 'local' });
      expect(asked, 'no ticket').toEqual(['ice-servers']);
    });

    it('go on listening when the microphone is not allowed any more, and talking when it comes late', async () => {
      found = kept;
      microphone = { kind: 'refused', problem: 'microphone-denied' };
      controller.renewClient();
      await clock.advanceAsync(200);
      expect([newest().media?.microphone, controller.snapshot.notice]).toEqual([undefined, 'listening-only']);
      newest().handlers.onConnected();
      expect([state(), problems]).toEqual(['connected', []]);
    });

    it('do not wait long for a person who has to allow the microphone anew', async () => {
      found = kept;
      let give: (outcome: MicrophoneOutcome) => void = () => {};
      microphone = new Promise((resolve) => {
        give = resolve;
      });
      controller.renewClient();
      await clock.advanceAsync(1_200);
      const call = newest();
      expect([call.media?.microphone, controller.snapshot.notice]).toEqual([undefined, 'listening-only']);
      call.handlers.onConnected();
      give({ kind: 'open', stream });
      await settle();
      expect([call.done, controller.snapshot.notice]).toEqual([['microphone'], undefined]);
    });

    it('are looked for again and again while the gateway is out of reach, and given up then', async () => {
      found = kept;
      reachable = false;
      controller.renewClient();
      await clock.advanceAsync(14_000);
      expect(state()).toBe('resuming');
      await clock.advanceAsync(3_000);
      expect([state(), problems]).toEqual(['ended', ['connection-lost']]);
      await clock.advanceAsync(60_000);
      expect(clock.liveTimers).toBe(0);
    });

    it('are taken back to be ended when the person hangs up before they are on their way back', async () => {
      found = kept;
      microphone = new Promise(() => {});
      controller.renewClient();
      await clock.advanceAsync(200);
      controller.hangup();
      await settle();
      expect([state(), newest().proof, newest().done, newest().media]).toEqual(['ended', { resume: kept }, ['leave'], {}]);
      expect(memories.at(-1)?.log).toEqual(['forget']);
      await clock.advanceAsync(60_000);
      expect([clients[0]?.calls.length, clock.liveTimers]).toEqual([1, 0]);
    });

    it('are looked for anew when the page says later what the button calls', async () => {
      settings = { gateway: settings.gateway, place: 0 };
      controller.renewClient();
      await settle();
      found = kept;
      settings = { ...settings, to: 'sales' };
      controller.renewClient();
      await clock.advanceAsync(200);
      expect([state(), memories.map(({ key }) => key)]).toEqual([
        'resuming',
        ['call-button wss://gw.example/sip   0', 'call-button wss://gw.example/sip sales  0'],
      ]);
    });

    it('are looked for once, and not while another one is placed', async () => {
      found = kept;
      controller.renewClient();
      controller.call();
      await clock.advanceAsync(200);
      controller.renewClient();
      expect([clients[0]?.calls.length, newest().proof]).toEqual([1, {}]);
    });
  });

  describe('afterwards', () => {
    it('can be rated once, while they are up too', async () => {
      expect(controller.rate(5)).toBe(false);
      await connect();
      expect(controller.snapshot.rating).toBe('open');
      expect([controller.rate(0), controller.rate(6), controller.rate(Number.NaN)]).toEqual([false, false, false]);
      expect(controller.rate(4, 'x'.repeat(600))).toBe(true);
      expect(events.at(-1)).toEqual(['rating', { stars: 4, comment: 'x'.repeat(500) }]);
      expect(asked.at(-1)).toBe('ratings');
      expect([controller.snapshot.rating, controller.rate(5)]).toEqual(['given', false]);
    });

    it('can be rated by their token when they are over, until the next one', async () => {
      const call = await connect();
      call.handlers.onEnd({ kind: 'hung-up' });
      answers = { ratings: () => new Response(undefined, { status: 204 }) };
      expect([controller.snapshot.rating, controller.rate(2)]).toEqual(['open', true]);
      expect(asked.at(-1)).toBe('ratings');
      controller.call();
      expect([controller.snapshot.rating, controller.rate(2)]).toEqual([undefined, false]);
    });

    it('leave nothing running', async () => {
      await connect();
      controller.hangup();
      await clock.advanceAsync(60_000);
      expect([clock.liveTimers, newest().done, audio.srcObject]).toEqual([0, ['leave'], null]);
    });
  });
});
