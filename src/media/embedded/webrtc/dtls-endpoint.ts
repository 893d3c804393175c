/**
 * The DTLS side of a browser leg: werift's handshake as server (`a=setup:passive`, so that the browser
 * starts at once), with what it leaves open closed here: the client is proved before any key is used,
 * records in clear are ignored once the handshake is over (no renegotiation, RFC 8827 §6.5), alerts
 * are read, and close_notify is sent. The server stands from the first moment, so a ClientHello that
 * comes before the browser's SDP finds somebody in; only the proof waits for the fingerprints.
 */
import { DtlsServer } from 'werift';
import { messageOf } from '../../../base/errors.js';
import type { SrtpMasterKey } from '../srtp/key-derivation.js';
import type { DtlsCertificate } from './certificate.js';
import { type ExpectedFingerprint, type HandshakeMessage, proveClient } from './handshake-proof.js';

export interface SrtpKeyPair {
  readonly local: SrtpMasterKey;
  readonly remote: SrtpMasterKey;
}

export interface DtlsHandlers {
  readonly send: (bytes: Buffer) => void;
  /** The client is proved; media may flow. Once. */
  readonly onUp: (keys: SrtpKeyPair) => void;
  readonly onFailed: (cause: 'dtls-failed' | 'fingerprint-mismatch', detail: string) => void;
  /** The peer said goodbye. Only after `onUp`. */
  readonly onClosed: (detail: string) => void;
  /** Application data: SCTP. */
  readonly onData: (data: Buffer) => void;
}

const aes128CmSha1Tag80 = 0x0001;
const recordHeaderBytes = 13;
const contentType = { alert: 21 } as const;
const fatalLevel = 2;
const closeNotify = 0;
/** Past every flight: ends werift's retransmission loop at its next turn. */
const pastEveryFlight = 99;

type State = 'handshake' | 'finished' | 'up' | 'closed';

export class DtlsEndpoint {
  private state: State = 'handshake';
  private expected: readonly ExpectedFingerprint[] | undefined;
  private readonly server: DtlsServer;
  private readonly pipe: RecordPipe;

  constructor(
    certificate: DtlsCertificate,
    private readonly handlers: DtlsHandlers,
  ) {
    this.pipe = new RecordPipe(handlers.send);
    this.server = new DtlsServer({
      cert: certificate.certPem,
      key: certificate.keyPem,
      signatureHash: certificate.signatureHash,
      transport: this.pipe,
      srtpProfiles: [aes128CmSha1Tag80],
      extendedMasterSecret: true,
      certificateRequest: true,
    });
    this.server.onConnect.subscribe(() => this.onFinished());
    this.server.onError.subscribe((error) => this.fail('dtls-failed', messageOf(error)));
    this.server.onData.subscribe((data) => {
      if (this.state === 'up') this.handlers.onData(data);
    });
  }

  /** The fingerprints of the peer's SDP; the proof is made as soon as both they and the handshake are there. */
  expect(fingerprints: readonly ExpectedFingerprint[]): void {
    this.expected = fingerprints;
    if (this.state === 'finished') this.prove();
  }

  /** Takes a datagram of one or more records from an address that ICE knows. */
  receive(datagram: Buffer): void {
    let at = 0;
    while (at + recordHeaderBytes <= datagram.length && this.state !== 'closed') {
      const end = at + recordHeaderBytes + datagram.readUInt16BE(at + 11);
      if (end > datagram.length) return;
      this.receiveRecord(datagram.subarray(at, end));
      at = end;
    }
  }

  sendData(data: Buffer): void {
    if (this.state !== 'up') return;
    this.server.send(data).catch((error: unknown) => this.handlers.onClosed(messageOf(error)));
  }

  /** Says close_notify where there is somebody to hear it, and frees what werift holds. */
  close(): void {
    if (this.state === 'closed') return;
    if (this.state === 'up' || this.state === 'finished') this.sendAlert(1, closeNotify);
    this.state = 'closed';
    this.pipe.closed = true;
    this.server.dtls.flight = pastEveryFlight;
    this.server.onConnect.complete();
    this.server.onData.complete();
    this.server.onError.complete();
    this.server.onClose.complete();
  }

  private receiveRecord(record: Buffer): void {
    const encrypted = record.readUInt16BE(3) > 0;
    const over = this.state === 'finished' || this.state === 'up';
    if (over && !encrypted) return;
    if (record[0] === contentType.alert) this.receiveAlert(record, encrypted);
    else this.pipe.onData(record);
  }

