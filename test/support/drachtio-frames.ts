import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';

/** One message of the drachtio wire protocol: `<byte length>#<id>|<type>|…`, SIP text after the first CRLF. */
export interface Frame {
  readonly id: string;
  readonly tokens: readonly string[];
  /** What follows the first line. */
  readonly text: string;
}

/** Cuts a byte stream into frames; throws on a length that is none. */
export class FrameReader {
  private buffered = Buffer.alloc(0);

  push(data: Buffer): Frame[] {
    this.buffered = Buffer.concat([this.buffered, data]);
    const frames: Frame[] = [];
    for (;;) {
      const hash = this.buffered.indexOf('#');
      if (hash < 0) {
        if (this.buffered.length > 6) throw new Error('no length specifier');
        return frames;
      }
      const length = this.buffered.toString('latin1', 0, hash);
      if (!/^\d{1,5}$/.test(length)) throw new Error('bad length specifier');
      const end = hash + 1 + Number(length);
      if (this.buffered.length < end) return frames;
      frames.push(readFrame(this.buffered.toString('utf8', hash + 1, end)));
      this.buffered = this.buffered.subarray(end);
    }
  }
}

function readFrame(payload: string): Frame {
  const end = payload.indexOf('\r\n');
  const [id = '', ...tokens] = (end < 0 ? payload : payload.slice(0, end)).split('|');
  return { id, tokens, text: end < 0 ? '' : payload.slice(end + 2) };
}

/** Writes one frame with an id of its own. */
export function writeFrame(socket: Socket, tokens: readonly string[], text?: string): void {
  if (socket.destroyed) return;
  const payload = `${[randomUUID(), ...tokens].join('|')}${text === undefined ? '' : `\r\n${text}`}`;
  socket.write(`${Buffer.byteLength(payload)}#${payload}`);
}
