import { GatewayError } from '../../base/errors.js';
import { decodeHeaderText, readHeaderBlock } from './header-lines.js';
import { maxBodyBytes, maxHeaderBlockBytes } from './limits.js';
import { isSipParseError } from './parse-error.js';
import { readContentLength } from './validate.js';

/** Why a stream cannot be read on: the place of the next message is unknown, so the connection must close. */
export interface SipFramingErrorInfo {
  readonly code: 'sip-framing';
  readonly why: 'header-too-large' | 'body-too-large' | 'no-content-length' | 'bad-content-length';
  /**
   * The header fields, when all of them arrived, without the empty line that would end them: never a
   * whole message, so `parseMessage` refuses it, with what it takes to answer 400 before closing.
   */
  readonly head?: Buffer;
}

/**
 * What a stream yields. A CRLF between messages is a `pong`; a second one at once makes the pair a
 * `ping` (RFC 5626 §3.5.1, §4.4.1). The first half of a ping cannot be told from a pong before the
 * second arrives, so a ping is reported as `pong`, `ping`; who awaits no pong ignores it. `broken`
 * comes last: the connection has to be closed, after an answer if `head` allows one.
 */
export type StreamItem =
  | { readonly kind: 'message'; readonly data: Buffer }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'broken'; readonly error: GatewayError<SipFramingErrorInfo> };

const carriageReturn = 13;
const lineFeed = 10;
const endOfHeaders = Buffer.from('\r\n\r\n');
const initialBytes = 4096;
/** A larger buffer is given back once its messages are out, so that one large message does not cost memory for good. */
const keptBytes = 16 * 1024;

/**
 * Cuts a TCP or TLS stream into messages by Content-Length (RFC 3261 §18.3, §20.14). The result
 * does not depend on how the stream was cut into chunks. Memory is bounded by the caps on header
 * block and body; each byte is looked at a bounded number of times.
 */
export class StreamFramer {
  private buffer: Buffer = Buffer.allocUnsafe(initialBytes);
  private start = 0;
  private end = 0;
  /** Where the search for the end of the header block goes on. */
  private scanned = 0;
  /** Whole length of the message at `start`, once its header block has been read. */
  private messageBytes: number | undefined;
  private afterLineBreak = false;
  private failure: GatewayError<SipFramingErrorInfo> | undefined;

  /** Takes the next chunk and returns what it completed, in order. Messages are copies. Nothing follows `broken`. */
  push(chunk: Buffer): readonly StreamItem[] {
    const items: StreamItem[] = [];
    if (this.failure !== undefined) return items;
    this.append(chunk);
    for (let item = this.next(); item !== undefined; item = this.next()) {
      items.push(item);
      if (item.kind === 'broken') break;
    }
    return items;
  }

  /** Bytes of a message not yet complete. */
  get pendingBytes(): number {
    return this.end - this.start;
  }

  private next(): StreamItem | undefined {
    if (this.messageBytes === undefined) {
      const first = this.byteAt(0);
      if (first === carriageReturn) {
        if (this.pendingBytes < 2) return undefined;
        if (this.byteAt(1) === lineFeed) return this.lineBreak();
      }
      const length = this.readLength();
      if (length instanceof GatewayError) return this.fail(length);
      if (length === undefined) return undefined;
      this.messageBytes = length;
    }
    if (this.pendingBytes < this.messageBytes) return undefined;
    const data = Buffer.from(this.buffer.subarray(this.start, this.start + this.messageBytes));
    this.drop(this.messageBytes);
    this.messageBytes = undefined;
    this.afterLineBreak = false;
    return { kind: 'message', data };
  }

  private lineBreak(): StreamItem {
    this.drop(2);
    this.afterLineBreak = !this.afterLineBreak;
    return { kind: this.afterLineBreak ? 'pong' : 'ping' };
  }

  /** Length of the message at `start`; undefined while its header block is not complete. */
  private readLength(): number | undefined | GatewayError<SipFramingErrorInfo> {
    const at = this.buffer.subarray(0, this.end).indexOf(endOfHeaders, this.scanned);
    const headerBytes = (at < 0 ? this.end : at) - this.start;
    if (headerBytes > maxHeaderBlockBytes) return framingError('header-too-large');
    if (at < 0) {
      this.scanned = Math.max(this.start, this.end - (endOfHeaders.length - 1));
      return undefined;
    }
    const head = Buffer.from(this.buffer.subarray(this.start, at));
    const length = contentLengthOf(head);
    if (length === undefined) return framingError('no-content-length', head);
    if (length === 'malformed') return framingError('bad-content-length', head);
    return length > maxBodyBytes ? framingError('body-too-large', head) : headerBytes + endOfHeaders.length + length;
  }

  private fail(error: GatewayError<SipFramingErrorInfo>): StreamItem {
    this.failure = error;
    this.buffer = Buffer.alloc(0);
    this.start = this.end = 0;
    return { kind: 'broken', error };
  }

  private byteAt(offset: number): number | undefined {
    return this.start + offset < this.end ? this.buffer[this.start + offset] : undefined;
  }

  private drop(bytes: number): void {
    this.start += bytes;
    if (this.start === this.end) this.start = this.end = 0;
    if (this.end === 0 && this.buffer.length > keptBytes) this.buffer = Buffer.allocUnsafe(initialBytes);
    this.scanned = this.start;
  }

  private append(chunk: Buffer): void {
    if (this.end + chunk.length > this.buffer.length) this.makeRoom(chunk.length);
    chunk.copy(this.buffer, this.end);
    this.end += chunk.length;
  }

  /** Moves what is pending to the front, into a larger buffer when it would still not fit. */
  private makeRoom(bytes: number): void {
    const needed = this.pendingBytes + bytes;
    const size = needed > this.buffer.length / 2 ? Math.max(needed, this.buffer.length * 2) : this.buffer.length;
    const target = size === this.buffer.length ? this.buffer : Buffer.allocUnsafe(size);
    this.buffer.copy(target, 0, this.start, this.end);
    this.scanned -= this.start;
    this.end -= this.start;
    this.start = 0;
    this.buffer = target;
  }
}

function framingError(why: SipFramingErrorInfo['why'], head?: Buffer): GatewayError<SipFramingErrorInfo> {
  return new GatewayError<SipFramingErrorInfo>(
    { code: 'sip-framing', why, ...(head === undefined ? {} : { head }) },
    `SIP stream cannot be cut into messages: ${why}`,
  );
}

/** Reads the header block as the parser does, so that both agree on where the message ends. */
function contentLengthOf(head: Buffer): number | undefined | 'malformed' {
  const { headers } = readHeaderBlock(decodeHeaderText(head));
  try {
    return readContentLength(headers);
  } catch (thrown) {
    if (isSipParseError(thrown)) return 'malformed';
    throw thrown;
  }
}
