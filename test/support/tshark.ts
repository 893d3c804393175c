import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { Child } from './child.js';
import { eventuallyTrue } from './eventually.js';
import { freePort } from './free-ports.js';
import { peerPath } from './programs.js';
import { decodeG711, type Sound } from './tones.js';

/** One RTP packet as tshark reads it; the event fields are there for telephone-event (RFC 4733). */
export interface CapturedRtp {
  readonly atMs: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: string;
  readonly payload: Buffer;
  readonly event?: { readonly id: number; readonly end: boolean; readonly duration: number };
}

/** A key press put together from its packets: same source, same timestamp (RFC 4733 §2.5.2.2). */
export interface CapturedKey {
  readonly digit: string;
  readonly timestamp: number;
  readonly packets: readonly CapturedRtp[];
  readonly endPackets: readonly CapturedRtp[];
  readonly duration: number;
}

const fields = [
  'frame.time_epoch',
  'udp.srcport',
  'udp.dstport',
  'rtp.p_type',
  'rtp.marker',
  'rtp.seq',
  'rtp.timestamp',
  'rtp.ssrc',
  'rtp.payload',
  'rtpevent.event_id',
  'rtpevent.end_of_event',
  'rtpevent.duration',
] as const;

/** dumpcap on the loopback interface; what it wrote is read back with tshark. */
export class Capture {
  private constructor(
    private readonly child: Child,
    private readonly file: string,
    private readonly markerPort: number,
  ) {}

  /** Captures UDP of `ports` only. Resolves when packets are known to reach the file. */
  static async start(file: string, ports: readonly (number | readonly [number, number])[]): Promise<Capture> {
    const markerPort = await freePort();
    const filter = [...ports, markerPort]
      .map((port) => (typeof port === 'number' ? `udp port ${port}` : `udp portrange ${port[0]}-${port[1]}`))
      .join(' or ');
    const child = new Child({ command: peerPath('dumpcap'), args: ['-q', '-P', '-i', 'lo', '-f', filter, '-w', file] });
    const capture = new Capture(child, file, markerPort);
    await capture.reaches('capture-begins');
    return capture;
  }

  /** Ends the capture after everything sent before this call is in the file. */
  async stop(): Promise<void> {
    if (this.child.exit !== undefined) return;
    await this.reaches('capture-ends');
    await this.child.stop('SIGINT');
  }

  /** Frees the program, whatever it has seen. */
  async dispose(): Promise<void> {
    if (this.child.exit === undefined) await this.child.stop('SIGINT');
  }

  private async reaches(marker: string): Promise<void> {
    const socket = createSocket('udp4');
    try {
      await eventuallyTrue(
        () => {
          socket.send(marker, this.markerPort, '127.0.0.1');
          return this.child.exit !== undefined || readFileSync(this.file).includes(marker);
        },
        { what: `dumpcap wrote "${marker}"`, withinMs: 15_000, explain: () => this.child.describe() },
      );
    } finally {
      socket.close();
    }
    if (this.child.exit !== undefined) throw new Error(`dumpcap ended early\n${this.child.describe()}`);
  }

  /** RTP sent to a port of `[first, last]`, in order of arrival. `eventTypes` are the telephone-event payload types. */
  rtpTo([first, last]: readonly [number, number], eventType: number): CapturedRtp[] {
    const text = execFileSync(
      peerPath('tshark'),
      [
        '-r',
        this.file,
        '-d',
        `udp.port==${first}-${last},rtp`,
        '-o',
        `rtpevent.event_payload_type_value:${eventType}`,
        '-Y',
        `rtp and udp.dstport >= ${first} and udp.dstport <= ${last}`,
        '-T',
        'fields',
        '-E',
        'separator=/t',
        '-E',
        'occurrence=f',
        ...fields.flatMap((field) => ['-e', field]),
      ],
      { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map(rtpOfLine);
  }
}

const truth = (text: string | undefined): boolean => text === '1' || text === 'True';

function rtpOfLine(line: string): CapturedRtp {
  const [epoch, from, to, type, marker, sequence, timestamp, ssrc, payload, id, end, duration] = line.split('\t');
  const event = id === undefined || id === '' ? undefined : { id: Number(id), end: truth(end), duration: Number(duration) };
  return {
    atMs: Number(epoch) * 1000,
    sourcePort: Number(from),
    destinationPort: Number(to),
    payloadType: Number(type),
    marker: truth(marker),
    sequence: Number(sequence),
    timestamp: Number(timestamp),
    ssrc: ssrc ?? '',
    payload: Buffer.from((payload ?? '').replaceAll(':', ''), 'hex'),
    ...(event === undefined ? {} : { event }),
  };
}

/** Key presses in order of their first packet. */
export function keysOf(packets: readonly CapturedRtp[]): CapturedKey[] {
  const groups = new Map<string, CapturedRtp[]>();
  for (const packet of packets) {
    if (packet.event === undefined) continue;
    const key = `${packet.ssrc}/${packet.timestamp}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [packet]);
    else group.push(packet);
  }
  return [...groups.values()].map((group) => ({
    digit: '0123456789*#ABCD'.charAt(group[0]?.event?.id ?? 99),
    timestamp: group[0]?.timestamp ?? 0,
    packets: group,
    endPackets: group.filter((packet) => packet.event?.end === true),
    duration: Math.max(...group.map((packet) => packet.event?.duration ?? 0)),
  }));
}

/** The G.711 audio of a stream as heard: packets one after another in the order they came. */
export function audioOf(packets: readonly CapturedRtp[]): Sound {
  const parts = packets
    .filter((packet) => packet.event === undefined && (packet.payloadType === 0 || packet.payloadType === 8))
    .map((packet) => decodeG711(packet.payload, packet.payloadType));
  const samples = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return { rateHz: 8_000, samples };
}
