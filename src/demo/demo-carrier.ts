import { formatHostPort, type HostPort } from '../base/address.js';
import type { Clock, Timer } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { type LiveObjects, mergeLiveObjects } from '../base/live-objects.js';
import type { Log } from '../base/log.js';
import type { Startable } from '../base/startable.js';
import { EmbeddedSip } from '../sip/embedded/embedded-sip.js';
import type { InboundCall, OutboundCall } from '../sip/port.js';
import { escapeUser, phoneNumberOf } from '../sip/uri.js';
import { AnsweredLeg, InboundLeg } from './call-legs.js';
import { openSound } from './call-sound.js';
import { type RunningLine, runLine } from './line.js';
import { type CallLeg, LineCall } from './line-call.js';
import { calledBack } from './lines/call-back.js';
import { lineOf } from './lines/directory.js';
import type { MediaEndpoint } from './media-endpoint.js';
import type { Prompts } from './prompts.js';

export interface DemoCarrierOptions {
  readonly listen: HostPort;
  /** Where calls back go; without it nobody is called back. */
  readonly gateway?: HostPort;
  /** Between the end of a call and the call back. Default 1500. */
  readonly callBackAfterMs?: number;
  /** Calls are ended after this. Default ten minutes. */
  readonly longestCallMs?: number;
}

export interface DemoCarrierDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly prompts: Prompts;
  /** Tells whoever watches what happens on a line. */
  readonly tell: (line: string) => void;
}

interface LiveCall {
  readonly leg: CallLeg;
  readonly endpoint: MediaEndpoint;
}

/** Nothing but UDP is spoken here. */
const noWebSocket = { allowedOrigins: [], handshakeTimeoutMs: 1_000, maxMessageBytes: 1_024, pingIntervalMs: 0, maxConnections: 0 };
const callBackNumber = '1006';
const ringMs = 30_000;

/** A SIP trunk in a box: numbers with a voice, an echo, a busy line and so on, over UDP and G.711. */
export class DemoCarrier implements Startable {
  private readonly sip: EmbeddedSip;
  private readonly live = new Set<LiveCall>();
  private readonly dialling = new Set<OutboundCall>();
  private readonly timers = new Set<Timer>();
  private stopping = false;

  constructor(
    private readonly options: DemoCarrierOptions,
    private readonly deps: DemoCarrierDeps,
  ) {
    const { clock, log } = deps;
    const listen = [{ transport: 'udp' as const, ...options.listen }];
    this.sip = new EmbeddedSip({ listen, webSocket: noWebSocket, userAgent: 'demo-carrier' }, { clock, log });
    this.sip.onCall((call) => void this.incoming(call).catch((thrown) => this.failed(call, thrown)));
  }

  start(): Promise<void> {
    return this.sip.start();
  }

  /** Ends every call and frees everything. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    for (const call of this.dialling) call.cancel();
    for (const { leg } of [...this.live]) leg.hangUp();
    await this.sip.stop();
    await Promise.all([...this.live].map(({ endpoint }) => endpoint.close()));
    this.live.clear();
  }

  /** Where SIP is taken; valid after `start`. */
  address(): HostPort {
    const { host, port } = this.sip.bound()[0] ?? this.options.listen;
    return { host, port };
  }

  /** Those of SIP, and `call`: calls with sound. */
  liveObjects(): LiveObjects {
    return mergeLiveObjects([this.sip.liveObjects(), { call: this.live.size, call_back: this.dialling.size + this.timers.size }]);
  }

  private async incoming(call: InboundCall): Promise<void> {
    const number = phoneNumberOf(call.requestUri) ?? '';
    const line = this.stopping ? undefined : lineOf(number);
    if (line === undefined) return call.reject(this.stopping ? 503 : 404);
    if (call.offer === undefined) return call.reject(488);
    const { offer } = call;
    const caller = phoneNumberOf(call.from.uri);
    await this.join(
      number,
      line,
      (endpoint, onOver) => {
        const answer = this.answerTo(offer, endpoint);
        if (answer === undefined) {
          call.reject(488);
          return undefined;
        }
        return call.cancelled.aborted ? undefined : new InboundLeg({ call, answer }, { endpoint, onOver });
      },
      () => this.callBackLater(caller),
    );
  }

