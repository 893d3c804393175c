import { beforeEach, describe, expect, it } from 'vitest';
import { levelOf } from '../../../../src/web/widget/level-meter.js';
import type { MicrophoneOutcome } from '../../../../src/web/widget/microphone.js';
import { quietSound, type Sound, SoundDesk } from '../../../../src/web/widget/sound-desk.js';
import { settle } from '../../../support/fake-clock.js';

class FakeTrack extends EventTarget {
  readonly kind = 'audio';
  enabled = true;
  stopped = false;

  constructor(readonly deviceId: string) {
    super();
  }

  stop(): void {
    this.stopped = true;
  }

  getSettings(): MediaTrackSettings {
    return { deviceId: this.deviceId };
  }
}

const device = (kind: MediaDeviceKind, deviceId: string): MediaDeviceInfo =>
  ({ kind, deviceId, label: `The ${deviceId}` }) as MediaDeviceInfo;

describe('the sound on the page’s side', () => {
  let sound: Sound;
  let desk: SoundDesk;
  let tracks: FakeTrack[];
  let asked: (string | undefined)[];
  let inCall: FakeTrack[];
  let refusal: MicrophoneOutcome | undefined;
  let machine: EventTarget & { list: MediaDeviceInfo[] };
  let meters: { readonly onLevel: (level: number) => void; stopped: boolean }[];
  let gesture: (() => void) | undefined;
  let audio: { srcObject: MediaProvider | null; muted: boolean; volume: number; sink: string; blocked: boolean; played: number };

  beforeEach(() => {
    sound = quietSound;
    [tracks, asked, inCall, meters] = [[], [], [], []];
    [refusal, gesture] = [undefined, undefined];
    machine = Object.assign(new EventTarget(), {
      list: [device('audioinput', 'headset'), device('audiooutput', 'speaker'), device('videoinput', 'camera')],
    });
    audio = { srcObject: null, muted: false, volume: 1, sink: '', blocked: false, played: 0 };
    desk = new SoundDesk({
      audio: Object.assign(audio, {
        play: async () => {
          if (audio.blocked) throw new DOMException('', 'NotAllowedError');
          audio.played += 1;
        },
        setSinkId: async (id: string) => {
          if (id === 'gone') throw new DOMException('', 'NotFoundError');
          audio.sink = id;
        },
      }),
      openMicrophone: async (id) => {
        asked.push(id);
        if (refusal !== undefined) return refusal;
        const track = new FakeTrack(id ?? 'built-in');
        tracks.push(track);
        return { kind: 'open', stream: { getTracks: () => [track], getAudioTracks: () => [track] } as unknown as MediaStream };
      },
      mediaDevices: Object.assign(machine, { enumerateDevices: async () => machine.list }) as unknown as MediaDevices,
      openMeter: (_stream, onLevel) => {
        const meter = { onLevel, stopped: false };
        meters.push(meter);
        return {
          cancel: () => {
            meter.stopped = true;
          },
        };
      },
      onGesture: (run) => {
        gesture = run;
      },
      onChange: (part) => {
        sound = { ...sound, ...part };
      },
      onMicrophone: (track) => inCall.push(track as unknown as FakeTrack),
    });
  });
  const open = async (): Promise<MicrophoneOutcome> => {
    const outcome = await desk.open(() => true);
    await settle();
    return outcome;
  };

  it('lets the microphone through unless it is muted or the call on hold', async () => {
    await open();
    const through = (): boolean => tracks[0]?.enabled === true;
    desk.mute(true);
    expect([through(), sound.muted]).toEqual([false, true]);
    desk.hold(true);
    desk.mute(false);
    expect([through(), audio.muted]).toEqual([false, true]);
    desk.hold(false);
    expect([through(), audio.muted]).toEqual([true, false]);
  });

  it('opens the microphone as it was muted before, and closes it with the call', async () => {
    desk.mute(true);
    await open();
    expect(tracks[0]?.enabled).toBe(false);
    desk.close();
    expect([tracks[0]?.stopped, desk.microphone, audio.srcObject]).toEqual([true, undefined, null]);
  });

  it('lets go at once of a microphone nobody waits for any more', async () => {
    await desk.open(() => false);
    expect([tracks[0]?.stopped, desk.microphone]).toEqual([true, undefined]);
  });

  it('tells what can be chosen, anew when something is plugged in', async () => {
    await open();
    expect(sound.devices).toEqual({
      inputs: [{ id: 'headset', label: 'The headset' }],
      outputs: [{ id: 'speaker', label: 'The speaker' }],
      input: 'built-in',
    });
    machine.list = [];
    machine.dispatchEvent(new Event('devicechange'));
    await settle();
    expect(sound.devices.inputs).toEqual([]);
    desk.close();
    machine.list = [device('audioinput', 'late')];
    machine.dispatchEvent(new Event('devicechange'));
    await settle();
    expect(sound.devices.inputs, 'after the call').toEqual([]);
  });

  it('changes the microphone in the call, and remembers it for the next one', async () => {
    await open();
    desk.mute(true);
    await desk.chooseInput('headset');
    expect([tracks[0]?.stopped, inCall, tracks[1]?.enabled]).toEqual([true, [tracks[1]], false]);
    await settle();
    expect(sound.devices.input).toBe('headset');
    desk.close();
    await open();
    expect(asked).toEqual([undefined, 'headset', 'headset']);
  });

  it('keeps the microphone it has when the chosen one cannot be opened', async () => {
    await open();
    refusal = { kind: 'refused', problem: 'microphone-in-use' };
    await desk.chooseInput('headset');
    expect([tracks[0]?.stopped, inCall]).toEqual([false, []]);
  });

  it('falls back to another microphone when the one in use is unplugged, and says so', async () => {
    await desk.chooseInput('headset');
    await open();
    tracks[0]?.dispatchEvent(new Event('ended'));
    await settle();
    expect([asked, inCall, sound.notice]).toEqual([['headset', undefined], [tracks[1]], 'microphone-changed']);
  });

  it('goes on listening when there is none left, and says so until the end of the call', async () => {
    await open();
    refusal = { kind: 'refused', problem: 'microphone-missing' };
    tracks[0]?.dispatchEvent(new Event('ended'));
    await settle();
    expect(sound.notice).toBe('listening-only');
    desk.close();
    expect(sound.notice).toBeUndefined();
  });

  it('opens no microphone for a call that ended while it was looked for', async () => {
    await open();
    tracks[0]?.dispatchEvent(new Event('ended'));
    desk.close();
    await settle();
    expect(tracks.map(({ stopped }) => stopped)).toEqual([true, true]);
    expect(inCall).toEqual([]);
  });

  it('chooses where the call is heard, as far as the machine has it', async () => {
    await desk.chooseOutput('speaker');
    expect([audio.sink, sound.devices.output]).toEqual(['speaker', 'speaker']);
    await desk.chooseOutput('gone');
    expect([audio.sink, sound.devices.output]).toEqual(['speaker', 'speaker']);
  });

  it.each([
    [0.4, 0.4],
    [7, 1],
    [-1, 0],
  ])('takes a volume of %d for %d', (wanted, volume) => {
    desk.setVolume(wanted);
    expect([audio.volume, sound.volume]).toEqual([volume, volume]);
  });

  it('measures the microphone while somebody looks, over a change of it too', async () => {
    desk.showLevel(true);
    expect(meters).toEqual([]);
    await open();
    meters[0]?.onLevel(0.3);
    expect(sound.level).toBe(0.3);
    await desk.chooseInput('headset');
    expect(meters.map(({ stopped }) => stopped)).toEqual([true, false]);
    desk.showLevel(false);
    expect([meters[1]?.stopped, sound.level]).toEqual([true, 0]);
  });

  it('plays with the next click where the browser lets no page sound before', async () => {
    audio.blocked = true;
    desk.play({} as MediaStream);
    await settle();
    expect(sound.notice).toBe('sound-blocked');
    audio.blocked = false;
    gesture?.();
    await settle();
    expect([audio.played, sound.notice]).toEqual([1, undefined]);
  });
});

describe('the level of a microphone', () => {
  it.each([
    ['silence', 0, 0],
    ['full scale', 1, 1],
    ['20 dB below it', 0.1, 2 / 3],
    ['less than can be told from silence', 0.0005, 0],
  ])('is even to the ear for %s', (_what, amplitude, level) => {
    expect(levelOf(new Float32Array(64).fill(amplitude))).toBeCloseTo(level, 5);
  });
});
