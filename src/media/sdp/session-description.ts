import { type MediaDescription, parse, type SessionDescription } from 'sdp-transform';
import type { Fingerprint, SdpDirection } from './negotiated-audio.js';
import { malformedSdp } from './sdp-error.js';

/** One `a=rtpmap` (RFC 8866 §6.6). */
export interface RtpMap {
  readonly payloadType: number;
  readonly name: string;
  readonly clockRateHz: number;
}

/** One `m=` section; attributes that it inherits from the session are filled in (RFC 8866 §5.13). */
export interface SdpSection {
  readonly kind: string;
  readonly port: number;
  readonly protocol: string;
  /** As they stand on the `m=` line, in order. */
  readonly formats: readonly string[];
  readonly connectionAddress?: string;
  readonly direction: SdpDirection;
  readonly mid?: string;
  readonly rtpMaps: readonly RtpMap[];
  readonly formatParameters: readonly { readonly payloadType: number; readonly parameters: string }[];
  readonly ptimeMs?: number;
  /** `a=rtcp` (RFC 3605). */
  readonly rtcp?: { readonly port: number; readonly address?: string };
  readonly rtcpMux: boolean;
  readonly bundleOnly: boolean;
  readonly iceUsernameFragment?: string;
  readonly icePassword?: string;
  readonly candidates: readonly string[];
  readonly endOfCandidates: boolean;
  readonly fingerprints: readonly Fingerprint[];
  readonly setup?: string;
  readonly sctpPort?: number;
  readonly maxMessageSize?: number;
}

export interface SdpSession {
  /** Both as text: they may exceed what a number holds (RFC 8866 §5.2). */
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly iceLite: boolean;
  /** `mid`s of the first `a=group:BUNDLE` (RFC 9143 §7.1); empty without. */
  readonly bundle: readonly string[];
  readonly sections: readonly SdpSection[];
}

const MAX_BYTES = 65_536;
const MAX_SECTIONS = 64;
const ORIGIN = /^o=\S+ (\d+) (\d+) IN IP[46] \S+\s*$/;
const CONNECTION = /^c=IN IP[46] \S+\s*$/;
const MEDIA = /^m=([\w-]+) (\d{1,5})(?:\/\d+)? (\S+) (\S.*?)\s*$/;
const DIRECTIONS: readonly string[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

/**
 * Reads a session description (RFC 8866). Throws `GatewayError` `sdp-malformed` when its structure is broken;
 * attributes that make no sense are passed over.
 */
export function parseSdp(text: string): SdpSession {
  const { head, blocks } = splitLines(text);
  const origin = head.map((line) => ORIGIN.exec(line)).find((match) => match !== null);
  if (head[0] !== 'v=0') throw malformedSdp('it does not begin with v=0');
  if (origin === undefined || origin === null) throw malformedSdp('its o= line is missing or cannot be read');
  if (blocks.length > MAX_SECTIONS) throw malformedSdp(`it has more than ${MAX_SECTIONS} m= lines`);
  const session = parse(text);
  return {
    sessionId: group(origin, 1),
    sessionVersion: group(origin, 2),
    iceLite: session.icelite !== undefined,
    bundle: bundleOf(session),
    sections: blocks.map((lines, index) => sectionOf(lines, session.media[index], head, session)),
  };
}

/** Lines of the session part, then of each section. */
function splitLines(text: string): { readonly head: readonly string[]; readonly blocks: readonly (readonly string[])[] } {
  if (text.length > MAX_BYTES) throw malformedSdp(`it is longer than ${MAX_BYTES} characters`);
  const head: string[] = [];
  const blocks: string[][] = [];
  let current = head;
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line.trim() === '') continue;
    if (!/^[a-z]=/.test(line)) throw malformedSdp('a line is not of the form x=…');
    if (line.startsWith('m=')) {
      current = [];
      blocks.push(current);
    }
    if (line.startsWith('c=') && !CONNECTION.test(line)) throw malformedSdp('a c= line cannot be read');
    current.push(line);
  }
  return { head, blocks };
}

