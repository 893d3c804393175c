import { type Bye, type Cancel, type Info, Invitation, type Inviter, type Session, SessionState } from 'sip.js';
import { type CallProblem, problemOfEnd, problemOfRefusal } from './call-problem.js';
import { type DigitPress, readDigitPress, writeDigitPress } from './dtmf-body.js';
import { holdIn } from './hold-in.js';
import { SessionDescriptionHandler, type SessionDescriptionHandlerOptions } from './web-media.js';

/** What a call tells its owner. `onEnd` is the last one and comes once. */
export interface SipCallHandlers {
  onProgress(early: boolean): void;
  onConnected(): void;
  /** The far end holds the call, or talks again. */
  onHold(held: 'remote' | 'none'): void;
  onEnd(end: SipCallEnd): void;
  onDigit(press: DigitPress): void;
  onAudio(stream: MediaStream): void;
}

export type SipCallEnd =
  | { readonly kind: 'hung-up' }
  | { readonly kind: 'gave-up' }
  | { readonly kind: 'problem'; readonly problem: CallProblem };

/** What sip.js hands back of a response or request: only what is read here. */
interface ReadableMessage {
  readonly statusCode?: number | undefined;
  getHeader(name: string): string | undefined;
}

/** sip.js passes these on to the media stream factory, which takes the microphone out of them. */
export interface CallMediaOptions extends SessionDescriptionHandlerOptions {
  readonly microphone: MediaStream;
}

const failureHeader = 'X-Gateway-Failure';
/** Longest wait for an ICE candidate; the gateway learns ours from the checks anyway (RFC 8445 §7.3.1.3). */
const gatheringPatienceMs = 300;
const infoDurationMs = 100;

/**
 * One call as the page sees it. sip.js leaves a caller to find out from four states and a dozen
 * callbacks what happened; this says it once.
 */
export class SipCall {
  private ended = false;
  private connected = false;

  constructor(
    private readonly session: Inviter | Invitation,
    private readonly handlers: SipCallHandlers,
  ) {
    session.delegate = {
      onBye: (bye) => this.onBye(bye),
      onCancel: (cancel) => this.onCancel(cancel),
      onInfo: (info) => this.onInfo(info),
      onInvite: (request, _response, status) => {
        if (status < 300 && !this.ended) this.handlers.onHold(holdIn(request.body));
      },
      onSessionDescriptionHandler: (handler) => this.watchMedia(handler),
    };
    session.stateChange.addListener((state) => this.onState(state));
  }

  get callId(): string {
    return this.session.request.callId;
  }

