/**
 * A bound UDP socket for media. Addresses given to `send` are always literals, so the name look-up
 * that `node:dgram` makes for every datagram is answered on the spot.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export type DatagramHandler = (datagram: Buffer, remote: RemoteInfo) => void;

/** Room for a second of audio when the worker is held up. */
const receiveBufferBytes = 256 * 1024;

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;

const literal = (address: string, _options: unknown, callback: LookupCallback): void => callback(null, address, isIPv6(address) ? 6 : 4);

export class DatagramSocket {
  /** Errors of sending, such as a network that is not there. */
  sendErrors = 0;
  private open = true;

  private constructor(private readonly socket: Socket) {}

  /** Binds; undefined when the port is taken. Any other fault rejects. */
  static bind(address: string, port: number, handler: DatagramHandler): Promise<DatagramSocket | undefined> {
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', lookup: literal });
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        socket.close();
        if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
        else reject(error);
      };
      socket.once('error', onError);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.off('error', onError);
        const bound = new DatagramSocket(socket);
        socket.on('error', () => {
          bound.sendErrors += 1;
        });
        socket.on('message', handler);
        enlargeBuffer(socket);
        resolve(bound);
      });
    });
  }

  get port(): number {
    return this.open ? this.socket.address().port : 0;
  }

  /** Sends `bytes[0, length)`; never throws and never waits. */
  send(bytes: Buffer, length: number, port: number, address: string): void {
    if (!this.open) return;
    this.socket.send(bytes, 0, length, port, address, this.onSent);
  }

  close(): Promise<void> {
    if (!this.open) return Promise.resolve();
    this.open = false;
    return new Promise((resolve) => {
      this.socket.close(() => resolve());
    });
  }

  private readonly onSent = (error: Error | null): void => {
    if (error !== null) this.sendErrors += 1;
  };
}

function enlargeBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferBytes);
  } catch {
    // The system's limit is smaller; its default will do.
  }
}
