import type { CallButtonEvents, CallEvents } from './call-button-events.js';
import { type CallPass, getIceServers, getPass, type PassOutcome, type PassSettings, postRating } from './call-pass.js';
import type { CallProblem } from './call-problem.js';
import type { CallSnapshot } from './call-snapshot.js';
import { DigitDesk } from './digit-desk.js';
import type { DigitReceipt } from './digit-ledger.js';
import { type Cancellable, defaultDigitTiming, type QueueClock } from './digit-queue.js';
import { type DigitStep, readDigitText } from './digit-text.js';
import { type Effect, heldIn, keepsDigits, next, takesDigits, type ViewEvent, type ViewState } from './machine.js';
import type { CallMediaOptions } from './media-handler.js';
import { type CheckResults, checkBeforeCall, type GatherCandidates } from './pre-call-check.js';
import type { CallQuality } from './quality.js';
import { QualityWatch } from './quality-watch.js';
import type { CallMemory, KeptCall } from './resume.js';
import type { SipCall, SipCallEnd, SipCallHandlers } from './sip-call.js';
import type { SipClient, SipClientHandlers, SipClientOptions } from './sip-client.js';
import { quietSound, SoundDesk, type SoundDeskDeps } from './sound-desk.js';
import type { ToneName } from './tones.js';

/** Whom to call and how to reach the gateway, as the page has it at the moment. */
export interface CallSettings extends PassSettings {
  /** Registers under this name for incoming calls; without it the page only calls out. */
  readonly user?: string;
  readonly displayName?: string;
  /** Media may go through relays only. */
  readonly relayOnly?: boolean;
  /** Tells this button from others of the page that call the same. */
  readonly place: number;
}

export interface CallControllerDeps extends Omit<SoundDeskDeps, 'onChange' | 'onMicrophone'> {
  /** Read anew when a call begins. */
  readonly settings: () => CallSettings;
  readonly onChange: () => void;
  readonly onEvent: <K extends keyof CallEvents>(type: K, detail: CallButtonEvents[K]) => void;
  /** `receipt` is the digit that it is about. */
  readonly onProblem: (problem: CallProblem, receipt?: DigitReceipt) => void;
  readonly clock: QueueClock;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly openClient: (options: SipClientOptions, handlers: SipClientHandlers) => SipClient;
  readonly tones: { play(name: ToneName): void; stop(): void };
  readonly memory: (key: string) => CallMemory;
  readonly gather: GatherCandidates;
}

const tickMs = 250;
/** A call that is there is written down again this often, so that its age is known. */
const keepEveryMs = 2000;
/** Host candidates do not wait for the servers of other ones. */
const serversPatienceMs = 150;
/** After a reload the call is wanted back soon; the microphone may come later, if somebody has to allow it. */
const microphonePatienceMs = 1000;
const takeBackWithinMs = 15_000;
const takeBackPauseMs = 500;

/** The calls of one button, one at a time: everything about them but how they look. */
export class CallController {
  private current: CallSnapshot = {
    ...quietSound,
    state: { name: 'idle' },
    nowMs: 0,
    receipts: [],
    held: undefined,
    link: undefined,
    quality: undefined,
    check: undefined,
    rating: undefined,
  };
  private client: SipClient | undefined;
  private clientSettings = '';
  private sipCall: SipCall | undefined;
  private media: CallMediaOptions = {};
  private ticket: string | undefined;
  private kept: KeptCall | undefined;
  private memory: CallMemory | undefined;
  private keptAtMs = 0;
  /** Counts attempts, so that a late answer to an old one is told apart. */
  private attempt = 0;
  private readonly events: ViewEvent[] = [];
  private ticker: Cancellable | undefined;
  private readonly digits: DigitDesk;
  private readonly sound: SoundDesk;
  private readonly quality: QualityWatch;
  /** Of the newest call that was answered. */
  private token: string | undefined;

