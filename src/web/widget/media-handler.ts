import type { BodyAndContentType, Invitation, Inviter, SessionDescriptionHandler, SessionDescriptionHandlerOptions } from 'sip.js';

/** sip.js hands these on from the call to the media. */
export interface CallMediaOptions extends SessionDescriptionHandlerOptions {
  /** Without one the call only listens. */
  readonly microphone?: MediaStream;
  readonly iceServers?: readonly RTCIceServer[];
  /** Nothing but relays may be used. */
  readonly relayOnly?: boolean;
  /** The call is on hold by us from the beginning. */
  readonly held?: boolean;
  /** The offer is to look for a new path: the network may be another one (RFC 8445 §9). */
  readonly iceRestart?: boolean;
}

/** What the media tells the call. */
export interface CallMediaWatcher {
  onAudio(stream: MediaStream): void;
  onState(state: RTCPeerConnectionState): void;
  onMessage(data: unknown): void;
}

const channelLabel = 'call';
/** One host candidate is enough: the gateway has a public address and learns ours from the checks anyway (RFC 8445 §7.3.1.3). */
const gatheringPatienceMs = 300;
/** A relay has to be asked first, over TCP or TLS perhaps. */
const relayPatienceMs = 3000;

/** The WebRTC side of one call, in the shape sip.js asks for: one audio stream each way and a data channel. */
export class MediaHandler implements SessionDescriptionHandler {
  readonly connection: RTCPeerConnection;
  watcher: CallMediaWatcher | undefined;
  /** Who has the call on hold; the next description says so. */
  held: { readonly local: boolean; readonly remote: boolean } = { local: false, remote: false };
  private readonly heard = new MediaStream();
  private channel: RTCDataChannel | undefined;

  constructor() {
    // No STUN server: it is of no use here and would be told who calls.
    const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
    this.connection = connection;
    connection.ontrack = ({ track }) => {
      for (const old of this.heard.getTracks()) this.heard.removeTrack(old);
      this.heard.addTrack(track);
      this.watcher?.onAudio(this.heard);
    };
    connection.onconnectionstatechange = () => this.watcher?.onState(connection.connectionState);
    connection.ondatachannel = ({ channel }) => this.listen(channel);
  }

  /** What the browser inserts digits with. */
  get digitSender(): RTCDTMFSender | undefined {
    return this.audio()?.sender.dtmf ?? undefined;
  }

  /** What the far side described of itself. */
  get farDescription(): string | undefined {
    return this.connection.remoteDescription?.sdp;
  }

  /** An offer, or the answer to what `setDescription` was given. */
  async getDescription(options?: CallMediaOptions): Promise<BodyAndContentType> {
    const { connection } = this;
    const offers = connection.signalingState === 'stable';
    if (options !== undefined) this.configure(options);
    if (options?.held === true) this.held = { ...this.held, local: true };
    const track = options?.microphone?.getAudioTracks()[0];
    if (track !== undefined && (this.audio()?.sender.track ?? null) === null) connection.addTrack(track);
    const audio = this.audio() ?? connection.addTransceiver('audio');
    audio.direction = this.direction(offers);
    if (this.channel === undefined && (offers || this.farDescription?.includes('m=application') === true)) {
      this.listen(connection.createDataChannel(channelLabel));
    }
    // sip.js keeps the options of an offer for the answers after it.
    if (offers && options?.iceRestart === true) connection.restartIce();
    await connection.setLocalDescription();
    await this.candidateGathered(options?.relayOnly === true);
    return { body: connection.localDescription?.sdp ?? '', contentType: 'application/sdp' };
  }

  async setDescription(sdp: string): Promise<void> {
    const type = this.connection.signalingState === 'have-local-offer' ? 'answer' : 'offer';
    await this.connection.setRemoteDescription({ type, sdp });
  }

  /** An offer was refused: things stay as they were (RFC 3261 §14.1). */
  async rollbackDescription(): Promise<void> {
    if (this.connection.signalingState === 'have-local-offer') await this.connection.setLocalDescription({ type: 'rollback' });
    else if (this.connection.signalingState === 'have-remote-offer') await this.connection.setRemoteDescription({ type: 'rollback' });
  }

  /** Another microphone, without a word to the far side. */
  async replaceMicrophone(track: MediaStreamTrack): Promise<void> {
    await this.audio()?.sender.replaceTrack(track);
  }

  /** False when there is no channel, or it is not open. */
  sendMessage(text: string): boolean {
    if (this.channel?.readyState !== 'open') return false;
    this.channel.send(text);
    return true;
  }

  hasDescription(contentType: string): boolean {
    return contentType === 'application/sdp';
  }

  /** Digits go their own way, one at a time. */
  sendDtmf(): boolean {
    return false;
  }

  close(): void {
    for (const { track } of [...this.connection.getSenders(), ...this.connection.getReceivers()]) track?.stop();
    this.connection.close();
  }

  private audio(): RTCRtpTransceiver | undefined {
    return this.connection.getTransceivers().find(({ receiver }) => receiver.track.kind === 'audio');
  }

  /** RFC 3264 §8.4: who holds the call sends on, and takes nothing; an answer is cut to what the offer allows by the browser. */
  private direction(offers: boolean): RTCRtpTransceiverDirection {
    if (!this.held.local) return 'sendrecv';
    return offers && this.held.remote ? 'inactive' : 'sendonly';
  }

  private configure({ iceServers, relayOnly }: CallMediaOptions): void {
    if (iceServers === undefined && relayOnly !== true) return;
    try {
      this.connection.setConfiguration({
        ...this.connection.getConfiguration(),
        ...(iceServers === undefined ? {} : { iceServers: [...iceServers] }),
        ...(relayOnly === true ? { iceTransportPolicy: 'relay' } : {}),
      });
    } catch {
      // A server that the browser cannot read is no reason to have no call.
    }
  }

  private listen(channel: RTCDataChannel): void {
    this.channel = channel;
    channel.onmessage = ({ data }) => this.watcher?.onMessage(data);
  }

  private candidateGathered(relayOnly: boolean): Promise<void> {
    const { connection } = this;
    const wanted = relayOnly ? / typ relay/ : / typ host/;
    const enough = (): boolean => connection.iceGatheringState === 'complete' || wanted.test(connection.localDescription?.sdp ?? '');
    return new Promise((resolve) => {
      const look = (): void => {
        if (!enough()) return;
        clearTimeout(timer);
        connection.removeEventListener('icecandidate', look);
        connection.removeEventListener('icegatheringstatechange', look);
        resolve();
      };
      const timer = setTimeout(
        () => {
          connection.removeEventListener('icecandidate', look);
          connection.removeEventListener('icegatheringstatechange', look);
          resolve();
        },
        relayOnly ? relayPatienceMs : gatheringPatienceMs,
      );
      connection.addEventListener('icecandidate', look);
      connection.addEventListener('icegatheringstatechange', look);
      look();
    });
  }
}

/** The media of a session, once sip.js has made it. */
export function mediaOf(session: Inviter | Invitation): MediaHandler | undefined {
  const handler = session.sessionDescriptionHandler;
  return handler instanceof MediaHandler ? handler : undefined;
}
