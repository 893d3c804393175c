import { execFileSync } from 'node:child_process';
import { peerPath } from './programs.js';

/** A telephone-event packet in the words of Wireshark's dissectors. */
export interface DissectedEvent {
  readonly atMs: number;
  readonly destinationPort: number;
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly event: number;
  readonly end: boolean;
  readonly reserved: boolean;
  readonly volume: number;
  readonly duration: number;
}

const fields = [
  'frame.time_epoch',
  'udp.dstport',
  'rtp.p_type',
  'rtp.marker',
  'rtp.seq',
  'rtp.timestamp',
  'rtp.ssrc',
  'rtpevent.event_id',
  'rtpevent.end_of_event',
  'rtpevent.reserved',
  'rtpevent.volume',
  'rtpevent.duration',
] as const;

/** Every event with that payload type that was sent to a port from `first` to `last`, in the order captured. */
export function dissectEvents(file: string, [first, last]: readonly [number, number], eventType: number): readonly DissectedEvent[] {
  const text = execFileSync(
    peerPath('tshark'),
    [
      '-r',
      file,
      '-d',
      `udp.port==${first}-${last},rtp`,
      '-o',
      `rtpevent.event_payload_type_value:${eventType}`,
      '-Y',
      'rtpevent',
      '-T',
      'fields',
      ...fields.flatMap((field) => ['-e', field]),
    ],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(eventOfLine)
    .filter(({ destinationPort }) => destinationPort >= first && destinationPort <= last);
}

/** A press in Wireshark's words: what shares a start. */
export interface DissectedPress {
  readonly digit: string;
  readonly durationMs: number;
}

/** Presses at 8 kHz in order of their first packets. */
export function dissectPresses(events: readonly DissectedEvent[]): readonly DissectedPress[] {
  const starts = new Map<string, DissectedEvent[]>();
  for (const event of events) {
    const start = `${event.ssrc} ${event.timestamp}`;
    starts.set(start, [...(starts.get(start) ?? []), event]);
  }
  return [...starts.values()].map((packets) => ({
    digit: '0123456789*#ABCD'.charAt(packets[0]?.event ?? 16),
    durationMs: Math.max(...packets.map(({ duration }) => duration)) / 8,
  }));
}

const truth = (text: string | undefined): boolean => text === '1' || text === 'True';

function eventOfLine(line: string): DissectedEvent {
  const [epoch, port, type, marker, sequence, timestamp, ssrc, event, end, reserved, volume, duration] = line.split('\t');
  return {
    atMs: Number(epoch) * 1000,
    destinationPort: Number(port),
    payloadType: Number(type),
    marker: truth(marker),
    sequence: Number(sequence),
    timestamp: Number(timestamp),
    ssrc: Number(ssrc),
    event: Number(event),
    end: truth(end),
    reserved: truth(reserved),
    volume: Number(volume),
    duration: Number(duration),
  };
}
