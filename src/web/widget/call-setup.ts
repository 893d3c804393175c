import { type CallPass, getIceServers, getPass, type PassOutcome, type PassSettings } from './call-pass.js';
import type { CallProblem } from './call-problem.js';
import type { QueueClock } from './digit-queue.js';
import type { GatewayLink } from './gateway-link.js';
import type { CallMediaOptions } from './media-handler.js';
import { pause, within } from './patience.js';
import type { KeptCall } from './resume.js';
import type { SoundDesk } from './sound-desk.js';

export interface SetupSettings extends PassSettings {
  /** Media may go through relays only. */
  readonly relayOnly?: boolean;
}

/** The attempt that something is got for. */
export interface Attempt {
  /** Whether it still goes on. */
  readonly current: () => boolean;
  readonly fail: (problem: CallProblem) => void;
}

/** Host candidates do not wait for the servers of other ones. */
const serversPatienceMs = 150;
/** After a reload the call is wanted back soon; the microphone may come later, if somebody has to allow it. */
const microphonePatienceMs = 1000;
const takeBackWithinMs = 15_000;
const takeBackPauseMs = 500;

/** Gets together what a call is placed, answered or taken back with. */
export class CallSetup {
  constructor(private readonly deps: { readonly clock: QueueClock; readonly sound: SoundDesk; readonly link: GatewayLink }) {}

  /** Microphone, connection and ticket at the same time; all must be there to go on. A call that came in has its permission already. */
  async prepare(
    settings: SetupSettings,
    incoming: boolean,
    { current, fail }: Attempt,
  ): Promise<{ readonly ticket?: string; readonly media: CallMediaOptions } | undefined> {
    const { sound, link } = this.deps;
    const connected = link
      .open()
      .connect()
      .then((reachable) => {
        if (!reachable && current()) fail('gateway-unreachable');
      });
    const passed = (incoming ? passOfIncoming(settings) : getPass(settings)).then((outcome) => {
      if (!outcome.ok && current()) fail(outcome.problem);
      return outcome.ok ? outcome.pass : undefined;
    });
    const microphone = await sound.open(current);
    if (microphone.kind === 'refused' && current()) fail(microphone.problem);
    await connected;
    const pass = await passed;
    if (!current() || pass === undefined) return undefined;
    const media = await this.media(settings, pass.iceServers);
    if (!current()) return undefined;
    return { media, ...(pass.ticket === undefined ? {} : { ticket: pass.ticket }) };
  }

  /** The same for a call from before a reload, which can do without a microphone: `late` is one that comes after all. */
  async prepareReturn(
    settings: SetupSettings,
    kept: KeptCall,
    attempt: Attempt,
  ): Promise<{ readonly media: CallMediaOptions; readonly late?: Promise<MediaStreamTrack | undefined> } | undefined> {
    const { clock, sound } = this.deps;
    const { current } = attempt;
    sound.mute(kept.muted);
    sound.hold(kept.held);
    const servers = getIceServers(settings);
    const opened = sound.open(current);
    if (!(await this.connectAgain(attempt))) return undefined;
    const inTime = await within(clock, microphonePatienceMs, opened);
    const media = { ...(await this.media(settings, servers)), held: kept.held };
    if (!current()) return undefined;
    if (inTime?.kind === 'open') return { media };
    const late = opened.then((outcome) => (outcome.kind === 'open' && current() ? outcome.stream.getAudioTracks()[0] : undefined));
    return { media, late };
  }

  private async media({ relayOnly = false }: SetupSettings, servers: CallPass['iceServers']): Promise<CallMediaOptions> {
    const iceServers = relayOnly ? await servers : await within(this.deps.clock, serversPatienceMs, servers);
    const { microphone } = this.deps.sound;
    return { ...(microphone === undefined ? {} : { microphone }), ...(iceServers === undefined ? {} : { iceServers }), relayOnly };
  }

  /** The gateway keeps a call for a while; that long it is tried. */
  private async connectAgain({ current, fail }: Attempt): Promise<boolean> {
    const { clock, link } = this.deps;
    const untilMs = clock.nowMs() + takeBackWithinMs;
    while (current()) {
      if (await link.open().connect()) return current();
      if (clock.nowMs() > untilMs && current()) fail('connection-lost');
      await pause(clock, takeBackPauseMs);
    }
    return false;
  }
}

async function passOfIncoming(settings: SetupSettings): Promise<PassOutcome> {
  return { ok: true, pass: { iceServers: getIceServers(settings) } };
}