  constructor(private readonly deps: CallControllerDeps) {
    this.digits = new DigitDesk(defaultDigitTiming, {
      clock: deps.clock,
      call: () => (takesDigits(this.state) ? this.sipCall : undefined),
      onReceipt: (receipt) => this.onReceipt(receipt),
      onLeft: (digit) => deps.onEvent('dtmf-sent', { digit }),
    });
    this.sound = new SoundDesk({
      ...deps,
      onChange: (part) => this.change(part),
      onMicrophone: (track) => void this.sipCall?.replaceMicrophone(track),
    });
    this.quality = new QualityWatch({
      clock: deps.clock,
      stats: async () => this.sipCall?.stats(),
      expects: () => ({
        incoming: this.current.held === undefined,
        outgoing: this.current.held === undefined && !this.current.muted && this.current.notice !== 'listening-only',
      }),
      onQuality: (quality) => this.onQuality(quality),
      onReport: (quality) => this.sipCall?.sendMessage({ type: 'quality', ...quality }),
    });
  }

  get snapshot(): CallSnapshot {
    return this.current;
  }

  get busy(): boolean {
    return this.state.name !== 'idle' && this.state.name !== 'ended';
  }

  /** Calls `to`, as a press of the button does. Does nothing while there is a call. */
  call(): void {
    if (this.busy) return;
    const to = this.deps.settings().to?.trim() ?? '';
    this.dispatch(to === '' ? { type: 'failed', problem: 'nothing-to-call', atMs: this.nowMs() } : { type: 'call-pressed', to });
  }

  /** Ends what there is: cancels, hangs up or declines. */
  hangup(): void {
    this.dispatch({ type: 'hang-up-pressed', atMs: this.nowMs() });
  }

  answer(): void {
    this.dispatch({ type: 'answer-pressed' });
  }

  reject(): void {
    this.dispatch({ type: 'decline-pressed' });
  }

  dismiss(): void {
    this.dispatch({ type: 'dismissed' });
  }

  mute(on: boolean): void {
    this.sound.mute(on);
    this.keep();
  }

  /** Puts the far end on hold, or talks with it again. Does nothing before the call is answered. */
  hold(on: boolean): void {
    this.dispatch({ type: 'hold-pressed', on });
  }

  /** How loud the far end is heard, from 0 to 1. */
  setVolume(volume: number): void {
    this.sound.setVolume(volume);
  }

  chooseInput(id: string): Promise<void> {
    return this.sound.chooseInput(id);
  }

  chooseOutput(id: string): Promise<void> {
    return this.sound.chooseOutput(id);
  }

  /** Keeps `level` up to date, as long as it is shown. */
  showLevel(on: boolean): void {
    this.sound.showLevel(on);
  }

  /** Tries everything that a call needs, without one. Takes six seconds at most. */
  async check(): Promise<CheckResults> {
    const settings = this.deps.settings();
    const results = await checkBeforeCall(
      {
        openMicrophone: this.deps.openMicrophone,
        openMeter: this.deps.openMeter,
        reach: () => this.openClient().probe(),
        iceServers: () => getIceServers(settings),
        gather: this.deps.gather,
        pause: (ms) => this.pause(ms),
      },
      (check) => this.change({ check }),
    );
    this.deps.onEvent('check', results);
    return results;
  }

  /** What the person thinks of the call, from one star to five. False when there is no call to say it of. */
  rate(stars: number, comment?: string): boolean {
    const { token } = this;
    if (token === undefined || this.current.rating !== 'open' || !(stars >= 1 && stars <= 5)) return false;
    const rating = { stars: Math.round(stars), ...(comment === undefined || comment === '' ? {} : { comment: comment.slice(0, 500) }) };
    if (this.sipCall?.sendMessage({ type: 'rating', ...rating }) !== true) postRating(this.deps.settings(), token, rating);
    this.change({ rating: 'given' });
    this.deps.onEvent('rating', rating);
    return true;
  }

  /** Sends a text of digits in this call; false when it cannot be, and nothing is sent then. */
  sendDigits(digits: string): boolean {
    const text = readDigitText(digits);
    return text.ok && keepsDigits(this.state) && this.digits.press(text.steps);
  }

  /** One key of the keypad or the keyboard. */
  pressKey(digit: string): void {
    if (!this.sendDigits(digit)) this.notSent();
  }

  /** Presses digits once the call is answered, and places it if there is none. */
  pressSteps(steps: readonly DigitStep[]): boolean {
    if (!this.busy) {
      this.call();
      // There was nothing to call, and that is told.
      if (!this.busy) return false;
    }
    const taken =
      keepsDigits(this.state) && (this.state.name === 'connected' ? this.digits.press(steps) : this.digits.pressAfterAnswer(steps));
    if (!taken) this.notSent();
    return taken;
  }

