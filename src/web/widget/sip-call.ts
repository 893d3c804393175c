import { type Bye, type Cancel, type Info, Invitation, type Inviter, type Session, SessionState } from 'sip.js';
import { type CallProblem, problemOfEnd, problemOfRefusal } from './call-problem.js';
import type { DigitCall } from './digit-desk.js';
import type { Cancellable, DigitTiming } from './digit-queue.js';
import { type DigitProspects, takesEvents } from './digit-way.js';
import { type DigitPress, readDigitPress, writeDigitPress } from './dtmf-body.js';
import { type GatewayReceipt, readGatewayMessage } from './gateway-message.js';
import { holdIn } from './hold-in.js';
import { type CallMediaOptions, MediaHandler, mediaOf } from './media-handler.js';

/** What a call tells its owner. `onEnd` is the last one and comes once. */
export interface SipCallHandlers {
  onProgress(early: boolean): void;
  onConnected(): void;
  /** The far end holds the call, or talks again. */
  onHold(held: 'remote' | 'none'): void;
  /** The connection to the gateway broke while the call goes on, or is there again. */
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
  | { readonly kind: 'gave-up' }
  | { readonly kind: 'problem'; readonly problem: CallProblem };

/** What sip.js hands back of a response or request: only what is read here. */
interface ReadableMessage {
  readonly statusCode?: number | undefined;
  getHeader(name: string): string | undefined;
}

/** What the gateway says of a failed call in words of its own. */
const failureHeader = 'X-Gateway-Failure';
/** Number of a digit in the call; the data channel tells of the same digit with the same number. */
const digitIdHeader = 'X-Digit-Id';

/**
 * One call as the page sees it. sip.js leaves a caller to find out from four states and a dozen
 * callbacks what happened; this says it once.
 */
export class SipCall implements DigitCall {
  private ended = false;
  private connected = false;
  /** When the answered call first had a way for sound. */
  private soundSinceMs: number | undefined;
  /** Numbers of the far end's digits that were raised already. */
  private readonly raised = new Set<number>();

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

  /** It is answered, so its sound does not need the connection that its signalling went over. */
  get outlivesConnection(): boolean {
    return !this.ended && this.session.state === SessionState.Established;
  }

  connectionLost(): void {
    this.handlers.onLink('lost');
  }

  /** Shows the gateway that we are back, over a new connection and with a new path for the media. */
  reattach(): void {
    if (!this.outlivesConnection) return;
    const back = (): void => {
      if (!this.ended) this.handlers.onLink('there');
    };
    const onReject = ({ message }: { readonly message: ReadableMessage }): void => {
      if (message.statusCode === 481) this.end({ kind: 'problem', problem: 'connection-lost' });
      else if (message.statusCode !== 408 && message.statusCode !== 503) back();
    };
    const sessionDescriptionHandlerOptions: CallMediaOptions = { iceRestart: true };
    this.session.invite({ sessionDescriptionHandlerOptions, requestDelegate: { onAccept: back, onReject } }).catch(back);
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
      onConnected: () => this.noteSound(),
      onFailed: () => this.onMediaFailed(),
      onMessage: (data) => this.onMessage(data),
    };
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
    const id = info.request.getHeader(digitIdHeader)?.trim();
    this.raise(id !== undefined && /^\d{1,9}$/.test(id) ? Number(id) : undefined, press);
  }

  private onState(state: SessionState): void {
    if (this.ended) return;
    if (state === SessionState.Established) {
      this.connected = true;
      this.noteSound();
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

/**
 * Hands over one digit and waits for the event that says its tone and gap are over (W3C WebRTC §7.2).
 * A digit that is still pending when it is cancelled is taken out of the browser's buffer again.
 */
function playInMedia(sender: RTCDTMFSender, digit: string, { toneMs, gapMs }: DigitTiming, done: (sent: boolean) => void): Cancellable {
  const stop = (): void => sender.removeEventListener('tonechange', onChange);
  const onChange = (event: RTCDTMFToneChangeEvent): void => {
    if (event.tone !== '') return;
    stop();
    done(true);
  };
  const insert = (tones: string): boolean => {
    try {
      sender.insertDTMF(tones, toneMs, gapMs);
      return true;
    } catch {
      return false;
    }
  };
  sender.addEventListener('tonechange', onChange);
  if (!insert(digit)) {
    stop();
    done(false);
  }
  return {
    cancel: () => {
      stop();
      if (sender.toneBuffer !== '') insert('');
    },
  };
}

/** The microphone is open already. */
function mediaOptions(microphone: MediaStream): { readonly sessionDescriptionHandlerOptions: CallMediaOptions } {
  return { sessionDescriptionHandlerOptions: { microphone } };
}
