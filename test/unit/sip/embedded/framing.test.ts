import { describe, expect, it } from 'vitest';
import { StreamFramer, type StreamItem } from '../../../../src/sip/embedded/framing.js';
import { maxBodyBytes, maxHeaderBlockBytes } from '../../../../src/sip/embedded/limits.js';
import { parseMessage } from '../../../../src/sip/embedded/parser.js';
import { carrierInvite } from '../../../vectors/carrier-invite.js';

const message = (body = '', length: number | string = Buffer.byteLength(body), name = 'Content-Length') =>
  `OPTIONS sip:b@example.com SIP/2.0\r\nX: y\r\n${name}: ${length}\r\n\r\n${body}`;

function feed(bytes: Buffer, chunkBytes: number): StreamItem[] {
  const framer = new StreamFramer();
  const items: StreamItem[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) items.push(...framer.push(bytes.subarray(at, at + chunkBytes)));
  return items;
}

const shown = (items: readonly StreamItem[]) =>
  items.map((item) => (item.kind === 'message' ? item.data.toString() : item.kind === 'broken' ? item.error.info.why : item.kind));

describe('StreamFramer', () => {
  const stream = Buffer.concat([
    Buffer.from(message()),
    Buffer.from('\r\n\r\n'),
    carrierInvite,
    Buffer.from(message('a\r\n\r\nb')),
    Buffer.from('\r\n'),
    Buffer.from(message('été', 5, 'l')),
    Buffer.from('\r\n\r\n\r\n\r\n'),
  ]);
  const expected = [
    message(),
    'pong',
    'ping',
    carrierInvite.toString(),
    message('a\r\n\r\nb'),
    'pong',
    message('été', 5, 'l'),
    'pong',
    'ping',
    'pong',
    'ping',
  ];

  it.each([1, 2, 3, 5, 7, 16, 64, 1000, 100_000])('finds messages, pings and pongs whatever the chunks, here of %i bytes', (chunkBytes) => {
    expect(shown(feed(stream, chunkBytes))).toEqual(expected);
  });

  it('reads Content-Length as the parser does: compact, folded, in any case, with space before the colon', () => {
    const odd = ['l: 3', 'CONTENT-LENGTH   :\r\n 3', 'L:3'].map((field) => `OPTIONS sip:b@c SIP/2.0\r\n${field}\r\n\r\nabc`);
    expect(shown(feed(Buffer.from(odd.join('')), 1))).toEqual(odd);
  });

  it('gives messages that stay as they are when more arrives', () => {
    const framer = new StreamFramer();
    const [first] = framer.push(Buffer.from(message('one')));
    framer.push(Buffer.from(message('two').repeat(50)));
    expect(shown([first as StreamItem])).toEqual([message('one')]);
  });

  it('keeps nothing once every message is out', () => {
    const framer = new StreamFramer();
    framer.push(Buffer.from(message('abc')));
    expect(framer.pendingBytes).toBe(0);
    framer.push(Buffer.from(message('abc').slice(0, -1)));
    expect(framer.pendingBytes).toBe(message('abc').length - 1);
  });

  it.each([
    ['without Content-Length', 'OPTIONS sip:b@c SIP/2.0\r\nX: y\r\n\r\n', 'no-content-length'],
    ['with a negative one', message('', '-1'), 'bad-content-length'],
    ['with two', message('', '0\r\nl: 0'), 'bad-content-length'],
    ['with one that is no number', message('', 'x'), 'bad-content-length'],
    ['with one beyond the cap', message('', maxBodyBytes + 1), 'body-too-large'],
  ])('breaks at a message %s, hands out its head and nothing after it', (_, bad, why) => {
    const framer = new StreamFramer();
    const items = framer.push(Buffer.from(message('ok') + bad + message('lost')));
    expect(shown(items)).toEqual([message('ok'), why]);
    const last = items.at(-1);
    expect(last?.kind === 'broken' && last.error.info.head?.toString()).toBe(bad.slice(0, bad.indexOf('\r\n\r\n')));
    expect([framer.push(Buffer.from(message())), framer.pendingBytes]).toEqual([[], 0]);
  });

  it.each(['', 'Content-Length: -1\r\n', `Content-Length: ${maxBodyBytes + 1}\r\n`])(
    'hands out a head that can be answered but never be taken for a request, with %j',
    (field) => {
      const bytes = Buffer.from(carrierInvite.toString().replace(/Content-Length: \d+\r\n/, field));
      const last = new StreamFramer().push(bytes).at(-1);
      const head = last?.kind === 'broken' ? last.error.info.head : undefined;
      expect(() => parseMessage(head ?? bytes)).toThrowError(
        expect.objectContaining({ info: expect.objectContaining({ status: 400, partial: expect.objectContaining({ method: 'INVITE' }) }) }),
      );
    },
  );

  it('accepts a body of exactly the cap', () => {
    expect(shown(feed(Buffer.from(message('x'.repeat(maxBodyBytes))), 1400))).toHaveLength(1);
  });

  it.each([1, 1000, 1_000_000])('breaks when a header block does not end within its cap, in chunks of %i bytes', (chunkBytes) => {
    expect(shown(feed(Buffer.alloc(maxHeaderBlockBytes + 5, 65), chunkBytes))).toEqual(['header-too-large']);
  });
});
