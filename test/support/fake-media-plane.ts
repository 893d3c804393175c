/**
 * A media plane with no media: it keeps sessions and legs in memory, answers with SDP that reads
 * like the real thing and says what it was asked. It passes the same contract suite as the
 * embedded plane, so a test may trust it.
 */
import { GatewayError } from '../../src/base/errors.js';
import type { SessionId } from '../../src/base/ids.js';
import type { LiveObjects } from '../../src/base/live-objects.js';
import type {
  AudioCodec,
  DigitToSend,
  LegName,
  LegOptions,
  LegSlot,
  LegStats,
  MediaDirection,
  MediaErrorInfo,
  MediaEvent,
  MediaPlane,
  PressId,
  SessionStats,
} from '../../src/media/plane.js';

type Method = 'open' | 'offer' | 'answer' | 'accept' | 'replace' | 'drop' | 'sendDigits' | 'sendMessage' | 'stats' | 'close';

/** One request to the plane, in the order it came. */
export interface FakeMediaCall {
  readonly method: Method;
  readonly session: SessionId;
  readonly leg?: LegSlot;
  readonly options?: LegOptions;
  /** The peer's SDP given, for `answer` and `accept`. */
  readonly sdp?: string;
  readonly digits?: readonly DigitToSend[];
  readonly text?: string;
}

interface FakeLeg {
  options: LegOptions;
  readonly port: number;
  version: number;
  lastBody: string;
  lastSdp: string;
  codec: AudioCodec | undefined;
  /** Payload number of telephone-event the peer takes. */
  telephoneEvent: number | undefined;
  /** Direction of our last offer. */
  offered: MediaDirection | undefined;
  /** What the far end does. */
  direction: MediaDirection;
  up: boolean;
  digitsSent: number;
}

interface PeerSdp {
  readonly codecs: readonly AudioCodec[];
  readonly telephoneEvent: number | undefined;
  readonly telephoneEventPayload: number;
  readonly direction: MediaDirection;
}

const payloadOf: Readonly<Record<AudioCodec, number>> = { PCMU: 0, PCMA: 8 };

function fail(info: MediaErrorInfo): GatewayError<MediaErrorInfo> {
  return new GatewayError(info, 'detail' in info ? info.detail : info.code);
}

function readPeer(sdp: string): PeerSdp {
  if (!/^v=0\r?\n/.test(sdp) || !/^o=/m.test(sdp)) throw fail({ code: 'sdp-malformed', detail: 'no v= or o= line' });
  const media = /^m=audio (\d+) (\S+) ([\d ]+)\s*$/m.exec(sdp);
  if (media === null || media[1] === '0') throw fail({ code: 'sdp-not-acceptable', detail: 'no audio line that is switched on' });
  const payloads = (media[3] ?? '').trim().split(' ').map(Number);
  const codecs: AudioCodec[] = [];
  let telephoneEvent: number | undefined;
  for (const payload of payloads) {
    const name = new RegExp(`^a=rtpmap:${payload} ([^/\\s]+)/(\\d+)`, 'm').exec(sdp);
    if (payload === 0 || name?.[1] === 'PCMU') codecs.push('PCMU');
    else if (payload === 8 || name?.[1] === 'PCMA') codecs.push('PCMA');
    else if (name?.[1] === 'telephone-event' && name[2] === '8000') telephoneEvent = payload;
  }
  return { codecs, telephoneEvent, telephoneEventPayload: telephoneEvent ?? 101, direction: directionOf(sdp) };
}

/** Of a plain description; the old hold names no address (RFC 3264 §8.4). */
function directionOf(sdp: string): MediaDirection {
  const said = /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(sdp)?.[1] as MediaDirection | undefined;
  const nowhere = /^c=IN IP4 0\.0\.0\.0\r?$/m.test(sdp) && !/^a=fingerprint:/m.test(sdp);
  if (!nowhere) return said ?? 'sendrecv';
  return said === 'recvonly' || said === 'inactive' ? 'inactive' : 'sendonly';
}

/** What an answer says to an offer (RFC 3264 §6.1). */
const mirrored: Readonly<Record<MediaDirection, MediaDirection>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

const sends = (direction: MediaDirection): boolean => direction === 'sendrecv' || direction === 'sendonly';
const receives = (direction: MediaDirection): boolean => direction === 'sendrecv' || direction === 'recvonly';

