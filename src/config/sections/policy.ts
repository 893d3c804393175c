import { z } from 'zod';
import { key, rule } from '../key.js';

const prefix = rule(
  z.string(),
  (text) => text === '*' || /^\+?[0-9*#]{1,32}$/.test(text),
  'is not a number prefix',
  'write the beginning of a number in quotes, such as "+44", or "*" for every number',
);

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