  /**
   * To be called when the settings are there, and again when they may have changed: takes effect when
   * there is no call. The first time it takes back the call that this button had before a reload.
   */
  renewClient(): void {
    const settings = this.deps.settings();
    if (this.memory === undefined) void this.findCall(settings);
    const stale = this.client !== undefined && this.clientSettings !== identityOf(settings);
    if (this.busy || (!stale && (this.client !== undefined || settings.user === undefined))) return;
    this.closeClient();
    if (settings.user !== undefined) this.openClient().stayReachable();
  }

  /** Ends the call and the connection. It can be used again after that. */
  close(): void {
    this.hangup();
    this.closeClient();
  }

  private get state(): ViewState {
    return this.current.state;
  }

  private nowMs(): number {
    return this.deps.clock.nowMs();
  }

  private change(part: Partial<CallSnapshot>): void {
    const { state } = { ...this.current, ...part };
    const held = heldIn(state);
    const link = 'link' in state ? state.link : undefined;
    this.current = { ...this.current, ...part, held: held === 'none' ? undefined : held, link };
    this.deps.onChange();
  }

  /** Takes one event after the other: what an effect brings about waits until the effect is done. */
  private dispatch(event: ViewEvent): void {
    this.events.push(event);
    if (this.events.length > 1) return;
    for (let current = this.events[0]; current !== undefined; current = this.events[0]) {
      const before = this.state;
      const step = next(before, current);
      this.change({ state: step.state });
      for (const effect of step.effects) this.run(effect);
      if (step.state.name !== before.name || heldIn(step.state) !== heldIn(before)) this.onStateChange(before, step.state);
      this.events.shift();
    }
  }

  private onStateChange(before: ViewState, state: ViewState): void {
    this.ticker?.cancel();
    if (state.name === 'connected') this.tick();
    const peer = 'peer' in state ? state.peer : undefined;
    this.deps.onEvent('call-state', { state: state.name, callId: this.sipCall?.callId, peer, held: heldIn(state) });
    if (state.name === 'connected') this.keep();
    if (state.name === 'connected' && before.name !== 'connected') {
      this.quality.start();
      this.digits.answered();
    }
    if (state.name === 'ended') {
      this.quality.stop();
      this.change({ quality: undefined });
      this.sipCall = undefined;
      this.memory?.forget();
    }
  }

  private tick(): void {
    this.change({ nowMs: this.nowMs() });
    if (this.nowMs() - this.keptAtMs >= keepEveryMs) this.keep();
    this.ticker = this.deps.clock.after(tickMs, () => this.tick());
  }

  private run(effect: Effect): void {
    switch (effect.type) {
      case 'open-microphone':
        this.reset();
        this.prepareCall().catch(() => this.fail('internal'));
        break;
      case 'dial':
        this.dial(effect.to);
        break;
      case 'accept':
        void this.sipCall?.accept(this.media);
        break;
      case 'take-back':
        this.reset();
        this.takeBack().catch(() => this.fail('internal'));
        break;
      case 'hold':
        this.sound.hold(effect.on);
        this.sipCall?.setHold(effect.on);
        break;
      case 'leave':
        this.leave();
        break;
      case 'tone':
        if (effect.tone === 'none') this.deps.tones.stop();
        else this.deps.tones.play(effect.tone);
        break;
      case 'report':
        this.deps.onProblem(effect.problem);
        break;
    }
  }

  private reset(): void {
    this.attempt += 1;
    this.digits.begin();
    this.sound.mute(false);
    this.token = undefined;
    this.change({ receipts: [], rating: undefined });
    this.memory = this.memoryOf(this.deps.settings());
  }

  /** Whether the attempt that began now is still the one that goes on. */
  private watchAttempt(): () => boolean {
    const { attempt } = this;
    return () => attempt === this.attempt && this.busy;
  }

