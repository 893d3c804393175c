/** Bytes of one event in a payload (RFC 4733 §2.3). */
export const TELEPHONE_EVENT_BYTES = 4;
/** The longest duration one segment can say (RFC 4733 §2.5.1.3). */
export const MAX_SEGMENT_UNITS = 0xffff;
/** Level the gateway's own events carry, −10 dBm0: what equipment in the field sends. */
export const DEFAULT_VOLUME = 10;
const MAX_VOLUME = 63;

/**
 * One event of a telephone-event payload, a reusable view.
 *
 * ```
 * |     event     |E|R| volume    |          duration             |
 * ```
 */
export class TelephoneEvent {
  event = 0;
  /** The E bit: the event has ended (RFC 4733 §2.3.2). */
  end = false;
  /** dBm0 with the sign dropped, 0 loudest … 63 (RFC 4733 §2.3.4). */
  volume = 0;
  /** In units of the payload type's clock (RFC 4733 §2.3.5). */
  duration = 0;

  /** Reads the event at `offset`; the R bit is ignored (RFC 4733 §2.3.3). False when there are not four bytes. */
  read(buffer: Buffer, offset: number, end: number): boolean {
    if (offset + TELEPHONE_EVENT_BYTES > end || end > buffer.length) return false;
    const flags = buffer.readUInt8(offset + 1);
    this.event = buffer.readUInt8(offset);
    this.end = (flags & 0x80) !== 0;
    this.volume = flags & 0x3f;
    this.duration = buffer.readUInt16BE(offset + 2);
    return true;
  }
}

/** Writes one event with R = 0 and the volume clamped to 0…63; returns the bytes written. */
export function writeTelephoneEvent(buffer: Buffer, offset: number, event: number, end: boolean, volume: number, duration: number): number {
  const level = Math.max(0, Math.min(MAX_VOLUME, Math.round(volume)));
  buffer.writeUInt8(event & 0xff, offset);
  buffer.writeUInt8((end ? 0x80 : 0) | level, offset + 1);
  buffer.writeUInt16BE(Math.max(0, Math.min(MAX_SEGMENT_UNITS, duration)), offset + 2);
  return TELEPHONE_EVENT_BYTES;
}