  /** Sends the INVITE. */
  async dial(microphone: MediaStream): Promise<void> {
    if (this.session instanceof Invitation) return;
    try {
      await this.session.invite({
        ...mediaOptions(microphone),
        requestDelegate: {
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
  async accept(microphone: MediaStream): Promise<void> {
    if (!(this.session instanceof Invitation)) return;
    try {
      await this.session.accept(mediaOptions(microphone));
    } catch {
      this.end({ kind: 'problem', problem: 'media-setup-failed' });
    }
  }

  /** Ends the call in the way its state asks for (RFC 3261 §9, §15). Nothing is reported for it. */
  leave(): void {
    this.ended = true;
    const { session } = this;
    const gone = (): void => {};
    if (session.state === SessionState.Established) session.bye().catch(gone);
    else if (session instanceof Invitation) {
      if (isOpen(session)) session.reject({ statusCode: 603 }).catch(gone);
    } else if (isOpen(session)) session.cancel().catch(gone);
  }

  /** Ends it without a word to the far end, which cannot be reached. */
  abandon(problem: CallProblem): void {
    this.end({ kind: 'problem', problem });
    this.session.dispose().catch(() => {});
  }

  /** Plays one digit in the media (RFC 4733), or sends it as INFO where the media takes none. */
  playDigit(digit: string, toneMs: number, gapMs: number, done: (sent: boolean) => void): void {
    const sender = this.mediaHandler()
      ?.peerConnection?.getSenders()
      .find((one) => one.track?.kind === 'audio')?.dtmf;
    if (sender?.canInsertDTMF === true) playInMedia(sender, digit, toneMs, gapMs, done);
    else this.sendInfo(digit, done);
  }

  private sendInfo(digit: string, done: (sent: boolean) => void): void {
    if (this.session.state !== SessionState.Established) {
      done(false);
      return;
    }
    const content = writeDigitPress({ digit, durationMs: infoDurationMs });
    const body = { contentDisposition: 'render', contentType: 'application/dtmf-relay', content };
    const requestDelegate = { onAccept: () => done(true), onReject: () => done(false) };
    this.session.info({ requestOptions: { body }, requestDelegate }).catch(() => done(false));
  }

  private mediaHandler(): SessionDescriptionHandler | undefined {
    const handler = this.session.sessionDescriptionHandler;
    return handler instanceof SessionDescriptionHandler ? handler : undefined;
  }

  private watchMedia(handler: unknown): void {
    if (!(handler instanceof SessionDescriptionHandler)) return;
    handler.peerConnectionDelegate = {
      onicecandidate: (event) => {
        if (event.candidate?.type === 'host') handler.iceGatheringComplete();
      },
      ontrack: () => this.handlers.onAudio(handler.remoteMediaStream),
      onconnectionstatechange: () => {
        if (handler.peerConnection?.connectionState === 'failed') this.onMediaFailed();
      },
    };
  }

  private onMediaFailed(): void {
    if (this.ended) return;
    const problem = this.connected ? 'media-lost' : 'media-setup-failed';
    this.leave();
    this.handlers.onEnd({ kind: 'problem', problem });
  }

  private onProvisional(message: ReadableMessage): void {
    if (this.ended || this.connected) return;
    if (message.statusCode === 183) this.handlers.onProgress(true);
    else if (message.statusCode === 180) this.handlers.onProgress(false);
  }

  private onRefused(message: ReadableMessage): void {
    const problem = problemOfRefusal(message.statusCode ?? 500, message.getHeader(failureHeader));
    this.end({ kind: 'problem', problem });
  }

  private onBye(bye: Bye): void {
    const problem = problemOfEnd(bye.request.getHeader(failureHeader));
    bye.accept().catch(() => {});
    this.end(problem === undefined ? { kind: 'hung-up' } : { kind: 'problem', problem });
  }

  private onCancel(_cancel: Cancel): void {
    this.end({ kind: 'gave-up' });
  }

  private onInfo(info: Info): void {
    const press = readDigitPress(info.request.getHeader('Content-Type') ?? '', info.request.body);
    if (press === undefined) {
      info.reject({ statusCode: 415 }).catch(() => {});
      return;
    }
    info.accept().catch(() => {});
    if (!this.ended) this.handlers.onDigit(press);
  }

  private onState(state: SessionState): void {
    if (this.ended) return;
    if (state === SessionState.Established) {
      this.connected = true;
      this.handlers.onConnected();
    } else if (state === SessionState.Terminated) {
      // A refusal or BYE, when there is one, reports in the same turn and says more.
      setTimeout(() => this.end({ kind: 'problem', problem: this.connected ? 'connection-lost' : 'media-setup-failed' }));
    }
  }

  private end(end: SipCallEnd): void {
    if (this.ended) return;
    this.ended = true;
    this.handlers.onEnd(end);
  }
}

function isOpen(session: Session): boolean {
  return session.state === SessionState.Initial || session.state === SessionState.Establishing;
}

/** Hands over one digit and waits for the event that says its tone and gap are over (W3C WebRTC §7.2). */
function playInMedia(sender: RTCDTMFSender, digit: string, toneMs: number, gapMs: number, done: (sent: boolean) => void): void {
  const onChange = (event: RTCDTMFToneChangeEvent): void => {
    if (event.tone !== '') return;
    sender.removeEventListener('tonechange', onChange);
    done(true);
  };
  sender.addEventListener('tonechange', onChange);
  try {
    sender.insertDTMF(digit, toneMs, gapMs);
  } catch {
    sender.removeEventListener('tonechange', onChange);
    done(false);
  }
}

/** Audio, and a data channel so that SCTP is negotiated with it; the microphone is open already. */
function mediaOptions(microphone: MediaStream): { readonly sessionDescriptionHandlerOptions: CallMediaOptions } {
  return {
    sessionDescriptionHandlerOptions: {
      constraints: { audio: true, video: false },
      dataChannel: true,
      dataChannelLabel: 'call',
      iceGatheringTimeout: gatheringPatienceMs,
      microphone,
    },
  };
}