/** What the far end does by its answer, of which our offer may leave out a part. */
function answered(offer: MediaDirection, answer: MediaDirection): MediaDirection {
  const doesSend = sends(answer) && receives(offer);
  const doesReceive = receives(answer) && sends(offer);
  if (doesSend) return doesReceive ? 'sendrecv' : 'sendonly';
  return doesReceive ? 'recvonly' : 'inactive';
}

export class FakeMediaPlane implements MediaPlane {
  /** Every request since the start, oldest first. */
  readonly requests: FakeMediaCall[] = [];

  private readonly handlers: ((event: MediaEvent) => void)[] = [];
  private readonly sessions = new Map<SessionId, Map<LegSlot, FakeLeg>>();
  private readonly planned = new Map<Method, MediaErrorInfo>();
  /** Messages sent to each leg's page, oldest first, as `session/leg`. */
  private readonly channels = new Map<string, string[]>();
  private nextPort = 20000;
  private nextPress = 1;
  private running = false;

  async start(): Promise<void> {
    this.running = true;
  }

  async stop(): Promise<void> {
    this.sessions.clear();
    this.running = false;
  }

  onEvent(handler: (event: MediaEvent) => void): void {
    this.handlers.push(handler);
  }

  /** Plays an event of the plane, as if media had caused it. */
  emit(event: MediaEvent): void {
    for (const handler of this.handlers) handler(event);
  }

  /** The next request of that kind is rejected. */
  failNext(method: Method, info: MediaErrorInfo): void {
    this.planned.set(method, info);
  }

  /** Marks a leg as carrying media and says so. */
  bringUp(session: SessionId, leg: LegSlot): void {
    this.legOf(session, leg).up = true;
    this.emit({ type: 'leg-up', session, leg });
  }

  /** A key pressed at the far end of `leg`, by RFC 4733; returns its press. `digit-sent` is the test's to play. */
  pressDigit(session: SessionId, leg: LegName, { digit, durationMs }: DigitToSend, relayed = true): PressId {
    const press = this.newPress();
    this.emit({ type: 'digit', session, leg, press, digit, by: 'rfc4733', durationMs, relayed });
    return press;
  }

  /** The page of that leg has opened its data channel; what is sent on it from now on is kept in the list returned. */
  openChannel(session: SessionId, leg: LegName): readonly string[] {
    const messages: string[] = [];
    this.channels.set(`${session}/${leg}`, messages);
    this.emit({ type: 'channel-up', session, leg });
    return messages;
  }

  hasSession(session: SessionId): boolean {
    return this.sessions.has(session);
  }

  /** Digits asked for on a leg so far, as one string. */
  digitsAskedOn(session: SessionId, leg: LegName): string {
    return this.requests
      .filter((request) => request.method === 'sendDigits' && request.session === session && request.leg === leg)
      .flatMap((request) => request.digits ?? [])
      .map(({ digit }) => digit)
      .join('');
  }

  async open(session: SessionId): Promise<void> {
    this.note({ method: 'open', session });
    if (!this.running) throw fail({ code: 'no-worker' });
    if (this.sessions.has(session)) throw fail({ code: 'wrong-state', detail: `session ${session} is already open` });
    this.sessions.set(session, new Map());
  }

  async offer(session: SessionId, leg: LegSlot, options: LegOptions): Promise<string> {
    this.note({ method: 'offer', session, leg, options });
    const made = this.makeLeg(session, leg, options);
    made.offered = options.direction ?? 'sendrecv';
    return this.describe(made, options.codecs, takesEvents(options) ? 101 : undefined, 'actpass', made.offered);
  }

  async answer(session: SessionId, leg: LegSlot, offer: string, options: LegOptions): Promise<string> {
    this.note({ method: 'answer', session, leg, options, sdp: offer });
    if (!this.sessions.has(session)) throw fail({ code: 'unknown-session', session });
    const peer = readPeer(offer);
    const codec = options.codecs.find((name) => peer.codecs.includes(name));
    if (codec === undefined) throw fail({ code: 'sdp-not-acceptable', detail: 'no codec in common' });
    const made = this.makeLeg(session, leg, options);
    made.codec = codec;
    made.telephoneEvent = takesEvents(options) ? peer.telephoneEvent : undefined;
    this.turn(session, leg, made, peer.direction);
    return this.describe(made, [codec], made.telephoneEvent, 'passive', mirrored[peer.direction]);
  }

