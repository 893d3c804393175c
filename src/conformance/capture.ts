/** An RTP packet that came out of the gateway. */
export interface HeardPacket {
  readonly atMs: number;
  readonly kind: 'audio' | 'event' | 'other';
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly ssrc: number;
  readonly payload: Buffer;
  /** Of audio in G.711: there is a sound in it, not only silence. */
  readonly sounds: boolean;
  /** We were not looking when it came: `atMs` may be too late, and says nothing of the gateway's timing. */
  readonly waited?: boolean;
}

/** One telephone-event packet that came out: its first event, opened. */
export interface HeardEvent extends HeardPacket {
  readonly event: number;
  readonly end: boolean;
  readonly reserved: boolean;
  readonly durationUnits: number;
}

const EVENT_BYTES = 4;

/** The telephone-events among these packets, in order of arrival; payloads without a whole event are left out. */
export function eventsIn(packets: readonly HeardPacket[]): readonly HeardEvent[] {
  return packets.flatMap((packet) => {
    const { kind, payload } = packet;
    if (kind !== 'event' || payload.length < EVENT_BYTES) return [];
    const flags = payload.readUInt8(1);
    const event = payload.readUInt8(0);
    return [{ ...packet, event, end: (flags & 0x80) !== 0, reserved: (flags & 0x40) !== 0, durationUnits: payload.readUInt16BE(2) }];
  });
}

/** Event packets as lines for a person, times from `startMs` on. */
export function traceOf(packets: readonly HeardPacket[], startMs: number): readonly string[] {
  return eventsIn(packets).map(({ atMs, sequence, timestamp, marker, payload, waited }) => {
    const flags = `${marker ? ' marker' : ''}${waited === true ? ' read-late' : ''}`;
    return `${(atMs - startMs).toFixed(1)} ms sequence ${sequence} timestamp ${timestamp}${flags} ${payload.toString('hex')}`;
  });
}
