/**
 * The data channel of a browser leg: an SCTP association over DTLS (RFC 8831) and whatever channels
 * the page opens (RFC 8832), acknowledged so that the page sees them open. Text is sent on the one
 * with label `call`. Text that comes is handed on, of a page that writes too much not all of it; a page that opens
 * another one must not lose its call for it.
 */
import { Event, type RTCDataChannel, type RTCDtlsTransport, RTCSctpTransport } from 'werift';

const label = 'call';
/** Longest text that is taken, in UTF-16 units, and how often. */
const longestText = 1_024;
const textEveryMs = 1_000;
/** A page that takes nothing any more is not told more than this. */
const mostWaitingBytes = 65_536;

export interface DataChannelDeps {
  readonly send: (data: Buffer) => void;
  /** The page has opened the channel: text is taken from now on. */
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly nowMs: () => number;
}

export class DataChannelEndpoint {
  private readonly transport = new RTCSctpTransport();
  private readonly lower: LowerTransport;
  private readonly association: PacketTaker;
  private channel: RTCDataChannel | undefined;
  private closed = false;
  private textAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly deps: DataChannelDeps) {
    this.lower = new LowerTransport(deps.send);
    this.transport.setDtlsTransport(this.lower as unknown as RTCDtlsTransport);
    this.association = this.transport.sctp as unknown as PacketTaker;
    this.transport.onDataChannel.subscribe((channel) => {
      if (channel.label !== label) return;
      this.channel = channel;
      channel.stateChanged.subscribe((state) => {
        if (state === 'open' && !this.closed) deps.onOpen();
      });
      channel.onMessage.subscribe((data) => this.take(data));
    });
  }

  /** Begins to answer; the browser's INIT makes the association. */
  start(remotePort: number): void {
    void this.transport.start(remotePort).catch(() => {});
  }

  /** Takes a decrypted SCTP packet. werift's own entry lets a malformed one become an unhandled rejection, so its inner one is called. */
  receive(data: Buffer): void {
    if (this.closed) return;
    void this.association.handleData(data).catch(() => {});
  }

  private take(data: string | Buffer): void {
    const { nowMs, onText } = this.deps;
    const atMs = nowMs();
    if (this.closed || typeof data !== 'string' || data.length > longestText || atMs - this.textAtMs < textEveryMs) return;
    this.textAtMs = atMs;
    onText(data);
  }

  /** False when the page has no such channel open, or takes nothing. */
  sendText(text: string): boolean {
    const { channel } = this;
    if (this.closed || channel?.readyState !== 'open' || channel.bufferedAmount > mostWaitingBytes) return false;
    try {
      channel.send(text);
    } catch {
      // Longer than the page takes.
      return false;
    }
    return true;
  }

  close(): void {
    this.closed = true;
    void this.transport.stop().catch(() => {});
  }
}

interface PacketTaker {
  handleData(data: Buffer): Promise<void>;
}

/** What werift's SCTP asks of a DTLS transport. `controlled` makes it wait for the peer's INIT. */
class LowerTransport {
  readonly id = 'lower';
  readonly iceTransport = { role: 'controlled' };
  readonly onStateChange = new Event<[string]>();
  dataReceiver: (data: Buffer) => void = () => {};
  readonly sendData: (data: Buffer) => Promise<void>;

  constructor(send: (data: Buffer) => void) {
    this.sendData = async (data) => send(data);
  }
}
