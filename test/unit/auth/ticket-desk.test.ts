import { describe, expect, it } from 'vitest';
import type { TicketRequest } from '../../../src/auth/ticket-desk.js';
import { Office, shopOrigin, shopSecret } from '../../support/ticket-office.js';

const page: TicketRequest = { address: '192.0.2.1', pageOrigin: shopOrigin, body: { site: 'pk_shop', to: 'sales' } };
const backEnd: TicketRequest = { address: '192.0.2.9', secret: shopSecret, body: { to: 'sales', visitor: 'ann' } };

describe('the ticket desk', () => {
  it('gives a page of a site a ticket for its own origin, made out to its address', async () => {
    const office = new Office();
    const answer = await office.desk.give(page);
    if (answer.kind !== 'issued') throw new Error('refused');
    const verdict = await office.verifier.verify(answer.ticket, shopOrigin);
    // Whoever has the ticket can read it, so that no number stands in it.
    const [, readable = ''] = answer.ticket.split('.');
    expect(Buffer.from(readable, 'base64url').toString()).not.toContain('4420794600');
    expect(verdict).toMatchObject({ ticket: { origins: [shopOrigin], to: 'sales', subject: 'address 192.0.2.1', maxSeconds: 600 } });
  });

  it('gives a back end what it asks for, but never more than the site may', async () => {
    const office = new Office();
    const answer = await office.desk.give({
      ...backEnd,
      body: { to: '+442079461234', visitor: 'ann', from: '+442079460002', maxSeconds: 9_000 },
    });
    if (answer.kind !== 'issued') throw new Error('refused');
    expect(await office.verifier.verify(answer.ticket, shopOrigin)).toMatchObject({
      ticket: { to: '+442079461234', subject: 'ann', from: '+442079460002', maxSeconds: 600, origins: [shopOrigin] },
    });
  });

  it('makes a ticket out to nobody when the back end names no visitor, so that all of them are not taken for one', async () => {
    const office = new Office();
    const answer = await office.desk.give({ ...backEnd, body: { to: 'sales' } });
    if (answer.kind !== 'issued') throw new Error('refused');
    const verdict = await office.verifier.verify(answer.ticket, shopOrigin);
    expect(verdict.kind === 'good' && verdict.ticket).not.toHaveProperty('subject');
  });

  const refusals: readonly (readonly [what: string, code: string, request: Partial<TicketRequest>])[] = [
    ['a body that is none', 'invalid-body', { body: 'sales' }],
    ['a field nobody knows', 'invalid-body', { body: { site: 'pk_shop', number: '+1900' } }],
    ['a page that names its own caller id', 'invalid-body', { body: { site: 'pk_shop', from: '+442079460002' } }],
    ['a page that wants a longer ticket', 'invalid-body', { body: { site: 'pk_shop', validSeconds: 3600 } }],
    ['a page without a key', 'ticket-required', { body: { to: 'sales' } }],
    ['a page of a site with a back end', 'ticket-required', { pageOrigin: 'https://bank.example', body: { site: 'pk_bank' } }],
    ['a site that is none', 'unknown-site', { body: { site: 'pk_none' } }],
    ['a page of another website', 'wrong-origin', { pageOrigin: 'https://evil.example' }],
    ['no page at all', 'wrong-origin', { pageOrigin: 'null' }],
    ['a page that names a number', 'wrong-destination', { body: { site: 'pk_shop', to: '+442079460018' } }],
    ['a secret that is none', 'unknown-site', { secret: 'guessed', body: { to: 'sales' } }],
    ['a back end with a number nobody may dial', 'wrong-destination', { secret: shopSecret, body: { to: '+19005550100' } }],
    [
      'a back end with an origin not of its site',
      'wrong-origin',
      { secret: shopSecret, body: { to: 'sales', origin: 'https://evil.example' } },
    ],
    ["a back end that shows somebody else's number", 'invalid-body', { secret: shopSecret, body: { to: 'sales', from: '+442079469999' } }],
    ['a back end that wants it for too long', 'invalid-body', { secret: shopSecret, body: { to: 'sales', validSeconds: 86_400 } }],
  ];

  it.each(refusals)('refuses %s: %s', async (_what, code, request) => {
    expect(await new Office().desk.give({ ...page, ...request })).toMatchObject({ kind: 'refused', code });
  });

  it('gives one visitor so many in an hour, and others theirs', async () => {
    const office = new Office();
    const ask = async (address: string) => (await office.desk.give({ ...page, address })).kind;
    const answers = [await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.1')];
    expect(answers).toEqual(['issued', 'issued', 'issued', 'refused']);
    expect(await office.desk.give(page)).toMatchObject({ code: 'over-limit', retryAfterMs: 1_200_000 });
    expect(await ask('192.0.2.2')).toBe('issued');
    office.clock.advance(1_200_000);
    expect(await ask('192.0.2.1')).toBe('issued');
  });

  it('takes all addresses of one household for one visitor', async () => {
    const office = new Office();
    const ask = async (address: string) => (await office.desk.give({ ...page, address })).kind;
    const answers = [
      await ask('2001:db8:0:1::1'),
      await ask('2001:db8:0:1::2'),
      await ask('2001:db8:0:1:ffff::3'),
      await ask('2001:db8:0:1::4'),
    ];
    expect(answers.at(-1)).toBe('refused');
    expect(await ask('2001:db8:0:2::1')).toBe('issued');
  });

  it('answers a back end for all of its visitors, and slows down who guesses secrets', async () => {
    const office = new Office();
    for (let count = 0; count < 100; count += 1) expect((await office.desk.give(backEnd)).kind).toBe('issued');
    const guess = () => office.desk.give({ ...page, secret: 'guessed' });
    for (let count = 0; count < 60; count += 1) expect(await guess()).toMatchObject({ code: 'unknown-site' });
    expect(await guess()).toMatchObject({ code: 'over-limit' });
  });
});
