import { type Bye, type Cancel, type Info, Invitation, type Inviter, type Session, SessionState } from 'sip.js';
import { type CallProblem, problemOfEnd, problemOfRefusal } from './call-problem.js';
import type { DigitCall } from './digit-desk.js';
import type { Cancellable, DigitTiming } from './digit-queue.js';
import { type DigitProspects, takesEvents } from './digit-way.js';
import { type DigitPress, readDigitPress, writeDigitPress } from './dtmf-body.js';
import { type GatewayReceipt, readGatewayMessage } from './gateway-message.js';
import { holdIn } from './hold-in.js';
import { type CallMediaOptions, MediaHandler, mediaOf } from './media-handler.js';
import { pageClock as clock } from './page-clock.js';
import { PathWatch } from './path-watch.js';
import { playInMedia } from './play-digit.js';
import { type OfferOutcome, Renegotiation } from './renegotiation.js';
import type { ResumePoint } from './resume.js';

/** What a call tells its owner. `onEnd` is the last one and comes once. */
export interface SipCallHandlers {
  onProgress(early: boolean): void;
  onConnected(): void;
  /** It can be taken back after a reload from now on. */
  onResumable(): void;
  /** The far end holds the call, or talks again. */
  onHold(held: 'remote' | 'none'): void;
  /** A hold of ours was refused, or the end of one: what `held` says goes on. */
  onHoldRefused(held: boolean): void;
  /** The connection to the gateway or the path of the sound broke while the call goes on, or is there again. */
  onLink(link: 'lost' | 'there'): void;
  onEnd(end: SipCallEnd): void;
  /** A digit of the far end, once however many ways it came. */
  onDigit(press: DigitPress): void;
  /** What became of a digit of ours. */
  onReceipt(receipt: GatewayReceipt): void;
  onAudio(stream: MediaStream): void;
}

export type SipCallEnd =
  | { readonly kind: 'hung-up' }
  | { readonly kind: 'missed' | 'elsewhere' }
  | { readonly kind: 'problem'; readonly problem: CallProblem };

/** What sip.js hands back of a response or request: only what is read here. */
interface ReadableMessage {
  readonly statusCode?: number | undefined;
  getHeader(name: string): string | undefined;
}

/** What the gateway says of a failed call in words of its own. */
const failureHeader = 'X-Gateway-Failure';
/** What the page shows to take its call back after a reload. */
const tokenHeader = 'X-Call-Token';
/** Number of a digit in the call; the data channel tells of the same digit with the same number. */
const digitIdHeader = 'X-Digit-Id';
/** A gateway that can be reached answers an offer long before. */
const offerPatienceMs = 2500;

export interface SipCallOptions {
  /** Takes back a call from before a reload. */
  readonly resumes?: boolean;
  /** The gateway does not answer over the connection there is. */
  readonly onUnanswered: () => void;
}

/**
 * One call as the page sees it. sip.js leaves a caller to find out from four states and a dozen
 * callbacks what happened; this says it once.
 */
export class SipCall implements DigitCall {
  private ended = false;
  private connected = false;
  private token: string | undefined;
  private path: CallMediaOptions = {};
  /** What we want, and what the far side last agreed to. */
  private hold = { wanted: false, agreed: false };
  private heldByFarEnd = false;
  /** What is being made again while the call goes on. */
  private lost = { connection: false, path: false };
  private readonly renegotiation: Renegotiation;
  private readonly pathWatch: PathWatch;
  /** When the answered call first had a way for sound. */
  private soundSinceMs: number | undefined;
  /** Numbers of the far end's digits that were raised already. */
  private readonly raised = new Set<number>();

  constructor(
    private readonly session: Inviter | Invitation,
    private readonly handlers: SipCallHandlers,
    private readonly options: SipCallOptions,
  ) {
    this.renegotiation = new Renegotiation(
      { ownsCallId: !(session instanceof Invitation) },
      { clock, random: Math.random, offer: (newPath) => this.offer(newPath), onDone: (outcome) => this.onOffered(outcome) },
    );
    this.pathWatch = new PathWatch({
      clock,
      onNewPathWanted: () => {
        this.noteLost({ path: true });
        this.renegotiation.want(true);
      },
      onGivenUp: () => this.onMediaFailed(),
    });
    if (session instanceof Invitation) this.token = session.request.getHeader(tokenHeader);
    session.delegate = {
      onBye: (bye) => this.onBye(bye),
      onCancel: (cancel) => this.onCancel(cancel),
      onInfo: (info) => this.onInfo(info),
      onInvite: (request, _response, status) => {
        if (status < 300) this.noteHold(request.body);
      },
      onSessionDescriptionHandler: (handler) => this.watchMedia(handler),
    };
    session.stateChange.addListener((state) => this.onState(state));
  }

