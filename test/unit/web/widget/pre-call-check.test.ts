import { beforeEach, describe, expect, it } from 'vitest';
import type { MicrophoneOutcome } from '../../../../src/web/widget/microphone.js';
import { type CheckResults, checkBeforeCall, type PreCallCheckDeps } from '../../../../src/web/widget/pre-call-check.js';
import { FakeClock } from '../../../support/fake-clock.js';

const never = new Promise<never>(() => {});
const allKinds: RTCIceServer[] = [
  { urls: 'stun:gw:3478' },
  { urls: ['turn:gw:3478?transport=udp', 'turn:gw:3478?transport=tcp', 'turns:gw:5349'], username: 'u', credential: 'c' },
];

describe('the check before a call', () => {
  let clock: FakeClock;
  let deps: PreCallCheckDeps;
  let stopped: string[];
  let gathered: { readonly urls: unknown[]; readonly policy: string | undefined; readonly wanted: readonly string[] }[];
  let level: number;

  beforeEach(() => {
    clock = new FakeClock();
    stopped = [];
    gathered = [];
    level = 0.4;
    const stream = { getTracks: () => [{ stop: () => stopped.push('microphone') }] } as unknown as MediaStream;
    deps = {
      openMicrophone: async (): Promise<MicrophoneOutcome> => ({ kind: 'open', stream }),
      openMeter: (_stream, onLevel) => {
        onLevel(0);
        onLevel(level);
        onLevel(0);
        return { cancel: () => stopped.push('meter') };
      },
      reach: async () => true,
      iceServers: async () => allKinds,
      gather: async ({ iceServers, iceTransportPolicy }, wanted) => {
        gathered.push({ urls: (iceServers ?? []).flatMap(({ urls }) => urls), policy: iceTransportPolicy, wanted });
        return 'found';
      },
      pause: (ms) => new Promise((resolve) => void clock.after(ms, () => resolve())),
    };
  });

  async function run(part: Partial<PreCallCheckDeps> = {}): Promise<{ readonly last: CheckResults; readonly all: CheckResults[] }> {
    const all: CheckResults[] = [];
    const checked = checkBeforeCall({ ...deps, ...part }, (results) => all.push(results));
    await clock.advanceAsync(6_000);
    return { last: await checked, all };
  }
  const states = (results: CheckResults | undefined): string[] => Object.values(results ?? {}).map(({ state }) => state);

  it('shows what runs, then each result as it comes, and lets go of the microphone', async () => {
    const { last, all } = await run();
    expect(states(all[0])).toEqual(['running', 'running', 'running', 'running']);
    expect(all).toHaveLength(5);
    expect(states(last)).toEqual(['good', 'good', 'good', 'good']);
    expect(stopped).toEqual(['meter', 'microphone']);
  });

  it('tries UDP with what speaks UDP, and relays with what does not', async () => {
    await run();
    expect(gathered).toEqual([
      { urls: ['stun:gw:3478', 'turn:gw:3478?transport=udp'], policy: undefined, wanted: ['srflx', 'relay'] },
      { urls: ['turn:gw:3478?transport=tcp', 'turns:gw:5349'], policy: 'relay', wanted: ['relay'] },
    ]);
  });

  it('says what it cannot know where there is no server to try', async () => {
    const { last } = await run({ iceServers: async () => [] });
    expect([last.udp, last.turn]).toEqual([
      { state: 'unknown', reason: 'no-servers' },
      { state: 'unknown', reason: 'no-servers' },
    ]);
    const broken = await run({ iceServers: () => Promise.reject(new Error('x')) });
    expect(states(broken.last)).toEqual(['good', 'good', 'unknown', 'unknown']);
  });

  it('takes a STUN server that shows no other address for a good one, but not a relay that gives none', async () => {
    const { last } = await run({ gather: async () => 'empty' });
    expect([last.udp, last.turn]).toEqual([{ state: 'good' }, { state: 'bad', reason: 'turn-blocked' }]);
  });

  it('names what is wrong', async () => {
    const { last } = await run({
      openMicrophone: async () => ({ kind: 'refused', problem: 'microphone-denied' }),
      reach: async () => false,
      gather: async () => 'failed',
    });
    expect(Object.values(last).map(({ reason }) => reason)).toEqual([
      'microphone-denied',
      'gateway-unreachable',
      'udp-blocked',
      'turn-blocked',
    ]);
  });

  it('does not call a microphone good that gives no sound', async () => {
    level = 0;
    expect((await run()).last.microphone).toEqual({ state: 'unknown', reason: 'microphone-silent' });
  });

  it('is over after six seconds whatever hangs or breaks', async () => {
    const hanging = await run({ openMicrophone: () => never, reach: () => never, gather: () => never });
    expect(states(hanging.last)).toEqual(['unknown', 'bad', 'bad', 'bad']);
    expect(clock.nowMs()).toBe(6_000);
    const broken = await run({ reach: () => Promise.reject(new Error('x')), gather: () => Promise.reject(new Error('x')) });
    expect(states(broken.last)).toEqual(['good', 'bad', 'bad', 'bad']);
  });
});
