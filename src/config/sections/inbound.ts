import { z } from 'zod';
import { key, rule } from '../key.js';

/** Keys of which an entry names exactly one: who is called. */
const targets = {
  user: key(z.string().min(1).optional(), { description: 'Name of an entry of users.', example: 'alice' }),
  group: key(z.string().min(1).optional(), { description: 'Name of an entry of groups.', example: 'sales' }),
  number: key(
    rule(
      z.string(),
      (text) => /^\+?[0-9*#]{1,32}$/.test(text),
      'is not a number',
      'write its digits in quotes, such as "+441632960000"',
    ).optional(),
    { description: 'A telephone number behind the trunks, which policy.destinations allows.', example: '+441632960099' },
  ),
};

interface Named {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly number?: string | undefined;
}

const one = ({ user, group, number }: Named): boolean => [user, group, number].filter((name) => name !== undefined).length === 1;
const oneOnly = ['names no single target', 'give one of user, group and number'] as const;

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
  to: key(rule(z.strictObject(targets), one, ...oneOnly), {
    description: 'Who is called: a user of users, a group of groups, or another telephone number behind the trunks.',
    example: { user: 'alice' },
    whole: true,
  }),
  otherwise: key(
    rule(
      z.strictObject({
        ...targets,
        afterSeconds: key(z.int().min(1).max(600).optional(), {
          description: 'How long "to" rings before the call goes on; as long as it may when absent.',
          unit: 'seconds',
        }),
        when: key(
          z
            .array(z.enum(['no-answer', 'busy', 'unavailable']))
            .min(1)
            .default(['no-answer', 'busy', 'unavailable']),
          { description: 'What must have become of "to". "unavailable" is nobody registered, or a trunk out of reach.' },
        ),
      }),
      one,
      ...oneOnly,
    ).optional(),
    {
      description:
        'Who is called when "to" did not take the call: user, group or number as above; afterSeconds of ringing, and when: any of no-answer, busy and unavailable, which are all of them by default.',
      example: { number: '+441632960099', afterSeconds: 20, when: ['no-answer', 'unavailable'] },
      whole: true,
    },
  ),
});

export const inbound = key(z.array(entry).default([]), { description: 'What happens with calls from the trunks, by called number.' });

export type InboundConfig = z.output<typeof entry>;