  private receiveAlert(record: Buffer, encrypted: boolean): void {
    const plain = encrypted ? this.decrypt(record) : record.subarray(recordHeaderBytes);
    if (plain === undefined || plain.length !== 2) return;
    const description = plain[1] ?? 0;
    if (description !== closeNotify && plain[0] !== fatalLevel) return;
    if (this.state === 'up') {
      this.state = 'finished';
      this.handlers.onClosed(description === closeNotify ? 'the browser closed DTLS' : `the browser sent DTLS alert ${description}`);
    } else if (this.state === 'handshake') {
      this.fail('dtls-failed', `the browser sent DTLS alert ${description}`);
    }
  }

  private onFinished(): void {
    if (this.state !== 'handshake') return;
    this.state = 'finished';
    if (this.expected !== undefined) this.prove();
  }

  private prove(): void {
    if (this.server.srtp.srtpProfile !== aes128CmSha1Tag80) {
      this.fail('dtls-failed', 'the browser takes no SRTP profile of ours');
      return;
    }
    const result = this.proofOf(this.expected ?? []);
    if (result === 'proved') {
      this.state = 'up';
      const keys = this.server.extractSessionKeys(16, 14);
      this.handlers.onUp({ local: { key: keys.localKey, salt: keys.localSalt }, remote: { key: keys.remoteKey, salt: keys.remoteSalt } });
    } else if (result === 'fingerprint-mismatch') {
      this.fail('fingerprint-mismatch', 'the certificate in DTLS is not the one named in the SDP');
    } else {
      this.fail('dtls-failed', 'the peer did not prove that it holds the key of its certificate');
    }
  }

  private proofOf(expected: readonly ExpectedFingerprint[]) {
    try {
      return proveClient(this.transcript(), this.server.cipher.masterSecret, expected);
    } catch {
      // A certificate that cannot be read proves nothing.
      return 'not-proved';
    }
  }

  private transcript(): HandshakeMessage[] {
    return this.server.dtls.sortedHandshakeCache.map((message) => ({
      type: message.msg_type,
      body: message.fragment,
      bytes: message.serialize(),
    }));
  }

  private fail(cause: 'dtls-failed' | 'fingerprint-mismatch', detail: string): void {
    if (this.state === 'closed' || this.state === 'up') return;
    this.close();
    this.handlers.onFailed(cause, detail);
  }

  private decrypt(record: Buffer): Buffer | undefined {
    try {
      return this.server.cipher.decryptPacket(
        asPlaintext(record[0] ?? 0, record.readUInt16BE(3), record.readUIntBE(5, 6), record.subarray(recordHeaderBytes)),
      );
    } catch {
      return undefined;
    }
  }

  private sendAlert(level: number, description: number): void {
    const sequence = this.server.dtls.recordSequenceNumber + 1;
    this.server.dtls.recordSequenceNumber = sequence;
    const { fragment } = this.server.cipher.encryptPacket(asPlaintext(contentType.alert, 1, sequence, Buffer.from([level, description])));
    const record = Buffer.alloc(recordHeaderBytes + fragment.length);
    record.writeUInt8(contentType.alert, 0);
    record.writeUInt16BE(0xfefd, 1);
    record.writeUInt16BE(1, 3);
    record.writeUIntBE(sequence, 5, 6);
    record.writeUInt16BE(fragment.length, 11);
    fragment.copy(record, recordHeaderBytes);
    this.handlers.send(record);
  }
}

type Plaintext = Parameters<DtlsServer['cipher']['encryptPacket']>[0];

/** werift's record class is not exported; its cipher reads these fields alone. */
function asPlaintext(type: number, epoch: number, sequenceNumber: number, fragment: Buffer): Plaintext {
  const recordLayerHeader = {
    contentType: type,
    protocolVersion: { major: 0xfe, minor: 0xfd },
    epoch,
    sequenceNumber,
    contentLen: fragment.length,
  };
  return { recordLayerHeader, fragment } as unknown as Plaintext;
}

/** What werift takes for a socket: records go in by `onData`, datagrams come out by `send`. */
class RecordPipe {
  readonly type = 'udp';
  readonly address = { address: '0.0.0.0', family: 'IPv4', port: 0 };
  closed = false;
  onData: (data: Buffer) => void = () => {};

  constructor(private readonly write: (bytes: Buffer) => void) {}

  readonly send = async (bytes: Buffer): Promise<void> => {
    if (!this.closed) this.write(bytes);
  };

  readonly close = async (): Promise<void> => {
    this.closed = true;
  };
}