  /** Asks for the microphone, makes the connection and gets the ticket at the same time; all must be there to go on. */
  private async prepareCall(): Promise<void> {
    const current = this.watchAttempt();
    const settings = this.deps.settings();
    const connected = this.openClient()
      .connect()
      .then((reachable) => {
        if (!reachable && current()) this.fail('gateway-unreachable');
      });
    const passed = this.passFor(settings).then((outcome) => {
      if (!outcome.ok && current()) this.fail(outcome.problem);
      return outcome.ok ? outcome.pass : undefined;
    });
    const microphone = await this.sound.open(current);
    if (microphone.kind === 'refused' && current()) this.fail(microphone.problem);
    await connected;
    const pass = await passed;
    if (!current() || pass === undefined) return;
    this.ticket = pass.ticket;
    this.media = await this.mediaOptions(settings, pass.iceServers);
    if (current()) this.dispatch({ type: 'microphone-ready' });
  }

  /** A call that came in has its permission already. */
  private async passFor(settings: CallSettings): Promise<PassOutcome> {
    return this.state.name === 'answering' ? { ok: true, pass: { iceServers: getIceServers(settings) } } : getPass(settings);
  }

  private async mediaOptions({ relayOnly = false }: CallSettings, servers: CallPass['iceServers']): Promise<CallMediaOptions> {
    const iceServers = relayOnly ? await servers : await this.within(serversPatienceMs, servers);
    const { microphone } = this.sound;
    return { ...(microphone === undefined ? {} : { microphone }), ...(iceServers === undefined ? {} : { iceServers }), relayOnly };
  }

  /** What a promise comes to, or undefined when that takes longer. */
  private within<T>(patienceMs: number, promised: Promise<T>): Promise<T | undefined> {
    return Promise.race([promised, this.pause(patienceMs)]);
  }

  private pause(ms: number): Promise<undefined> {
    return new Promise((resolve) => {
      this.deps.clock.after(ms, () => resolve(undefined));
    });
  }

  private dial(to: string): void {
    const { ticket } = this;
    const call = this.openClient().prepare(
      to,
      this.handlersOf(() => call),
      ticket === undefined ? {} : { ticket },
    );
    if (call === undefined) {
      this.fail('number-invalid');
      return;
    }
    this.sipCall = call;
    void call.dial(this.media);
  }

  /** Looks for a call from before the page was loaded anew. */
  private async findCall(settings: CallSettings): Promise<void> {
    this.memory = this.memoryOf(settings);
    const kept = await this.memory.find();
    if (kept === undefined || this.busy) return;
    this.kept = kept;
    const sinceMs = this.nowMs() - (this.deps.wallMs() - kept.startedAtMs);
    this.dispatch({ type: 'call-found', peer: kept.peer, sinceMs, held: kept.held });
  }

  private async takeBack(): Promise<void> {
    const { kept } = this;
    if (kept === undefined) return;
    const current = this.watchAttempt();
    const settings = this.deps.settings();
    this.sound.mute(kept.muted);
    this.sound.hold(kept.held);
    const servers = getIceServers(settings);
    const opened = this.sound.open(current);
    if (!(await this.connectAgain(current))) return;
    const inTime = await this.within(microphonePatienceMs, opened);
    const media = await this.mediaOptions(settings, servers);
    if (!current()) return;
    const call = this.openClient().prepare(
      settings.to ?? 'call',
      this.handlersOf(() => call),
      { resume: kept },
    );
    this.sipCall = call;
    void call?.dial({ ...media, held: kept.held });
    if (inTime?.kind === 'open') return;
    this.sound.notice('listening-only');
    const late = await opened;
    const track = late.kind === 'open' && current() ? late.stream.getAudioTracks()[0] : undefined;
    if (track === undefined) return;
    await call?.replaceMicrophone(track);
    this.sound.notice(undefined);
  }

  /** The gateway keeps a call for a while; that long it is tried. */
  private async connectAgain(current: () => boolean): Promise<boolean> {
    const untilMs = this.nowMs() + takeBackWithinMs;
    while (current()) {
      if (await this.openClient().connect()) return current();
      if (this.nowMs() > untilMs && current()) this.fail('connection-lost');
      await this.pause(takeBackPauseMs);
    }
    return false;
  }

