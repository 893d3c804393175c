import { formatHostPort, type HostPort } from '../base/address.js';
import type { Clock, Timer } from '../base/clock.js';
import { silentLog } from '../base/log.js';
import { readInfoBody } from '../media/dtmf/info-body.js';
import { EmbeddedSip } from '../sip/embedded/embedded-sip.js';
import type { InboundCall, InboundRequest, SipDialog } from '../sip/port.js';
import type { InfoPress } from './judge-digits.js';
import { RtpEnd } from './rtp-end.js';
import { type AgreedMedia, answerOffer, readToolAnswer, writeToolOffer } from './tool-sdp.js';

export interface SipPairOptions {
  /** The number and gateway under test. */
  readonly target: string;
  /** Address of both our ends. */
  readonly listen: string;
  /** Port at which the gateway's calls reach us. */
  readonly farEndPort: number;
  /** User of the From header: who calls. */
  readonly from: string;
  /** For the gateway to connect a call. */
  readonly patienceMs: number;
}

/** One end of a call that is up. */
export interface PairEnd {
  readonly rtp: RtpEnd;
  readonly agreed: AgreedMedia;
  readonly info: readonly InfoPress[];
}

/** A call through the gateway: the caller's end and the called one. */
export interface Pair {
  readonly near: PairEnd;
  readonly far: PairEnd;
  end(): Promise<void>;
}

/** Why no call came about: the gateway's own refusal, or no call at our far end. */
export type PairOutcome = { readonly kind: 'up'; readonly pair: Pair } | { readonly kind: 'failed'; readonly why: string };

interface AnsweredFar {
  readonly end: PairEnd;
  readonly dialog: SipDialog;
}

interface Expected {
  readonly clockRateHz: number;
  readonly arrived: (far: AnsweredFar | string) => void;
}

const noWebSocket = { allowedOrigins: [], handshakeTimeoutMs: 1_000, maxMessageBytes: 1_024, pingIntervalMs: 0, maxConnections: 0 };
const userAgent = 'dtmf-check';

