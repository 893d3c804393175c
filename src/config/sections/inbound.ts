import { z } from 'zod';
import { key, rule } from '../key.js';

const entry = z.strictObject({
  number: key(
    rule(
      z.string(),
      (text) => /^(\*|\+?[0-9*#]{1,32})$/.test(text),
      'is not a number',
      'write its digits in quotes, such as "+441632960000", or "*" for every number',
    ),
    { description: 'Number that was called, with or without "+"; "*" is every number no other entry has.', example: '+441632960000' },
  ),
  to: key(
    z.strictObject({
      user: key(z.string().min(1), { description: 'Name of an entry of users.', example: 'alice' }),
    }),
    { description: 'Who is called.' },
  ),
});

export const inbound = key(z.array(entry).default([]), { description: 'What happens with calls from the trunks, by called number.' });

export type InboundConfig = z.output<typeof entry>;
