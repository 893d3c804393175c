/**
 * The data channel of a browser leg: an SCTP association over DTLS (RFC 8831) and whatever channels
 * the page opens (RFC 8832), acknowledged so that the page sees them open. Nothing is made of the
 * messages; a page that opens one must not lose its call for it.
 */
import { Event, type RTCDtlsTransport, RTCSctpTransport } from 'werift';

export interface DataChannelDeps {
  readonly send: (data: Buffer) => void;
}

export class DataChannelEndpoint {
  private readonly transport = new RTCSctpTransport();
  private readonly lower: LowerTransport;
  private readonly association: PacketTaker;
  private closed = false;

  constructor(deps: DataChannelDeps) {
    this.lower = new LowerTransport(deps.send);
    this.transport.setDtlsTransport(this.lower as unknown as RTCDtlsTransport);
    this.association = this.transport.sctp as unknown as PacketTaker;
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
