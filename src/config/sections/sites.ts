import { z } from 'zod';
import { key, rule } from '../key.js';
import { callerNumber, optionalSecret, origin, secret } from '../values.js';
import { budget, limits } from './limits.js';

const siteKey = rule(
  z.string(),
  (text) => /^pk_[A-Za-z0-9_-]{1,64}$/.test(text),
  'is not a usable key',
  'write "pk_" and up to 64 letters, digits, - and _ after it; it is public',
);

/** A name that can stand in the user part of a SIP address and is not taken for a number. */
const destinationName = rule(
  z.string(),
  (text) => /^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(text),
  'is not a usable name',
  'begin with a letter, then up to 63 letters, digits, ., - and _',
);

const destination = z.strictObject({
  name: key(destinationName, { description: 'What the page calls; all that it knows.', example: 'sales' }),
  number: key(
    rule(z.string(), (text) => /^\+?[0-9*#]{1,32}$/.test(text), 'is not a number', 'write it in quotes, such as "+441632960000"'),
    { description: 'Number that is called. It must be one that policy.destinations allows.', example: '+441632960000' },
  ),
});

const backEndKey = z.strictObject({
  kid: key(z.string().min(1).max(128), { description: 'Name of the key, as in the header of its tickets.', example: '2026-11' }),
  algorithm: key(z.enum(['EdDSA', 'HS256']).default('EdDSA'), { description: 'How it signs.' }),
  key: key(secret('', ''), {
    description: 'The public Ed25519 key as PEM, or the shared HS256 secret of at least 32 bytes.',
    secret: true,
    example: { file: '/etc/gateway/shop.pub.pem' },
  }),
});

const anonymous = z.strictObject({
  ticketsPerHour: key(z.int().min(1).max(10_000).default(10), { description: 'Calls one visitor may begin in an hour.' }),
});

const site = z.strictObject({
  key: key(siteKey, { description: 'Public key of the website; it may stand in its pages.', example: 'pk_shop' }),
  secret: optionalSecret("Secret of the website's back end, for POST /api/v1/tickets. At least 24 characters.", 'SHOP_SECRET'),
  origins: key(z.array(origin).min(1), { description: 'Origins of its pages.', example: ['https://www.example.com'] }),
  destinations: key(z.array(destination).default([]), {
    description: 'What its pages may call, by names that keep the numbers out of the page. The first is the one meant when none is named.',
  }),
  from: key(callerNumber.optional(), {
    description: "Number shown to the called side, instead of the trunk's callerId.",
    example: '+441632960001',
  }),
  callerIds: key(z.array(callerNumber).default([]), {
    description: 'Further numbers that a ticket of its back end may show instead.',
    example: ['+441632960002'],
  }),
  maxSeconds: key(z.int().min(1).max(86_400).optional(), {
    description: 'Longest call from this website.',
    unit: 'seconds',
    example: 1800,
  }),
  anonymous: key(anonymous.optional(), {
    description:
      'Lets pages ask for tickets themselves, for websites without a back end. The page shows the public key, and its origin counts.',
    live: true,
  }),
  limits: key(limits.optional(), { description: 'Bounds on calls from this website.' }),
  perVisitor: key(limits.optional(), { description: 'Bounds on each of its visitors, in place of policy.perVisitor.' }),
  budget: key(budget.optional(), { description: 'Money for calls from this website.' }),
  users: key(z.array(z.string().min(1)).default([]), {
    description: 'Those of users that a ticket of its own back end (sub, without to) may register without a password.',
    example: ['alice'],
  }),
  keys: key(z.array(backEndKey).optional(), { description: 'Keys of a back end that signs tickets itself.' }),
  jwks: key(
    rule(
      z.string(),
      (text) => text.startsWith('/') || (URL.canParse(text) && new URL(text).protocol === 'https:'),
      'is neither an https URL nor a path',
      'write where the back end publishes its keys, or the whole path of a file with them',
    ).optional(),
    {
      description: 'Where such a back end publishes its Ed25519 keys instead (JWK set), or a file with them.',
      example: 'https://www.example.com/.well-known/jwks.json',
    },
  ),
});

export const sites = key(z.array(site).default([]), {
  description: 'Websites with a call button. Once there is one, pages need a ticket for each call.',
});

export type SiteConfig = z.output<typeof site>;
