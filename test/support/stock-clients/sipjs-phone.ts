import { Invitation, type Inviter, type Session, Web } from 'sip.js';
import { type Account, gatewayHost, type Note, peerConnection, type StockPhone } from './stock-phone.js';

/** SIP.js as it is published, through the session manager it comes with. */
export class SipJsPhone implements StockPhone {
  private manager: Web.SessionManager | undefined;
  private session: Session | undefined;

  constructor(private readonly note: Note) {}

  async start({ gateway, user, password, guest = false }: Account): Promise<void> {
    const { note } = this;
    this.manager = new Web.SessionManager(gateway, {
      aor: `sip:${user}@${gatewayHost}`,
      media: { constraints: { audio: true, video: false }, remote: { audio: new Audio() } },
      sendDTMFUsingSessionDescriptionHandler: true,
      userAgentOptions: {
        authorizationUsername: user,
        authorizationPassword: password,
        logBuiltinEnabled: false,
        sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: peerConnection },
      },
      delegate: {
        onRegistered: () => note('registered'),
        onCallCreated: (session) => this.watch(session),
        onCallReceived: (session) => note(`incoming ${session.remoteIdentity.displayName || session.remoteIdentity.uri.user}`),
        onCallAnswered: () => note('answered'),
        onCallHold: (_session, held) => note(held ? 'held' : 'resumed'),
        onCallDTMFReceived: (_session, tone) => note(`key ${tone}`),
        onCallHangup: () => note('over'),
      },
    });
    await this.manager.connect();
    if (guest) note('connected');
    else await this.manager.register();
  }

  async call(number: string): Promise<void> {
    await this.invite(number, []);
  }

  async callWithTicket(what: string): Promise<void> {
    const [to = '', ticket] = what.split(' ');
    await this.invite(to, [`Authorization: Bearer ${ticket}`]);
  }

  private async invite(to: string, extraHeaders: string[]): Promise<void> {
    await this.ready.call(
      `sip:${to}@${gatewayHost}`,
      { extraHeaders },
      {
        requestDelegate: {
          onProgress: ({ message }) => this.note(`progress ${message.statusCode}`),
          onReject: ({ message }) => this.note(`refused ${message.statusCode}`),
        },
      },
    );
  }

  async answer(): Promise<void> {
    await this.ready.answer(this.current);
  }

  async reject(): Promise<void> {
    await this.ready.decline(this.current);
  }

  async hangUp(): Promise<void> {
    await this.ready.hangup(this.current);
  }

  async hold(): Promise<void> {
    await this.ready.hold(this.current);
  }

  async resume(): Promise<void> {
    await this.ready.unhold(this.current);
  }

  async pressKeys(keys: string): Promise<void> {
    // insertDTMF replaces what is not yet played, so the next key waits for the one before.
    for (const key of keys) {
      const over = this.keyIsPlayed();
      await this.ready.sendDTMF(this.current, key);
      await over;
    }
  }

  async transfer(number: string): Promise<void> {
    await this.ready.transfer(this.current, `sip:${number}@${gatewayHost}`, {
      onNotify: (notification) => {
        notification.accept().catch(() => {});
        this.note(`transfer ${/^SIP\/2\.0 (\d+)/.exec(notification.request.body)?.[1]}`);
      },
      requestDelegate: { onReject: (response) => this.note(`transfer ${response.message.statusCode}`) },
    });
  }

  private get ready(): Web.SessionManager {
    if (this.manager === undefined) throw new Error('not started');
    return this.manager;
  }

  private get current(): Session {
    if (this.session === undefined) throw new Error('there is no call');
    return this.session;
  }

  private watch(session: Session | Inviter | Invitation): void {
    this.session = session;
    session.delegate = {
      onInvite: (request, _response, status) => {
        const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(request.body)?.[1] ?? 'sendrecv';
        if (status === 200) this.note(direction === 'sendrecv' ? 'resumed by the far end' : 'held by the far end');
      },
    };
    if (session instanceof Invitation) session.delegate.onCancel = () => this.note('given up');
  }

  private keyIsPlayed(): Promise<void> {
    const handler = this.current.sessionDescriptionHandler;
    const connection = handler instanceof Web.SessionDescriptionHandler ? handler.peerConnection : undefined;
    const sender = connection?.getSenders().find(({ track }) => track?.kind === 'audio')?.dtmf;
    return new Promise((resolve) => {
      const onChange = (event: RTCDTMFToneChangeEvent): void => {
        if (event.tone !== '') return;
        sender?.removeEventListener('tonechange', onChange);
        resolve();
      };
      sender?.addEventListener('tonechange', onChange);
    });
  }
}
