import { describe, expect, it } from 'vitest';
import { parseAuthValues } from '../../src/sip/digest.js';
import { StreamFramer, type StreamItem } from '../../src/sip/embedded/framing.js';
import {
  isWildcardContact,
  readCallId,
  readContacts,
  readContentType,
  readCSeq,
  readFrom,
  readMaxForwards,
  readRecordRoutes,
  readRoutes,
  readTo,
  readVias,
  topVia,
} from '../../src/sip/embedded/header-readers.js';
import type { SipMessage } from '../../src/sip/embedded/message.js';
import { isSipParseError } from '../../src/sip/embedded/parse-error.js';
import { parseMessage } from '../../src/sip/embedded/parser.js';
import { responseTo, serialize } from '../../src/sip/embedded/serializer.js';
import { formatNameAddress, parseNameAddress } from '../../src/sip/name-address.js';
import { readReasons } from '../../src/sip/reason.js';
import { phoneNumberOf, sameUri, userOf } from '../../src/sip/uri.js';
import { carrierInvite } from '../vectors/carrier-invite.js';
import { invalidMessages } from '../vectors/rfc4475/invalid.js';
import { semanticMessages } from '../vectors/rfc4475/semantic.js';
import { validMessages } from '../vectors/rfc4475/valid.js';
import { ipv6Messages } from '../vectors/rfc5118/messages.js';

const budgetMs = Number(process.env['FUZZ_MS'] ?? 2000);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const seeds = [carrierInvite, ...[...validMessages, ...invalidMessages, ...semanticMessages, ...ipv6Messages].map(({ bytes }) => bytes)];

/** Pieces that upset parsers. */
const pieces = [
  '\r\n',
  '\n',
  '\r',
  '\r\n ',
  '\r\n\r\n',
  '"',
  '\\',
  '\\"',
  '<',
  '>',
  ';',
  ',',
  ':',
  '=',
  '@',
  '%',
  '%00',
  '%4',
  '[',
  ']',
  '?',
  '*',
  ' ',
  '\t',
  '\0',
  ' SIP/2.0',
  'SIP/2.0/',
  '-1',
  '99999999999999999999',
  '=?',
  ';tag=',
  ';;',
  'Content-Length: 5\r\n',
  'l: 0\r\n',
  'v: ',
  '\xff',
  '\ufeff',
  '__proto__',
  'é',
];

/** Small, fast and repeatable (mulberry32). */
function randomNumbers(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  const at = random(bytes.length + 1);
  const end = Math.min(bytes.length, at + random(30));
  switch (random(6)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(pieces[random(pieces.length)] ?? '', 'utf8'), bytes.subarray(at)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 3: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = random(256);
      return copy;
    }
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from((pieces[random(pieces.length)] ?? '').repeat(1 + random(400))),
        bytes.subarray(end),
      ]);
    default: {
      const other = seeds[random(seeds.length)] ?? bytes;
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length))]);
    }
  }
}

/** What the readers of validated fields give; none of them may throw on a message that was accepted. */
function meaning(message: SipMessage): object {
  const { headers } = message;
  return [
    message.kind === 'request' ? [message.method, message.requestUri] : [message.status, message.reason],
    readVias(headers),
    topVia(headers),
    readFrom(headers),
    readTo(headers),
    readCallId(headers),
    readCSeq(headers),
    readContacts(headers),
    isWildcardContact(headers),
    readRecordRoutes(headers),
    readContentType(headers),
    message.kind === 'request' ? [readRoutes(headers), readMaxForwards(headers)] : [],
    message.body.toString('latin1'),
  ];
}

function probeNeutral(message: SipMessage): void {
  const from = readFrom(message.headers);
  expect(parseNameAddress(formatNameAddress(from))).toEqual(
    from.displayName === '' ? { uri: from.uri, parameters: from.parameters } : from,
  );
  userOf(from.uri);
  phoneNumberOf(from.uri);
  expect(sameUri(from.uri, from.uri)).toBe(true);
  sameUri(from.uri, readTo(message.headers).uri);
  readReasons(message.headers);
  for (const { value } of message.headers) parseAuthValues(value);
}

function tryOne(bytes: Buffer): 'accepted' | 'refused' {
  let message: SipMessage;
  try {
    message = parseMessage(bytes);
  } catch (thrown) {
    if (!isSipParseError(thrown)) throw thrown;
    const { partial, status, reason } = thrown.info;
    expect(status === 400 || status === 505 || status === 513).toBe(true);
    if (partial !== undefined) serialize(responseTo(partial, status, reason, 'tag'));
    return 'refused';
  }
  probeNeutral(message);
  expect(meaning(parseMessage(serialize(message)))).toEqual(meaning(message));
  return 'accepted';
}

describe(`fuzzing the SIP message layer (FUZZ_SEED=${seed})`, () => {
  it('finds no input that throws anything but the typed error or reads differently once written', () => {
    const random = randomNumbers(seed);
    const count = { accepted: 0, refused: 0 };
    for (const until = performance.now() + budgetMs; performance.now() < until; ) {
      let bytes: Buffer = seeds[random(seeds.length)] ?? carrierInvite;
      for (let i = random(4); i >= 0; i -= 1) bytes = mutate(bytes, random);
      try {
        count[tryOne(bytes)] += 1;
      } catch (thrown) {
        throw new Error(`input (base64): ${bytes.toString('base64')}`, { cause: thrown });
      }
    }
    expect(count.accepted).toBeGreaterThan(0);
    expect(count.refused).toBeGreaterThan(0);
  });

  it('finds no way to cut a stream that changes what the framer makes of it', () => {
    const random = randomNumbers(seed);
    let streams = 0;
    for (const until = performance.now() + budgetMs; performance.now() < until; streams += 1) {
      let bytes: Buffer = Buffer.concat(
        Array.from({ length: 1 + random(4) }, () =>
          random(3) === 0 ? Buffer.from('\r\n\r\n') : (seeds[random(seeds.length)] ?? carrierInvite),
        ),
      );
      if (random(2) === 0) bytes = mutate(bytes, random);
      const whole = shown(new StreamFramer().push(bytes));
      const framer = new StreamFramer();
      const pieceItems: StreamItem[] = [];
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random(random(2) === 0 ? 4 : 1500);
        pieceItems.push(...framer.push(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(shown(pieceItems), bytes.toString('base64')).toEqual(whole);
    }
    expect(streams).toBeGreaterThan(0);
  });
});

function shown(items: readonly StreamItem[]): readonly string[] {
  return items.map((item) =>
    item.kind === 'message' ? item.data.toString('latin1') : item.kind === 'broken' ? item.error.info.why : item.kind,
  );
}