  get callId(): string {
    return this.session.request.callId;
  }

  /** What it takes to take the call back after a reload; undefined while, or where, it cannot be. */
  get resumePoint(): ResumePoint | undefined {
    const { token } = this;
    const dialog = this.outlivesConnection ? this.session.dialog : undefined;
    if (token === undefined || dialog === undefined) return undefined;
    return { token, callId: dialog.callId, localTag: dialog.localTag, remoteTag: dialog.remoteTag };
  }

  /** Sends the INVITE. */
  async dial(media: CallMediaOptions): Promise<void> {
    if (this.session instanceof Invitation) return;
    this.path = media;
    this.hold = { wanted: media.held === true, agreed: media.held === true };
    try {
      await this.session.invite({
        sessionDescriptionHandlerOptions: media,
        requestDelegate: {
          onAccept: ({ message }) => {
            this.token = message.getHeader(tokenHeader);
            if (this.resumePoint !== undefined) this.handlers.onResumable();
          },
          onProgress: (response) => this.onProvisional(response.message),
          onReject: (response) => this.onRefused(response.message),
          onRedirect: () => this.end({ kind: 'problem', problem: 'number-not-found' }),
        },
      });
    } catch {
      this.end({ kind: 'problem', problem: 'media-setup-failed' });
    }
  }

  /** Answers a call that came in. */
  async accept(media: CallMediaOptions): Promise<void> {
    if (!(this.session instanceof Invitation)) return;
    this.path = media;
    try {
      await this.session.accept({ sessionDescriptionHandlerOptions: media });
    } catch {
      this.end({ kind: 'problem', problem: 'media-setup-failed' });
    }
  }

  /** Ends the call in the way its state asks for (RFC 3261 §9, §15). Nothing is reported for it. */
  leave(): void {
    this.ended = true;
    this.stopWatching();
    const { session } = this;
    const gone = (): void => {};
    if (session.state === SessionState.Established) session.bye().catch(gone);
    else if (session instanceof Invitation) {
      if (isOpen(session)) session.reject({ statusCode: 603 }).catch(gone);
    } else if (isOpen(session) && this.options.resumes !== true) session.cancel().catch(gone);
    // Whoever cancels the taking back leaves the call itself up: it is ended as soon as it is back.
  }

  /** Ends it without a word to the far end, which cannot be reached. */
  abandon(problem: CallProblem): void {
    this.end({ kind: 'problem', problem });
    this.session.dispose().catch(() => {});
  }

  /** It is answered, so its sound does not need the connection that its signalling went over. */
  get outlivesConnection(): boolean {
    return !this.ended && this.session.state === SessionState.Established;
  }

  connectionLost(): void {
    this.noteLost({ connection: true });
    // What was asked over the old connection is not answered any more, and holds up what comes after it.
    const transaction = (this.session.dialog as unknown as Interruptible | undefined)?.reinviteUserAgentClient?.transaction;
    transaction?.onTransportError(new Error('connection lost'));
  }

  /** Shows the gateway that we are back, over a new connection and with a new path for the media. */
  reattach(): void {
    if (this.outlivesConnection) this.renegotiation.want(true);
  }

  /** Whatever swallowed the sound swallows what is said over the connection too. */
  pathDead(): void {
    this.options.onUnanswered();
  }

  /** Puts the far end on hold, or talks with it again. */
  setHold(on: boolean): void {
    this.hold = { ...this.hold, wanted: on };
    if (this.outlivesConnection) this.renegotiation.want();
  }

  async replaceMicrophone(track: MediaStreamTrack): Promise<void> {
    await mediaOf(this.session)?.replaceMicrophone(track);
  }

  /** Servers for the next new path; the ones from the beginning of the call may have lapsed. */
  set iceServers(iceServers: readonly RTCIceServer[]) {
    this.path = { ...this.path, iceServers };
  }

  /** Tells the gateway something beside the call; false when it cannot be told now. */
  sendMessage(message: object): boolean {
    return mediaOf(this.session)?.sendMessage(JSON.stringify(message)) === true;
  }