  /** Writes down what it takes to have this call back after a reload. */
  private keep(): void {
    const point = this.sipCall?.resumePoint;
    if (point === undefined || this.state.name !== 'connected') return;
    if (this.token === undefined) this.change({ rating: 'open' });
    this.token = point.token;
    const { peer, sinceMs, held } = this.state;
    this.keptAtMs = this.nowMs();
    this.memory?.keep({
      ...point,
      peer,
      startedAtMs: this.deps.wallMs() - (this.keptAtMs - sinceMs),
      muted: this.current.muted,
      held: held === 'local' || held === 'both',
    });
  }

  private memoryOf({ gateway, to, user, place }: CallSettings): CallMemory {
    return this.deps.memory(['call-button', gateway, to, user, place].join(' '));
  }

  /** Handlers that fall silent once their call is no longer the one shown. */
  private handlersOf(call: () => SipCall | undefined): SipCallHandlers {
    const current = (): boolean => this.sipCall !== undefined && call() === this.sipCall;
    return {
      onProgress: (early) => current() && this.dispatch({ type: 'progress', early }),
      onConnected: () => current() && this.dispatch({ type: 'connected', atMs: this.nowMs() }),
      onResumable: () => current() && this.keep(),
      onEnd: (end) => current() && this.dispatch(eventOfEnd(end, this.nowMs())),
      onHold: (held) => current() && this.dispatch({ type: 'hold-changed', held }),
      onHoldRefused: (on) => {
        if (!current()) return;
        this.sound.hold(on);
        this.dispatch({ type: 'hold-refused', on });
      },
      onLink: (link) => current() && this.dispatch({ type: 'link-changed', link }),
      onDigit: (press) => current() && this.deps.onEvent('dtmf', press),
      onReceipt: (receipt) => current() && this.digits.told(receipt),
      onAudio: (stream) => current() && this.sound.play(stream),
    };
  }

  private leave(): void {
    this.digits.end();
    this.sipCall?.leave();
    this.client?.release(this.sipCall);
    this.sound.close();
  }

  private fail(problem: CallProblem): void {
    this.dispatch({ type: 'failed', problem, atMs: this.nowMs() });
  }

  private openClient(): SipClient {
    if (this.client !== undefined) return this.client;
    const settings = this.deps.settings();
    this.clientSettings = identityOf(settings);
    const { gateway, user, displayName } = settings;
    const options: SipClientOptions = {
      gateway,
      ...(user === undefined ? {} : { user }),
      ...(displayName === undefined ? {} : { displayName }),
      ...(hasTickets(settings) ? { ticket: () => this.ticketForUser() } : {}),
    };
    this.client = this.deps.openClient(options, {
      onIncoming: (from, take) => {
        if (this.busy) return;
        const call = take(this.handlersOf(() => call));
        this.sipCall = call;
        this.reset();
        this.dispatch({ type: 'call-arrived', from });
      },
    });
    return this.client;
  }

  private async ticketForUser(): Promise<string | undefined> {
    const outcome = await getPass(this.deps.settings());
    return outcome.ok ? outcome.pass.ticket : undefined;
  }

  private closeClient(): void {
    this.client?.close();
    this.client = undefined;
  }

  private onQuality(quality: CallQuality): void {
    const before = this.current.quality;
    this.change({ quality });
    if (quality.score !== before?.score || quality.hint !== before.hint) this.deps.onEvent('quality', quality);
  }

  private onReceipt(receipt: DigitReceipt): void {
    this.change({ receipts: [...this.digits.receipts] });
    this.deps.onEvent('dtmf-receipt', receipt);
    if (receipt.state === 'failed' && receipt.why !== 'call-ended') this.notSent(receipt);
  }

  private notSent(receipt?: DigitReceipt): void {
    this.deps.onProblem('digits-not-sent', receipt);
  }
}

/** What the connection to the gateway depends on. */
const identityOf = ({ gateway, user, displayName }: CallSettings): string => [gateway, user, displayName].join('\n');

const hasTickets = ({ site, ticketUrl, ticket }: PassSettings): boolean => (site ?? ticketUrl ?? ticket) !== undefined;

function eventOfEnd(end: SipCallEnd, atMs: number): ViewEvent {
  switch (end.kind) {
    case 'hung-up':
      return { type: 'far-end-hung-up', atMs };
    case 'gave-up':
      return { type: 'caller-gave-up' };
    case 'problem':
      return { type: 'failed', problem: end.problem, atMs };
  }
}
