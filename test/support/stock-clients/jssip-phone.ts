import JsSIP from 'jssip';
import type {
  EndEvent,
  HoldEvent,
  IncomingDTMFEvent,
  IncomingEvent,
  OutgoingDTMFEvent,
  OutgoingEvent,
  PeerConnectionEvent,
  RTCSession,
} from 'jssip/lib/RTCSession.js';
import type { RTCSessionEvent } from 'jssip/lib/UA.js';
import { type Account, gatewayHost, type Note, peerConnection, type StockPhone } from './stock-phone.js';

const media = { mediaConstraints: { audio: true, video: false }, pcConfig: peerConnection };

/** JsSIP as it is published. */
export class JsSipPhone implements StockPhone {
  private agent: InstanceType<typeof JsSIP.UA> | undefined;
  private session: RTCSession | undefined;
  /** Chromium hands the sound of a call on only while something plays it. */
  private readonly audio = new Audio();

  constructor(private readonly note: Note) {}

  start({ gateway, user, password, guest = false }: Account): Promise<void> {
    const agent = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(gateway)],
      uri: `sip:${user}@${gatewayHost}`,
      password,
      register: !guest,
    });
    this.agent = agent;
    agent.on('registered', () => this.note('registered'));
    if (guest) agent.on('connected', () => this.note('connected'));
    agent.on('newRTCSession', ({ session, originator }: RTCSessionEvent) => {
      this.watch(session);
      const { display_name: name, uri } = session.remote_identity;
      if (originator === 'remote') this.note(`incoming ${name || uri.user}`);
    });
    agent.start();
    return Promise.resolve();
  }

  call(number: string): Promise<void> {
    this.agent?.call(`sip:${number}@${gatewayHost}`, media);
    return Promise.resolve();
  }

  callWithTicket(what: string): Promise<void> {
    const [to, ticket] = what.split(' ');
    this.agent?.call(`sip:${to}@${gatewayHost}`, { ...media, extraHeaders: [`Authorization: Bearer ${ticket}`] });
    return Promise.resolve();
  }

  answer(): Promise<void> {
    this.current.answer(media);
    return Promise.resolve();
  }

  reject(): Promise<void> {
    this.current.terminate({ status_code: 486 });
    return Promise.resolve();
  }

  hangUp(): Promise<void> {
    this.current.terminate();
    return Promise.resolve();
  }

  hold(): Promise<void> {
    return this.agreed((done) => this.current.hold({}, done));
  }

  resume(): Promise<void> {
    return this.agreed((done) => this.current.unhold({}, done));
  }

  pressKeys(keys: string): Promise<void> {
    // INFO is what it does without being asked for anything else.
    this.current.sendDTMF(keys, { duration: 120, interToneGap: 200 });
    return Promise.resolve();
  }

  transfer(number: string): Promise<void> {
    const told = (what: string) => (): void => this.note(`transfer ${what}`);
    this.current.refer(`sip:${number}@${gatewayHost}`, {
      eventHandlers: { trying: told('100'), accepted: told('200'), failed: told('failed'), requestFailed: told('refused') },
    });
    return Promise.resolve();
  }

  /** JsSIP tells of a hold when it asks for it, and calls back when the far end has agreed. */
  private agreed(ask: (done: VoidFunction) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!ask(resolve)) reject(new Error('JsSIP is not ready for another offer'));
    });
  }

  private get current(): RTCSession {
    if (this.session === undefined) throw new Error('there is no call');
    return this.session;
  }

  private watch(session: RTCSession): void {
    const { note } = this;
    this.session = session;
    const by = (originator: string): string => (originator === 'remote' ? ' by the far end' : '');
    const listen = (connection: RTCPeerConnection): void =>
      connection.addEventListener('track', ({ track }) => {
        this.audio.srcObject = new MediaStream([track]);
        this.audio.play().catch(() => {});
      });
    // A call of ours has its connection already, one that comes in gets it when it is answered.
    if (session.connection) listen(session.connection);
    else session.on('peerconnection', ({ peerconnection }: PeerConnectionEvent) => listen(peerconnection));
    session.on('progress', (event: IncomingEvent | OutgoingEvent) => {
      if ('response' in event && event.response !== null) note(`progress ${event.response.status_code}`);
    });
    session.on('confirmed', () => note('answered'));
    session.on('hold', ({ originator }: HoldEvent) => note(`held${by(originator)}`));
    session.on('unhold', ({ originator }: HoldEvent) => note(`resumed${by(originator)}`));
    session.on('newDTMF', ({ originator, dtmf }: IncomingDTMFEvent | OutgoingDTMFEvent) => {
      if (originator === 'remote') note(`key ${dtmf.tone}`);
    });
    session.on('failed', ({ message }: EndEvent) => {
      if (message !== null && message !== undefined && 'status_code' in message) note(`refused ${message.status_code}`);
      note('over');
    });
    session.on('ended', () => note('over'));
  }
}