  /** What the browser counts of the media. */
  async stats(): Promise<RTCStatsReport | undefined> {
    return mediaOf(this.session)?.connection.getStats();
  }

  prospects(): DigitProspects {
    const media = mediaOf(this.session);
    const far = media?.farDescription;
    return {
      answered: this.session.state === SessionState.Established,
      canInsert: media?.digitSender?.canInsertDTMF,
      eventsAgreed: far === undefined ? undefined : takesEvents(far),
      connectedForMs: this.soundSinceMs === undefined ? 0 : performance.now() - this.soundSinceMs,
    };
  }

  insertDigit(digit: string, timing: DigitTiming, done: (sent: boolean) => void): Cancellable {
    const sender = mediaOf(this.session)?.digitSender;
    if (sender !== undefined) return playInMedia(sender, digit, timing, done);
    done(false);
    return { cancel: () => {} };
  }

  informDigit(digit: string, durationMs: number, done: (sent: boolean) => void): void {
    if (this.session.state !== SessionState.Established) {
      done(false);
      return;
    }
    const content = writeDigitPress({ digit, durationMs });
    const body = { contentDisposition: 'render', contentType: 'application/dtmf-relay', content };
    const requestDelegate = { onAccept: () => done(true), onReject: () => done(false) };
    this.session.info({ requestOptions: { body }, requestDelegate }).catch(() => done(false));
  }

  private watchMedia(handler: unknown): void {
    if (!(handler instanceof MediaHandler)) return;
    handler.watcher = {
      onAudio: (stream) => this.handlers.onAudio(stream),
      onState: (state) => this.onPathState(state),
      onMessage: (data) => this.onMessage(data),
    };
  }

  /** One offer, and what became of it. */
  private offer(newPath: boolean): Promise<OfferOutcome> {
    const { session } = this;
    const media = mediaOf(session);
    if (!this.outlivesConnection || media === undefined) return Promise.resolve('gone');
    media.held = { local: this.hold.wanted, remote: this.heldByFarEnd };
    const { iceServers = [], relayOnly = false } = this.path;
    const sessionDescriptionHandlerOptions: CallMediaOptions = { iceServers, relayOnly, iceRestart: newPath };
    return new Promise((resolve) => {
      const timer = setTimeout(this.options.onUnanswered, offerPatienceMs);
      const done = (outcome: OfferOutcome): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      const requestDelegate = {
        onTrying: () => clearTimeout(timer),
        onAccept: ({ message }: { readonly message: { readonly body: string } }) => {
          if (!media.held.local) this.noteHold(message.body);
          done('accepted');
        },
        onReject: ({ message }: { readonly message: ReadableMessage }) => done(outcomeOf(message.statusCode)),
      };
      session.invite({ sessionDescriptionHandlerOptions, requestDelegate }).catch(async () => {
        // One of the far side is under way.
        await media.rollbackDescription().catch(() => {});
        done('glare');
      });
    });
  }

  private onOffered(outcome: 'accepted' | 'refused' | 'gone'): void {
    if (this.ended) return;
    if (outcome === 'gone') {
      this.end({ kind: 'problem', problem: 'connection-lost' });
      return;
    }
    const media = mediaOf(this.session);
    if (outcome === 'accepted') this.hold = { ...this.hold, agreed: media?.held.local === true };
    else if (this.hold.wanted !== this.hold.agreed) {
      this.hold = { ...this.hold, wanted: this.hold.agreed };
      this.handlers.onHoldRefused(this.hold.agreed);
    }
    if (media !== undefined) media.held = { ...media.held, local: this.hold.agreed };
    this.noteLost({ connection: false });
  }

  private noteLost(part: Partial<typeof this.lost>): void {
    const before = this.lost;
    this.lost = { ...before, ...part };
    const isLost = (one: typeof before): boolean => one.connection || one.path;
    if (isLost(before) !== isLost(this.lost)) this.handlers.onLink(isLost(this.lost) ? 'lost' : 'there');
  }

  private noteHold(sdp: string): void {
    if (this.ended) return;
    const held = holdIn(sdp);
    this.heldByFarEnd = held === 'remote';
    this.handlers.onHold(held);
  }

  private onPathState(state: RTCPeerConnectionState): void {
    if (this.ended) return;
    if (state === 'connected') {
      this.noteSound();
      this.noteLost({ path: false });
    }
    if (this.soundSinceMs !== undefined) this.pathWatch.take(state);
    else if (state === 'failed') this.onMediaFailed();
  }

