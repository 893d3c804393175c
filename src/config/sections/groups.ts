import { z } from 'zod';
import { key, rule } from '../key.js';

const group = z.strictObject({
  name: key(
    rule(
      z.string(),
      (text) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text),
      'is not a usable name',
      'use up to 64 letters, digits, ., - and _',
    ),
    { description: 'Name by which inbound calls it, and the record.', example: 'sales' },
  ),
  users: key(z.array(z.string().min(1)).min(1), {
    description: 'Names of entries of users, in the order they are called.',
    example: ['alice'],
  }),
  strategy: key(z.enum(['simultaneous', 'sequential']).default('simultaneous'), {
    description: 'Whether all of them ring at once, or one after another.',
  }),
  ringSeconds: key(z.int().min(1).max(600).default(20), {
    description: 'How long the group rings; with sequential, each user.',
    unit: 'seconds',
  }),
  declineStopsAll: key(z.boolean().default(false), {
    description: 'Whether one user who declines declines for the whole group; otherwise the others ring on.',
  }),
});

export const groups = key(z.array(group).default([]), {
  description: 'Users who are called together. The first to answer has the call; the others stop ringing.',
});

export type GroupConfig = z.output<typeof group>;
