import type { BodyAndContentType, Invitation, Inviter, SessionDescriptionHandler, SessionDescriptionHandlerOptions } from 'sip.js';

/** sip.js hands these on from the call to the media. */
export interface CallMediaOptions extends SessionDescriptionHandlerOptions {
  readonly microphone?: MediaStream;
  /** Looks for a new path: the network may be another one (RFC 8445 §9). */
  readonly iceRestart?: boolean;
}

/** What the media tells the call. */
export interface CallMediaWatcher {
  onAudio(stream: MediaStream): void;
  onConnected(): void;
  onFailed(): void;
  onMessage(data: unknown): void;
}

const channelLabel = 'call';
/** One host candidate is enough: the gateway has a public address and learns ours from the checks anyway (RFC 8445 §7.3.1.3). */
const gatheringPatienceMs = 300;

/** The WebRTC side of one call, in the shape sip.js asks for: one audio stream each way and a data channel. */
export class MediaHandler implements SessionDescriptionHandler {
  readonly connection: RTCPeerConnection;
  watcher: CallMediaWatcher | undefined;
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
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'connected') this.watcher?.onConnected();
      else if (connection.connectionState === 'failed') this.watcher?.onFailed();
    };
    connection.ondatachannel = ({ channel }) => this.listen(channel);
  }

  /** What the browser inserts digits with. */
  get digitSender(): RTCDTMFSender | undefined {
    return this.audioSender()?.dtmf ?? undefined;
  }

  /** What the far side described of itself. */
  get farDescription(): string | undefined {
    return this.connection.remoteDescription?.sdp;
  }

  /** An offer, or the answer to what `setDescription` was given. */
  async getDescription(options?: CallMediaOptions): Promise<BodyAndContentType> {
    const { connection } = this;
    const track = options?.microphone?.getAudioTracks()[0];
    if (track !== undefined && this.audioSender() === undefined) connection.addTrack(track);
    if (this.channel === undefined && (connection.signalingState === 'stable' || this.farDescription?.includes('m=application') === true)) {
      this.listen(connection.createDataChannel(channelLabel));
    }
    if (options?.iceRestart === true) connection.restartIce();
    await connection.setLocalDescription();
    await this.candidateGathered();
    return { body: connection.localDescription?.sdp ?? '', contentType: 'application/sdp' };
  }

  async setDescription(sdp: string): Promise<void> {
    const type = this.connection.signalingState === 'have-local-offer' ? 'answer' : 'offer';
    await this.connection.setRemoteDescription({ type, sdp });
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

  private audioSender(): RTCRtpSender | undefined {
    return this.connection.getSenders().find((one) => one.track?.kind === 'audio');
  }

  private listen(channel: RTCDataChannel): void {
    this.channel = channel;
    channel.onmessage = ({ data }) => this.watcher?.onMessage(data);
  }

  private candidateGathered(): Promise<void> {
    const { connection } = this;
    const enough = (): boolean => connection.iceGatheringState === 'complete' || / typ host/.test(connection.localDescription?.sdp ?? '');
    return new Promise((resolve) => {
      const look = (): void => {
        if (!enough()) return;
        clearTimeout(timer);
        connection.removeEventListener('icecandidate', look);
        connection.removeEventListener('icegatheringstatechange', look);
        resolve();
      };
      const timer = setTimeout(() => {
        connection.removeEventListener('icecandidate', look);
        connection.removeEventListener('icegatheringstatechange', look);
        resolve();
      }, gatheringPatienceMs);
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