  private stopWatching(): void {
    this.renegotiation.stop();
    this.pathWatch.stop();
  }

  private noteSound(): void {
    if (this.connected && mediaOf(this.session)?.connection.connectionState === 'connected') this.soundSinceMs ??= performance.now();
  }

  private onMessage(data: unknown): void {
    const message = readGatewayMessage(data);
    if (message === undefined || this.ended) return;
    if (message.type === 'dtmf') this.raise(message.id, { digit: message.digit, durationMs: message.durationMs });
    else this.handlers.onReceipt(message);
  }

  private raise(id: number | undefined, press: DigitPress): void {
    if (this.ended || (id !== undefined && this.raised.has(id))) return;
    if (id !== undefined) this.raised.add(id);
    this.handlers.onDigit(press);
  }

  private onMediaFailed(): void {
    if (this.ended) return;
    const problem = this.soundSinceMs === undefined ? 'media-setup-failed' : 'media-lost';
    this.leave();
    this.handlers.onEnd({ kind: 'problem', problem });
  }

  private onProvisional(message: ReadableMessage): void {
    if (this.ended || this.connected) return;
    if (message.statusCode === 183) this.handlers.onProgress(true);
    else if (message.statusCode === 180) this.handlers.onProgress(false);
  }

  private onRefused(message: ReadableMessage): void {
    // The call ended while the page was away.
    if (this.options.resumes === true && message.statusCode === 481) this.end({ kind: 'hung-up' });
    const problem = problemOfRefusal(message.statusCode ?? 500, message.getHeader(failureHeader));
    this.end({ kind: 'problem', problem });
  }

  private onBye(bye: Bye): void {
    const problem = problemOfEnd(bye.request.getHeader(failureHeader));
    bye.accept().catch(() => {});
    this.endedByFarEnd(problem === undefined ? { kind: 'hung-up' } : { kind: 'problem', problem });
  }

  private onCancel({ request }: Cancel): void {
    // RFC 3326 §2
    this.endedByFarEnd({ kind: /cause=200\b/i.test(request.getHeader('Reason') ?? '') ? 'elsewhere' : 'missed' });
  }

  private onInfo(info: Info): void {
    const press = readDigitPress(info.request.getHeader('Content-Type') ?? '', info.request.body);
    if (press === undefined) {
      info.reject({ statusCode: 415 }).catch(() => {});
      return;
    }
    info.accept().catch(() => {});
    const id = info.request.getHeader(digitIdHeader)?.trim();
    this.raise(id !== undefined && /^\d{1,9}$/.test(id) ? Number(id) : undefined, press);
  }

  private onState(state: SessionState): void {
    if (this.ended) {
      if (state === SessionState.Established && this.options.resumes === true) this.session.bye().catch(() => {});
      return;
    }
    if (state === SessionState.Established) {
      this.connected = true;
      this.noteSound();
      this.handlers.onConnected();
      if (this.options.resumes === true) this.noteHold(mediaOf(this.session)?.farDescription ?? '');
    } else if (state === SessionState.Terminated) {
      // A refusal or BYE, when there is one, reports in the same turn and says more.
      setTimeout(() => this.end({ kind: 'problem', problem: this.connected ? 'connection-lost' : 'media-setup-failed' }));
    }
  }

  /** sip.js tells before it has ended the session; whoever leaves that now would answer with a BYE or a refusal of its own. */
  private endedByFarEnd(end: SipCallEnd): void {
    queueMicrotask(() => this.end(end));
  }

  private end(end: SipCallEnd): void {
    if (this.ended) return;
    this.ended = true;
    this.stopWatching();
    this.handlers.onEnd(end);
  }
}

function isOpen(session: Session): boolean {
  return session.state === SessionState.Initial || session.state === SessionState.Establishing;
}

function outcomeOf(status = 500): OfferOutcome {
  if (status === 481) return 'gone';
  if (status === 491) return 'glare';
  // 408 and 503 are also what sip.js says when nothing came back at all.
  return status === 408 || status === 503 ? 'unanswered' : 'refused';
}

/** The part of a dialog of sip.js that its types keep to themselves. */
interface Interruptible {
  readonly reinviteUserAgentClient?: { readonly transaction: { onTransportError(error: Error): void } };
}
