/** A session description (RFC 8866) in words, for people who answer for a gateway and do not read SDP. */

/** What is told of one description. */
export interface SdpPicture {
  readonly codecs: readonly string[];
  readonly keys: string | undefined;
  readonly direction: string;
  readonly protection: string;
  readonly address: string;
  readonly disabled: boolean;
  readonly channel: boolean;
  /** ICE username: another one is an ICE restart (RFC 8839 §4.4.1.1.1). */
  readonly iceUser: string | undefined;
  readonly setup: string | undefined;
}

const staticNames: Readonly<Record<string, string>> = {
  '0': 'PCMU/8000',
  '8': 'PCMA/8000',
  '9': 'G722/8000',
  '18': 'G729/8000',
  '13': 'CN/8000',
};
const spokenCodecs: Readonly<Record<string, string>> = {
  PCMU: 'G.711 µ-law',
  PCMA: 'G.711 A-law',
  G722: 'G.722',
  G729: 'G.729',
  OPUS: 'Opus',
  CN: 'comfort noise',
};
const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
const spokenDirections: Readonly<Record<string, string>> = {
  sendrecv: 'wants to send and receive',
  sendonly: 'wants to send only (hold)',
  recvonly: 'wants to receive only',
  inactive: 'wants neither to send nor to receive (hold)',
};

/** Undefined for text that is no session description with audio in it. */
export function readPicture(sdp: string): SdpPicture | undefined {
  if (!/^v=0\r?$/m.test(sdp)) return undefined;
  const [session = '', ...media] = sdp.split(/^(?=m=)/m);
  const audio = media.find((each) => each.startsWith('m=audio '));
  if (audio === undefined) return undefined;
  const both = (pattern: RegExp): string | undefined => (pattern.exec(audio) ?? pattern.exec(session))?.[1];
  const [, port = '0', profile = '', ...formats] = (/^m=([^\r\n]*)/.exec(audio)?.[1] ?? '').split(' ');
  const named = formats.map((format) => nameOf(audio, format));
  const address = both(/^c=IN IP[46] ([^\s/]+)/m) ?? '';
  const iceUser = both(/^a=ice-ufrag:([^\s]+)/m);
  const attribute =
    directions.find((each) => new RegExp(`^a=${each}\\r?$`, 'm').test(audio)) ??
    directions.find((each) => new RegExp(`^a=${each}\\r?$`, 'm').test(session));
  return {
    codecs: named.filter((name) => !isEvent(name)).map(spoken),
    keys:
      named
        .filter(isEvent)
        .map((name) => `telephone-event ${Number(name.split('/')[1] ?? 8000) / 1000} kHz`)
        .join(', ') || undefined,
    // With ICE the zero address only says that candidates are still to come (RFC 8840 §4.1.1).
    direction: address === '0.0.0.0' && iceUser === undefined ? 'inactive' : (attribute ?? 'sendrecv'),
    protection: protectionOf(profile, audio),
    address: addressOf(audio, address, port),
    disabled: port === '0',
    channel: media.some((each) => each.startsWith('m=application ')),
    iceUser,
    setup: both(/^a=setup:([^\s]+)/m),
  };
}

const isEvent = (name: string): boolean => /^telephone-event\b/i.test(name);

function nameOf(audio: string, format: string): string {
  return new RegExp(`^a=rtpmap:${format.replace(/\W/g, '')} ([^\\s]+)`, 'm').exec(audio)?.[1] ?? staticNames[format] ?? `payload ${format}`;
}

function spoken(name: string): string {
  const [codec = name, clock] = name.split('/');
  const known = spokenCodecs[codec.toUpperCase()];
  if (known !== undefined) return known;
  return clock === undefined ? codec : `${codec} ${Number(clock) / 1000} kHz`;
}

function protectionOf(profile: string, audio: string): string {
  if (profile.includes('TLS')) return 'encrypted by DTLS';
  if (profile.includes('SAVP')) return 'encrypted with keys in the description (SDES)';
  return /^a=crypto:/m.test(audio) ? 'encryption possible (SDES)' : 'not encrypted';
}

/** A browser hides its addresses by names that only its own network knows (mDNS). */
function addressOf(audio: string, address: string, port: string): string {
  const candidates = [...audio.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ (\S+) (\d+) typ (\S+)/gm)];
  if (candidates.length === 0)
    return address === '' || address === '0.0.0.0' || port === '9' ? 'no address yet' : `at ${address} port ${port}`;
  const hidden = candidates.some(([, host = '']) => host.endsWith('.local'));
  const kinds = [...new Set(candidates.map(([, , , kind = '']) => kindsOfCandidate[kind] ?? kind))];
  const open = candidates.find(([, host = '']) => !host.endsWith('.local'));
  const where = open === undefined ? 'address hidden' : `at ${open[1]} port ${open[2]}${hidden ? ' and hidden addresses' : ''}`;
  return `${where} (${kinds.join(', ')})`;
}

const kindsOfCandidate: Readonly<Record<string, string>> = {
  host: 'its own',
  srflx: 'as a STUN server sees it',
  prflx: 'as the peer sees it',
  relay: 'through a TURN server',
};

const list = (items: readonly string[]): string =>
  items.length < 2 ? (items[0] ?? 'nothing') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

/** What a description says, a sentence or two. `answer`: it answers an offer. */
export function describePicture(picture: SdpPicture, answer: boolean): readonly string[] {
  if (picture.disabled) return [`${answer ? 'refuses' : 'switches off'} the audio (port 0)`];
  const keys = picture.keys === undefined ? 'no key presses' : `key presses (${picture.keys})`;
  return [
    `${answer ? 'takes' : 'offers'} ${list([...picture.codecs, keys])}`,
    [
      spokenDirections[picture.direction] ?? picture.direction,
      picture.address,
      picture.protection,
      ...(picture.channel ? ['a data channel too'] : []),
    ].join('; '),
  ];
}

/** What has changed since the same side's description before. */
export function describeChanges(before: SdpPicture, now: SdpPicture): readonly string[] {
  const changes: string[] = [];
  const compare = (what: string, old: string, fresh: string): void => {
    if (old !== fresh) changes.push(`changed: ${what} from ${old} to ${fresh}`);
  };
  compare('formats', list(before.codecs), list(now.codecs));
  compare('key presses', before.keys ?? 'none', now.keys ?? 'none');
  compare('direction', before.direction, now.direction);
  if (before.address !== now.address) changes.push('changed: the address media goes to');
  compare('protection', before.protection, now.protection);
  if (before.iceUser !== undefined && now.iceUser !== undefined && before.iceUser !== now.iceUser) changes.push('changed: ICE starts anew');
  return changes.length === 0 ? ['nothing changed'] : changes;
}