  async accept(session: SessionId, leg: LegSlot, answer: string): Promise<void> {
    this.note({ method: 'accept', session, leg, sdp: answer });
    const made = this.legOf(session, leg);
    if (made.offered === undefined) throw fail({ code: 'wrong-state', detail: `leg ${leg} has made no offer` });
    const peer = readPeer(answer);
    const codec = peer.codecs.find((name) => made.options.codecs.includes(name));
    if (codec === undefined) throw fail({ code: 'sdp-not-acceptable', detail: 'no codec in common' });
    made.codec = codec;
    made.telephoneEvent = takesEvents(made.options) ? peer.telephoneEvent : undefined;
    this.turn(session, leg, made, answered(made.offered, peer.direction));
  }

  async replace(session: SessionId, leg: LegName): Promise<LegStats | undefined> {
    this.note({ method: 'replace', session, leg });
    const third = this.legOf(session, 'c');
    const before = this.sessions.get(session)?.get(leg);
    this.sessions.get(session)?.set(leg, third);
    this.sessions.get(session)?.delete('c');
    return before === undefined ? undefined : statsOf(before);
  }

  async drop(session: SessionId, leg: LegSlot): Promise<LegStats | undefined> {
    this.note({ method: 'drop', session, leg });
    const legs = this.sessions.get(session);
    if (legs === undefined) throw fail({ code: 'unknown-session', session });
    const made = legs.get(leg);
    legs.delete(leg);
    return made === undefined ? undefined : statsOf(made);
  }

  async sendDigits(session: SessionId, leg: LegName, digits: readonly DigitToSend[]): Promise<readonly PressId[]> {
    this.note({ method: 'sendDigits', session, leg, digits });
    const made = this.legOf(session, leg);
    const as = carriageOf(made);
    if (as === undefined) throw fail({ code: 'wrong-state', detail: `leg ${leg} carries no digits` });
    made.digitsSent += digits.length;
    const presses = digits.map(() => this.newPress());
    queueMicrotask(() => {
      for (const [at, press] of presses.entries()) {
        const durationMs = digits[at]?.durationMs ?? 0;
        const packets = as === 'rfc4733' ? Math.ceil(durationMs / 20) + 2 : Math.ceil(durationMs / 20);
        if (this.sessions.has(session)) this.emit({ type: 'digit-sent', session, leg, press, as, durationMs, packets });
      }
    });
    return presses;
  }

  async sendMessage(session: SessionId, leg: LegName, text: string): Promise<boolean> {
    this.note({ method: 'sendMessage', session, leg, text });
    if (!this.sessions.has(session)) throw fail({ code: 'unknown-session', session });
    const channel = this.channels.get(`${session}/${leg}`);
    channel?.push(text);
    return channel !== undefined;
  }

  async stats(session: SessionId): Promise<SessionStats> {
    this.note({ method: 'stats', session });
    const legs = this.sessions.get(session);
    if (legs === undefined) throw fail({ code: 'unknown-session', session });
    return this.count(session, legs);
  }

  async statsOf(sessions: readonly SessionId[]): Promise<readonly SessionStats[]> {
    return sessions.flatMap((session) => {
      const legs = this.sessions.get(session);
      return legs === undefined ? [] : [this.count(session, legs)];
    });
  }

  async close(session: SessionId): Promise<SessionStats | undefined> {
    this.note({ method: 'close', session });
    const legs = this.sessions.get(session);
    if (legs === undefined) return undefined;
    this.sessions.delete(session);
    return this.count(session, legs);
  }

  async liveObjects(): Promise<LiveObjects> {
    let sockets = 0;
    let ports = 0;
    for (const legs of this.sessions.values()) {
      for (const { options } of legs.values()) {
        sockets += options.kind === 'udp' ? 2 : 1;
        ports += options.kind === 'udp' ? 2 : 1;
      }
    }
    return {
      media_session: this.sessions.size,
      media_socket: sockets,
      media_timer: 0,
      media_port: ports,
      media_worker: this.running ? 1 : 0,
    };
  }

  private newPress(): PressId {
    const press = this.nextPress;
    this.nextPress += 1;
    return press;
  }

  private note(request: FakeMediaCall): void {
    this.requests.push(request);
    const planned = this.planned.get(request.method);
    if (planned === undefined) return;
    this.planned.delete(request.method);
    throw fail(planned);
  }

  private legOf(session: SessionId, leg: LegSlot): FakeLeg {
    const legs = this.sessions.get(session);
    if (legs === undefined) throw fail({ code: 'unknown-session', session });
    const made = legs.get(leg);
    if (made === undefined) throw fail({ code: 'wrong-state', detail: `session ${session} has no leg ${leg}` });
    return made;
  }

