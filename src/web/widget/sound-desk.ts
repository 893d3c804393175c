import type { Cancellable } from './digit-queue.js';
import { closeMicrophone, type MicrophoneOutcome } from './microphone.js';

/** A microphone or loudspeaker that can be chosen. */
export interface SoundDevice {
  readonly id: string;
  /** As the browser names it; empty as long as the page may not know. */
  readonly label: string;
}

export interface SoundDevices {
  readonly inputs: readonly SoundDevice[];
  /** Empty where the browser does not let a page choose. */
  readonly outputs: readonly SoundDevice[];
  /** The ones in use, by id. */
  readonly input?: string;
  readonly output?: string;
}

/** What happened to the sound on our side, as long as it matters. */
export type SoundNotice =
  /** The microphone was unplugged; another one took its place. */
  | 'microphone-changed'
  /** There is none any more, or none yet: the call only listens. */
  | 'listening-only'
  /** The browser plays nothing before the page is clicked. */
  | 'sound-blocked';

/** What can be shown of it. */
export interface Sound {
  readonly muted: boolean;
  /** From 0 to 1. */
  readonly volume: number;
  /** Loudness of the microphone from 0 to 1, while the meter runs. */
  readonly level: number;
  readonly devices: SoundDevices;
  readonly notice: SoundNotice | undefined;
}

export const quietSound: Sound = { muted: false, volume: 1, level: 0, devices: { inputs: [], outputs: [] }, notice: undefined };

/** The part of `HTMLAudioElement` that is used; not every browser has the choice of a loudspeaker. */
export interface Loudspeaker {
  srcObject: MediaProvider | null;
  muted: boolean;
  volume: number;
  play(): Promise<void>;
  setSinkId?(id: string): Promise<void>;
}

export interface SoundDeskDeps {
  readonly audio: Loudspeaker;
  readonly openMicrophone: (deviceId?: string) => Promise<MicrophoneOutcome>;
  /** Devices of the machine; undefined where the page may not know of them. */
  readonly mediaDevices: Pick<MediaDevices, 'enumerateDevices' | 'addEventListener' | 'removeEventListener'> | undefined;
  readonly openMeter: (stream: MediaStream, onLevel: (level: number) => void) => Cancellable;
  /** Calls back once, when the person next clicks or presses a key anywhere. */
  readonly onGesture: (run: () => void) => void;
  readonly onChange: (part: Partial<Sound>) => void;
  /** The call that is up gets another microphone. */
  readonly onMicrophone: (track: MediaStreamTrack) => void;
}

/** The sound on the page's side of one call: microphone, loudspeaker, and which of them. */
export class SoundDesk {
  private stream: MediaStream | undefined;
  private muted = false;
  private held = false;
  private inputId: string | undefined;
  private outputId: string | undefined;
  private meter: Cancellable | undefined;
  private metering = false;
  private readonly onDevices = (): void => void this.list();

  constructor(private readonly deps: SoundDeskDeps) {}

  get microphone(): MediaStream | undefined {
    return this.stream;
  }

  /** For a new call. `wanted` tells whether somebody still waits for it when it is there. */
  async open(wanted: () => boolean): Promise<MicrophoneOutcome> {
    const outcome = await this.deps.openMicrophone(this.inputId);
    if (outcome.kind === 'refused') return outcome;
    if (wanted()) this.take(outcome.stream);
    else closeMicrophone(outcome.stream);
    return outcome;
  }

  /** The call is over. */
  close(): void {
    this.deps.mediaDevices?.removeEventListener('devicechange', this.onDevices);
    this.drop();
    this.deps.audio.srcObject = null;
    this.held = false;
    this.deps.audio.muted = false;
    this.notice(undefined);
  }

  mute(on: boolean): void {
    this.muted = on;
    this.deps.onChange({ muted: on });
    this.letThrough();
  }

  /** While we hold the call nothing is heard on either side. */
  hold(on: boolean): void {
    this.held = on;
    this.deps.audio.muted = on;
    this.letThrough();
  }

  play(stream: MediaStream): void {
    const { audio } = this.deps;
    audio.srcObject = stream;
    const play = (): Promise<void> => audio.play().then(() => this.deps.onChange({ notice: undefined }));
    audio.play().catch((thrown: unknown) => {
      if (!(thrown instanceof Error) || thrown.name !== 'NotAllowedError') return;
      this.notice('sound-blocked');
      this.deps.onGesture(() => void play().catch(() => {}));
    });
  }

  setVolume(volume: number): void {
    this.deps.audio.volume = Math.min(1, Math.max(0, volume));
    this.deps.onChange({ volume: this.deps.audio.volume });
  }

  /** Takes effect at once, and in the calls after this one. */
  async chooseInput(id: string): Promise<void> {
    this.inputId = id;
    if (this.stream !== undefined) await this.renew();
  }

  async chooseOutput(id: string): Promise<void> {
    try {
      await this.deps.audio.setSinkId?.(id);
      this.outputId = id;
    } catch {
      // It is gone, or not for this page: the one in use stays.
    }
    await this.list();
  }

  /** Measures the microphone as long as somebody looks. */
  showLevel(on: boolean): void {
    this.metering = on;
    this.meter?.cancel();
    this.meter = undefined;
    if (on && this.stream !== undefined) this.meter = this.deps.openMeter(this.stream, (level) => this.deps.onChange({ level }));
    else this.deps.onChange({ level: 0 });
  }

  notice(notice: SoundNotice | undefined): void {
    this.deps.onChange({ notice });
  }

  private take(stream: MediaStream): void {
    this.drop();
    this.stream = stream;
    const [track] = stream.getAudioTracks();
    track?.addEventListener('ended', () => {
      if (this.stream === stream) void this.onLost();
    });
    this.deps.mediaDevices?.addEventListener('devicechange', this.onDevices);
    this.letThrough();
    if (this.metering) this.showLevel(true);
    void this.list();
  }

  private drop(): void {
    this.meter?.cancel();
    this.meter = undefined;
    closeMicrophone(this.stream);
    this.stream = undefined;
  }

  /** It was unplugged, or the page may not use it any more. */
  private async onLost(): Promise<void> {
    this.inputId = undefined;
    this.notice((await this.renew()) ? 'microphone-changed' : 'listening-only');
  }

  /** Opens the microphone anew in the call that is up. */
  private async renew(): Promise<boolean> {
    const before = this.stream;
    const outcome = await this.deps.openMicrophone(this.inputId);
    if (outcome.kind === 'refused') return false;
    if (this.stream !== before || before === undefined) {
      // The call ended meanwhile.
      closeMicrophone(outcome.stream);
      return false;
    }
    this.take(outcome.stream);
    const [track] = outcome.stream.getAudioTracks();
    if (track !== undefined) this.deps.onMicrophone(track);
    return true;
  }

  private letThrough(): void {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !this.muted && !this.held;
  }

  private async list(): Promise<void> {
    const found = await this.deps.mediaDevices?.enumerateDevices().catch(() => undefined);
    if (found === undefined) return;
    const of = (kind: MediaDeviceKind): readonly SoundDevice[] =>
      found.filter((device) => device.kind === kind && device.deviceId !== '').map(({ deviceId, label }) => ({ id: deviceId, label }));
    const input = this.stream?.getAudioTracks()[0]?.getSettings().deviceId;
    this.deps.onChange({
      devices: {
        inputs: of('audioinput'),
        outputs: this.deps.audio.setSinkId === undefined ? [] : of('audiooutput'),
        ...(input === undefined ? {} : { input }),
        ...(this.outputId === undefined ? {} : { output: this.outputId }),
      },
    });
  }
}
