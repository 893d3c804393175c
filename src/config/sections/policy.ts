import { z } from 'zod';
import { key, rule } from '../key.js';
import { budget, limits } from './limits.js';

const prefix = rule(
  z.string(),
  (text) => text === '*' || /^\+?[0-9*#]{1,32}$/.test(text),
  'is not a number prefix',
  'write the beginning of a number in quotes, such as "+44", or "*" for every number',
);

const countryCode = rule(
  z.string(),
  (text) => /^\+[1-9]\d{0,2}$/.test(text),
  'is not a country code',
  'write it in quotes with its plus: "+44"',
);

const prefixClass = (what: string) => key(z.enum(['allow', 'deny']).default('deny'), { description: `${what}.` });

const rate = z.strictObject({
  prefix: key(prefix, { description: 'Beginning of the numbers, or "*" for all others; the longest match counts.', example: '+44' }),
  perMinute: key(z.number().min(0).max(10_000), { description: 'Price of a minute.', example: 0.02 }),
  perCall: key(z.number().min(0).max(10_000).default(0), { description: 'Price of the connection, due with the answer.' }),
  incrementSeconds: key(z.int().min(1).max(3600).default(60), {
    description: 'Time is charged in steps of so many seconds, each from its beginning.',
    unit: 'seconds',
  }),
});

const perDestination = z.strictObject({
  prefix: key(prefix, { description: 'Beginning of the numbers.', example: '+44' }),
  limits: key(limits.optional(), { description: 'Bounds on calls to them.' }),
  budget: key(budget.optional(), { description: 'Money for calls to them.' }),
});

export const policy = z
  .strictObject({
    destinations: key(
      z
        .strictObject({
          allow: key(z.array(prefix).default([]), {
            description: 'Beginnings of numbers that pages may call. Nothing else can be called; "*" allows every number.',
            example: ['+44', '+1'],
          }),
          deny: key(z.array(prefix).default([]), {
            description: 'Beginnings of numbers that are refused although allowed above.',
            example: ['+4487', '+1900'],
          }),
          classes: key(
            z
              .strictObject({
                premium: prefixClass('Premium rate numbers'),
                sharedCost: prefixClass('Shared cost numbers'),
                personal: prefixClass('Personal numbers'),
                satellite: prefixClass('Satellite telephones'),
                internationalNetwork: prefixClass('International networks'),
                highRisk: prefixClass('Countries and islands that fraud is usually aimed at'),
              })
              .prefault({}),
            {
              description:
                'Classes of a table of costly numbers that is part of the gateway: denied also where the allowed prefixes cover them, unless allow names the same or a longer prefix.',
            },
          ),
        })
        .prefault({}),
      { description: 'What may be dialled.' },
    ),
    transfer: key(
      z
        .strictObject({
          guests: key(z.boolean().default(false), { description: 'Pages of which nobody knows whose they are may transfer their call.' }),
          users: key(z.boolean().default(true), {
            description: 'Users that have registered or proved their password may transfer their calls.',
          }),
          trunks: key(z.boolean().default(true), { description: 'Telephones behind a trunk may transfer a page they talk to.' }),
        })
        .prefault({}),
      { description: 'Who may move a call to another number. The number must be one that may be dialled, in any case.' },
    ),
    emergency: key(z.union([z.enum(['refuse', 'allow']), z.strictObject({ trunk: z.string().min(1) })]).default('refuse'), {
      description:
        'Numbers of emergency services, by the country codes of the trunks: refused with a notice in the page, dialled like any other number, or always by one trunk: { trunk: ID }. Neither limits nor budgets hold them back. Nobody knows where a page is, so they are refused by default.',
    }),
    limits: key(limits.optional(), { description: 'Bounds on all calls toward the telephone network together.' }),
    perVisitor: key(limits.optional(), {
      description: 'Bounds on each visitor: the one a ticket is made out to, else an IPv4 address or the first 64 bits of an IPv6 address.',
    }),
    perNetwork: key(limits.optional(), { description: 'Bounds on each network: 24 bits of an IPv4 address, 48 of an IPv6 address.' }),
    perDestination: key(z.array(perDestination).default([]), { description: 'Bounds on calls by the beginning of the number.' }),
    budget: key(budget.optional(), { description: 'Money for all calls together. The rates below say what calls cost.' }),
    currency: key(
      z
        .string()
        .regex(/^[A-Z]{3}$/)
        .default('EUR'),
      { description: 'Currency of budgets and rates (ISO 4217).' },
    ),
    rates: key(z.array(rate).default([]), {
      description: 'What calls cost, by the beginning of the number. A number that none matches costs as much as the dearest.',
    }),
    budgetFile: key(z.string().min(1).optional(), {
      description: 'File that keeps what budgets and minutes have used over a restart.',
      example: '/data/budgets.json',
    }),
    unusual: key(
      z
        .strictObject({
          action: key(z.enum(['off', 'warn', 'hold']).default('warn'), {
            description:
              'Whether such calls are let through unnoticed, told of in log and record, or held back until POST /api/v1/guard/allow.',
          }),
          known: key(z.array(countryCode).default([]), { description: 'Country codes that are never unusual.', example: ['+44', '+353'] }),
          learnCalls: key(z.int().min(0).max(1_000_000).default(20), {
            description: 'Answered calls of a website before anything is unusual there.',
          }),
          forgetDays: key(z.int().min(1).max(3650).default(60), {
            description: 'A country that was not called for so long is unusual again.',
            unit: 'days',
          }),
          file: key(z.string().min(1).optional(), {
            description: 'File that keeps what was learnt over a restart.',
            example: '/data/usual.json',
          }),
        })
        .prefault({}),
      { description: 'Calls to a country that a website never calls.' },
    ),
    maxCalls: key(z.int().min(1).default(100), { description: 'Calls at one time.' }),
    maxCallsPerSecond: key(z.number().positive().max(10_000).optional(), {
      description: 'New calls in a second; more are refused with 503. No bound when absent.',
      example: 50,
    }),
    maxSeconds: key(z.int().min(1).max(86_400).default(3600), { description: 'Longest call; then it is ended.', unit: 'seconds' }),
    ringSeconds: key(z.int().min(1).max(600).default(60), {
      description: 'How long a call rings before it counts as not answered.',
      unit: 'seconds',
    }),
  })
  .prefault({});

export type PolicyConfig = z.output<typeof policy>;