  private makeLeg(session: SessionId, leg: LegSlot, options: LegOptions): FakeLeg {
    const legs = this.sessions.get(session);
    if (legs === undefined) throw fail({ code: 'unknown-session', session });
    const known = legs.get(leg);
    if (known !== undefined) {
      if (known.options.kind !== options.kind) throw fail({ code: 'wrong-state', detail: `leg ${leg} is of kind ${known.options.kind}` });
      known.options = options;
      return known;
    }
    const made: FakeLeg = {
      options,
      port: this.nextPort,
      version: 1,
      lastBody: '',
      lastSdp: '',
      codec: undefined,
      telephoneEvent: undefined,
      offered: undefined,
      direction: 'sendrecv',
      up: false,
      digitsSent: 0,
    };
    this.nextPort += 2;
    legs.set(leg, made);
    return made;
  }

  private turn(session: SessionId, leg: LegSlot, made: FakeLeg, direction: MediaDirection): void {
    if (made.direction === direction) return;
    made.direction = direction;
    this.emit({ type: 'leg-direction', session, leg, direction });
  }

  private describe(
    leg: FakeLeg,
    codecs: readonly AudioCodec[],
    telephoneEvent: number | undefined,
    setup: string,
    direction: MediaDirection,
  ): string {
    const payloads = [...codecs.map((codec) => payloadOf[codec]), ...(telephoneEvent === undefined ? [] : [telephoneEvent])];
    const webrtc = leg.options.kind === 'webrtc';
    const body = [
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      ...(webrtc ? ['a=ice-lite', 'a=group:BUNDLE 0'] : []),
      `m=audio ${leg.port} ${webrtc ? 'UDP/TLS/RTP/SAVPF' : 'RTP/AVP'} ${payloads.join(' ')}`,
      ...codecs.map((codec) => `a=rtpmap:${payloadOf[codec]} ${codec}/8000`),
      ...(telephoneEvent === undefined ? [] : [`a=rtpmap:${telephoneEvent} telephone-event/8000`, `a=fmtp:${telephoneEvent} 0-15`]),
      'a=ptime:20',
      `a=${direction}`,
      ...(webrtc
        ? [
            'a=mid:0',
            'a=rtcp-mux',
            `a=setup:${setup}`,
            `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
            'a=ice-ufrag:fake',
            'a=ice-pwd:fakefakefakefakefakefake',
            `a=candidate:1 1 udp 2130706431 127.0.0.1 ${leg.port} typ host`,
          ]
        : [`a=rtcp:${leg.port + 1}`]),
      '',
    ].join('\r\n');
    if (leg.lastBody !== '' && leg.lastBody !== body) leg.version += 1;
    leg.lastBody = body;
    leg.lastSdp = `v=0\r\no=- 4200${leg.port} ${leg.version} IN IP4 127.0.0.1\r\n${body}`;
    return leg.lastSdp;
  }

  private count(session: SessionId, legs: ReadonlyMap<LegSlot, FakeLeg>): SessionStats {
    const a = legs.get('a');
    const b = legs.get('b');
    return {
      session,
      path:
        a !== undefined && b !== undefined
          ? [`${a.options.kind} > fake > ${b.options.kind}`, `${b.options.kind} > fake > ${a.options.kind}`]
          : [],
      ...(a === undefined ? {} : { a: statsOf(a) }),
      ...(b === undefined ? {} : { b: statsOf(b) }),
    };
  }
}

const takesEvents = ({ digits = 'events' }: LegOptions): boolean => digits === 'events' || digits === 'auto';

/** How digits leave on a leg; undefined when they cannot. */
function carriageOf({ options, codec, telephoneEvent }: FakeLeg): 'rfc4733' | 'inband' | undefined {
  if (codec === undefined) return undefined;
  if (telephoneEvent !== undefined) return 'rfc4733';
  return options.digits === 'tones' || options.digits === 'auto' ? 'inband' : undefined;
}

function statsOf(leg: FakeLeg): LegStats {
  return {
    kind: leg.options.kind,
    ...(leg.codec === undefined ? {} : { codec: leg.codec }),
    up: leg.up,
    packetsReceived: 0,
    bytesReceived: 0,
    packetsSent: 0,
    bytesSent: 0,
    packetsLost: 0,
    jitterMs: 0,
    digitsReceived: 0,
    digitsSent: leg.digitsSent,
    dropped: {},
  };
}