function bundleOf(session: SessionDescription): readonly string[] {
  const bundle = session.groups?.find(({ type }) => type === 'BUNDLE');
  return String(bundle?.mids ?? '')
    .split(' ')
    .filter((mid) => mid !== '');
}

function sectionOf(
  lines: readonly string[],
  media: MediaDescription | undefined,
  head: readonly string[],
  session: SessionDescription,
): SdpSection {
  const line = MEDIA.exec(lines.slice(0, 1).join());
  if (line === null || media === undefined || Number(line[2]) > 65535) throw malformedSdp('an m= line cannot be read');
  const own = fingerprintsOf(lines);
  const direction = directionOf(lines) ?? directionOf(head) ?? 'sendrecv';
  const connectionAddress = text(media.connection?.ip ?? session.connection?.ip)?.split('/')[0];
  return {
    kind: group(line, 1),
    port: Number(line[2]),
    protocol: group(line, 3),
    formats: group(line, 4).split(/\s+/),
    direction,
    rtpMaps: rtpMapsOf(media),
    formatParameters: media.fmtp.map(({ payload, config }) => ({ payloadType: Number(payload), parameters: String(config) })),
    rtcpMux: lines.includes('a=rtcp-mux'),
    bundleOnly: lines.includes('a=bundle-only'),
    candidates: valuesOf(lines, 'candidate'),
    endOfCandidates: lines.includes('a=end-of-candidates') || head.includes('a=end-of-candidates'),
    fingerprints: own.length > 0 ? own : fingerprintsOf(head),
    ...optional('connectionAddress', connectionAddress),
    ...optional('mid', text(media.mid)),
    ...optional('ptimeMs', positive(media.ptime)),
    ...optional('rtcp', rtcpOf(media)),
    ...optional('iceUsernameFragment', text(media.iceUfrag ?? session.iceUfrag)),
    ...optional('icePassword', text(media.icePwd ?? session.icePwd)),
    ...optional('setup', text(media.setup ?? session.setup)?.toLowerCase()),
    ...optional('sctpPort', positive(media.sctpPort)),
    ...optional('maxMessageSize', media.maxMessageSize === undefined ? undefined : Number(media.maxMessageSize)),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]: V });
}

function group(match: RegExpExecArray, index: number): string {
  return match[index] ?? '';
}

/** The parser hands out texts of digits as numbers. */
function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value).trim();
}

function positive(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? number : undefined;
}

function directionOf(lines: readonly string[]): SdpDirection | undefined {
  const line = lines.find((candidate) => candidate.startsWith('a=') && DIRECTIONS.includes(candidate.slice(2).trim()));
  return line?.slice(2).trim() as SdpDirection | undefined;
}

function valuesOf(lines: readonly string[], attribute: string): readonly string[] {
  const prefix = `a=${attribute}:`;
  return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length).trim());
}

/** All of them; a certificate has to match one (RFC 8122 §5). */
function fingerprintsOf(lines: readonly string[]): readonly Fingerprint[] {
  return valuesOf(lines, 'fingerprint').flatMap((value) => {
    const match = /^([\w-]+)\s+([0-9a-f]{2}(?::[0-9a-f]{2})+)$/i.exec(value);
    return match === null ? [] : [{ algorithm: group(match, 1).toLowerCase(), value: group(match, 2).toUpperCase() }];
  });
}

function rtpMapsOf(media: MediaDescription): readonly RtpMap[] {
  return media.rtp.map(({ payload, codec, rate }) => ({
    payloadType: Number(payload),
    name: String(codec).toLowerCase(),
    clockRateHz: Number(rate ?? 0),
  }));
}

function rtcpOf(media: MediaDescription): SdpSection['rtcp'] {
  const port = positive(media.rtcp?.port);
  return port === undefined ? undefined : { port, ...optional('address', text(media.rtcp?.address)) };
}