/** Calls the gateway, and is called by it: both SIP ends of a check. Calls are set up one after the other, so that each is known by its turn. */
export class SipPair {
  private readonly nearSip: EmbeddedSip;
  private readonly farSip: EmbeddedSip;
  private expected: Expected | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: SipPairOptions,
    private readonly deps: { readonly clock: Clock },
  ) {
    const sip = (port: number): EmbeddedSip => {
      const listen = [{ transport: 'udp' as const, host: options.listen, port }];
      return new EmbeddedSip({ listen, webSocket: noWebSocket, userAgent }, { clock: deps.clock, log: silentLog });
    };
    this.nearSip = sip(0);
    this.farSip = sip(options.farEndPort);
    this.farSip.onCall((call) => this.called(call));
  }

  async start(): Promise<void> {
    await this.nearSip.start();
    await this.farSip.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.nearSip.stop(), this.farSip.stop()]);
  }

  /** Where the gateway must send the calls for the number under test; valid after `start`. */
  farEnd(): HostPort {
    const { host, port } = this.farSip.bound()[0] ?? { host: this.options.listen, port: this.options.farEndPort };
    return { host, port };
  }

  /** Connects a call through the gateway, for events of this clock where both sides of it take them. */
  connect(clockRateHz: number): Promise<PairOutcome> {
    const connected = this.turn.then(() => this.connectNow(clockRateHz));
    this.turn = connected.catch(() => {});
    return connected;
  }

  private async connectNow(clockRateHz: number): Promise<PairOutcome> {
    const { clock } = this.deps;
    const rtp = await RtpEnd.open(this.options.listen, { clock });
    const arrived = new Promise<AnsweredFar | string>((resolve) => {
      this.expected = { clockRateHz, arrived: resolve };
    });
    const answered = await this.call(rtp, clockRateHz);
    if (typeof answered === 'string') return this.failed(answered, rtp, arrived);
    const far = await this.within(arrived);
    if (typeof far === 'string') {
      void answered.dialog.bye();
      return this.failed(far, rtp, arrived);
    }
    this.expected = undefined;
    const end = async (): Promise<void> => {
      await Promise.all([answered.dialog.bye(), rtp.close(), far.end.rtp.close()]);
    };
    return { kind: 'up', pair: { near: answered.end, far: far.end, end } };
  }

  /** Frees what a call that did not come about has opened. */
  private async failed(why: string, rtp: RtpEnd, arrived: Promise<AnsweredFar | string>): Promise<PairOutcome> {
    this.expected = undefined;
    await rtp.close();
    void arrived.then((far) => {
      if (typeof far !== 'string') void Promise.all([far.end.rtp.close(), far.dialog.bye()]);
    });
    return { kind: 'failed', why };
  }

  private async call(rtp: RtpEnd, clockRateHz: number): Promise<AnsweredFar | string> {
    const { target, from, listen, patienceMs } = this.options;
    const near = this.nearSip.bound()[0];
    const call = this.nearSip.call({
      requestUri: target,
      from: { uri: `sip:${from}@${formatHostPort({ host: listen, port: near?.port ?? 0 })}` },
      offer: writeToolOffer(rtp.local, clockRateHz),
      sessionTimer: 'off',
    });
    const patience = this.deps.clock.after(patienceMs, () => call.cancel());
    const outcome = await call.outcome;
    patience.cancel();
    if (outcome.kind === 'rejected') return `the gateway refused the call with ${outcome.status}`;
    if (outcome.kind === 'failed') return `the gateway did not answer the call (${outcome.why})`;
    const { dialog, sdp } = outcome;
    const agreed = readable(() => readToolAnswer(sdp, clockRateHz));
    if (agreed === undefined) {
      void dialog.bye();
      return "the gateway's answer holds no audio we offered";
    }
    return { dialog, end: endOf(dialog, rtp, agreed, writeToolOffer(rtp.local, clockRateHz)) };
  }

  private called(call: InboundCall): void {
    const { expected } = this;
    this.expected = undefined;
    if (expected === undefined) call.reject(486);
    else void this.answer(call, expected.clockRateHz).then(expected.arrived);
  }

  private async answer(call: InboundCall, clockRateHz: number): Promise<AnsweredFar | string> {
    const { offer } = call;
    const rtp = await RtpEnd.open(this.options.listen, { clock: this.deps.clock });
    const answer = offer === undefined ? undefined : readable(() => answerOffer(offer, rtp.local, clockRateHz));
    if (answer === undefined) {
      call.reject(488);
      await rtp.close();
      return `the gateway called our far end ${offer === undefined ? 'without an offer' : 'and offered no codec we know'}`;
    }
    const dialog = call.answer(answer.sdp, { sessionTimer: 'off' });
    return { dialog, end: endOf(dialog, rtp, answer.agreed, answer.sdp) };
  }

  private within(arrived: Promise<AnsweredFar | string>): Promise<AnsweredFar | string> {
    let timer: Timer | undefined;
    const late = new Promise<string>((resolve) => {
      timer = this.deps.clock.after(this.options.patienceMs, () => resolve('the gateway answered, but no call came to our far end'));
    });
    return Promise.race([arrived, late]).finally(() => timer?.cancel());
  }
}

function readable<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Later offers are answered as the first was; digits in INFO are kept (RFC 6086, the forms in use). */
function endOf(dialog: SipDialog, rtp: RtpEnd, agreed: AgreedMedia, sdp: string): PairEnd {
  rtp.use(agreed);
  const info: InfoPress[] = [];
  dialog.onOffer((offer) => offer.accept(sdp));
  dialog.onRequest((request) => takeInfo(request, info));
  return { rtp, agreed, info };
}

function takeInfo(request: InboundRequest, info: InfoPress[]): void {
  const { method, body } = request;
  const reading = method === 'INFO' && body !== undefined ? readInfoBody(body.type, body.content) : undefined;
  if (reading?.kind === 'digit') info.push(reading.digit);
  if (method !== 'INFO') request.respond(501);
  else if (reading?.kind === 'other-type') request.respond(415);
  else request.respond(reading?.kind === 'malformed' ? 400 : 200);
}