  private answerTo(offer: string, endpoint: MediaEndpoint): string | undefined {
    try {
      return endpoint.answer(offer);
    } catch (thrown) {
      this.deps.log.warn({ problem: messageOf(thrown) }, 'an offer that the demo carrier cannot answer');
      return undefined;
    }
  }

  /** Joins a line to the signalling that `connect` makes, and sees to it that nothing is left afterwards. */
  private async join(
    number: string,
    line: RunningLine,
    connect: (endpoint: MediaEndpoint, onOver: () => void) => CallLeg | Promise<CallLeg | undefined> | undefined,
    callBack: () => void,
  ): Promise<void> {
    const { clock, prompts } = this.deps;
    let lineCall: LineCall | undefined;
    const sound = await openSound(this.options.listen.host, { clock, prompts, onEvent: (event) => lineCall?.take(event) });
    const { endpoint } = sound;
    let live: LiveCall | undefined;
    let over = false;
    const onOver = (): void => {
      over = true;
      if (live !== undefined) this.live.delete(live);
      lineCall?.take({ type: 'ended' });
      void endpoint.close();
    };
    const leg = await connect(endpoint, onOver);
    if (leg === undefined || over) return endpoint.close();
    live = { leg, endpoint };
    this.live.add(live);
    const tell = (what: string): void => this.deps.tell(`${number}: the caller ${what}`);
    lineCall = new LineCall({ line, longestMs: this.options.longestCallMs ?? 600_000 }, { clock, leg, sound, callBack, tell });
    lineCall.begin();
  }

  private callBackLater(caller: string | undefined): void {
    const { gateway, callBackAfterMs } = this.options;
    if (caller === undefined || gateway === undefined || this.stopping) {
      this.deps.tell(`${callBackNumber}: nobody can be called back`);
      return;
    }
    const timer = this.deps.clock.after(callBackAfterMs ?? 1_500, () => {
      this.timers.delete(timer);
      this.callBack(caller, gateway).catch((thrown) => this.deps.log.error({ fault: messageOf(thrown) }, 'a call back failed'));
    });
    this.timers.add(timer);
  }

  private async callBack(caller: string, gateway: HostPort): Promise<void> {
    await this.join(
      callBackNumber,
      runLine(calledBack),
      (endpoint, onOver) => this.dial(caller, gateway, endpoint, onOver),
      () => {},
    );
  }

  private async dial(caller: string, gateway: HostPort, endpoint: MediaEndpoint, onOver: () => void): Promise<CallLeg | undefined> {
    const call = this.sip.call({
      requestUri: `sip:${escapeUser(caller)}@${formatHostPort(gateway)}`,
      from: { displayName: 'Demo line', uri: `sip:${callBackNumber}@${formatHostPort(this.address())}` },
      offer: endpoint.offer(),
      via: { proxy: `sip:${formatHostPort(gateway)};transport=udp` },
    });
    this.dialling.add(call);
    const patience = this.deps.clock.after(ringMs, () => call.cancel());
    const outcome = await call.outcome;
    patience.cancel();
    this.dialling.delete(call);
    if (outcome.kind !== 'answered') {
      this.deps.tell(`${callBackNumber}: the call back was not answered (${outcome.kind === 'rejected' ? outcome.status : outcome.why})`);
      return undefined;
    }
    try {
      endpoint.takeAnswer(outcome.sdp);
    } catch (thrown) {
      this.deps.log.warn({ problem: messageOf(thrown) }, 'an answer that the demo carrier cannot use');
      void outcome.dialog.bye();
      return undefined;
    }
    endpoint.begin();
    return new AnsweredLeg(outcome.dialog, { endpoint, onOver });
  }

  private failed(call: InboundCall, thrown: unknown): void {
    this.deps.log.error({ fault: messageOf(thrown) }, 'a call to the demo carrier failed');
    call.reject(500);
  }
}
