import { describe, expect, it } from 'vitest';
import { Grammar } from '../../../node_modules/sip.js/lib/grammar/grammar.js';
import { parse } from '../../../src/web/sip-grammar.js';

/** What sip.js reads of a result; the rest of what its own parser leaves behind is never looked at. */
const read: Readonly<Record<string, readonly string[]>> = {
  Request_Response: ['method', 'uri', 'status_code', 'reason_phrase'],
  Via: ['protocol', 'transport', 'host', 'port', 'branch', 'received', 'rport', 'ttl'],
  absoluteURI: ['scheme'],
  Event: ['event'],
  Content_Disposition: ['type'],
};

interface Listed {
  readonly position: number;
  readonly offset: number;
  readonly parsed: object;
}

/** sip.js cuts the list from one place to the other, in either order. */
const piece = (text: string, { position, offset, parsed }: Listed): object => ({ parsed, text: text.substring(position, offset).trim() });

function seen(rule: string, text: string, data: unknown): unknown {
  if (Array.isArray(data)) return data.map((item) => piece(text, item as Listed));
  const keys = read[rule];
  if (keys === undefined || typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(keys.map((key) => [key, (data as Record<string, unknown>)[key]]));
}

function ours(rule: string, text: string): unknown {
  const options: { startRule: string; data?: unknown } = { startRule: rule };
  try {
    parse(text, options);
  } catch {
    return -1;
  }
  return options.data;
}

/** Plain data, in which parameters stand in one order: sip.js puts a tag last. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null');

const readable: readonly (readonly [rule: string, text: string])[] = [
  ['Request_Response', 'INVITE sip:+442079460018@gateway.invalid SIP/2.0'],
  ['Request_Response', 'BYE sip:x@192.0.2.1:5060;transport=ws;ob SIP/2.0'],
  ['Request_Response', 'SIP/2.0 488 Not Acceptable Here'],
  ['Request_Response', 'SIP/2.0 200 '],
  ['Via', 'SIP/2.0/WSS df7jal23ls0d.invalid;rport;branch=z9hG4bK56sdasks;received=192.0.2.5'],
  ['Via', 'SIP/2.0/WS 192.0.2.1:5060;rport=44;ttl=3;branch=a'],
  ['Via', 'SIP/2.0/WSS [2001:db8::1]:443;branch=z9hG4bK1'],
  ['From', '"Ann \\"the\\" Caller" <sip:ann%20b@example.com;transport=ws>;tag=a48s'],
  ['From', 'Bob Smith <sip:bob@example.com>;tag=z;foo="a b"'],
  ['From', '"" <sip:bob@example.com>;tag=z'],
  ['To', 'sip:bob@[2001:db8::1]:5060;tag=9'],
  ['To', '<sips:bob@example.com>'],
  ['Contact', '<sip:x@y.invalid;transport=ws>;expires=300;+sip.instance="<urn:uuid:1>"'],
  ['Contact', '<sip:x@y.invalid;transport=ws>;expires=300, "a, b" <sip:z@q>;q=0.5'],
  ['Contact', '<sip:a@192.0.2.1:5060;transport=ws;ob>;reg-id=1;expires=60'],
  ['Record_Route', '<sip:p1.example.com;lr>,<sip:p2.example.com;lr;q=1>'],
  ['Record_Route', '<sip:p1.example.com;lr> , <sip:p2.example.com;lr>'],
  ['CSeq', '4711 INVITE'],
  ['Call_ID', 'f81d4fae@foo.example.com'],
  ['Call_ID', 'f81d4fae-7dec'],
  ['Content_Length', '349'],
  ['Content_Type', 'application/sdp'],
  ['Content_Type', 'application/sdp;charset="utf-8"'],
  ['Content_Disposition', 'session;handling=required'],
  ['Max_Forwards', '70'],
  ['Refer_To', '<sip:x@example.com?Replaces=1%3Bto-tag%3D2>'],
  ['Replaces', '1@h;to-tag=2;from-tag=3;early-only'],
  ['Name_Addr_Header', '"Zoë" <sips:z@example.com>'],
  ['Name_Addr_Header', '"x" <sip:+1@h;user=Phone;lr;foo=Bar>'],
  ['SIP_URI', 'sip:alice:secret@example.com:5071;user=phone?subject=x'],
  ['SIP_URI', 'SIP:Alice@EXAMPLE.com'],
  ['SIP_URI', 'sip:%23a@example.com'],
  ['absoluteURI', 'wss://example.com/sip'],
  ['absoluteURI', 'ws://127.0.0.1:8080/sip'],
  ['Event', 'refer;id=1'],
  ['uuid', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
];

const unreadable: readonly (readonly [rule: string, text: string])[] = [
  ['Request_Response', 'SIP/3 nonsense'],
  ['Request_Response', 'INVITE sip:x@y'],
  ['Via', 'SIP/2.0'],
  ['To', '<sip:bob@'],
  ['To', '<sip:bob@>'],
  ['CSeq', 'INVITE 4711'],
  ['Content_Length', 'many'],
  ['Content_Type', 'sdp'],
  ['Contact', '<sip:x@y.invalid'],
  ['Contact', '<sip:x@y.invalid>, <'],
  ['Contact', ''],
  ['Replaces', '1@h;to-tag=2'],
  ['SIP_URI', 'mailto:a@b'],
  ['SIP_URI', 'sip:'],
  ['uuid', 'x'],
  ['absoluteURI', 'nope'],
  ['Nothing', 'of the kind'],
];

describe('what stands for the parser of sip.js', () => {
  it.each(readable)('reads %s: %s as sip.js does', (rule, text) => {
    const theirs: unknown = Grammar.parse(text, rule);
    expect(theirs).not.toBe(-1);
    expect(plain(seen(rule, text, ours(rule, text)))).toEqual(plain(seen(rule, text, theirs)));
  });

  it.each(unreadable)('refuses %s: %s', (rule, text) => {
    expect(ours(rule, text)).toBe(-1);
  });

  it('lets a challenge pass that no page answers, so that the refusal it comes with is read', () => {
    expect(ours('WWW_Authenticate', 'Bearer realm="calls", error="invalid_token"')).toEqual({});
    expect(ours('Proxy_Authenticate', 'Digest realm="x"')).toEqual({});
  });

  it('is quick with texts made to be slow', () => {
    const long = 20_000;
    const texts = [
      '"'.repeat(long),
      `${'a '.repeat(long)}<`,
      `<sip:a@b>${';a='.repeat(long)}`,
      `<sip:${'a.'.repeat(long)}@>`,
      `${','.repeat(long)}<`,
    ];
    const begin = performance.now();
    for (const text of texts) for (const rule of ['From', 'Contact', 'Via', 'SIP_URI', 'Content_Type', 'Replaces']) ours(rule, text);
    expect(performance.now() - begin).toBeLessThan(2_000);
  });
});
