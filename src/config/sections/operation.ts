import { z } from 'zod';
import { key } from '../key.js';
import { optionalSecret } from '../values.js';

/** The small sections about running the process. */

export const browser = z
  .strictObject({
    guests: key(z.boolean().default(true), {
      description: 'Whether pages of allowed origins may call without registering as one of users. Keep policy.destinations narrow.',
    }),
    graceSeconds: key(z.number().min(0).max(300).default(15), {
      description: 'How long a call waits for its page to come back, after a reload or a loss of the network, before it is ended.',
      unit: 'seconds',
    }),
  })
  .prefault({});

export const shutdown = z
  .strictObject({
    drainSeconds: key(z.number().min(0).max(86_400).default(10), {
      description: 'Time live calls get after SIGTERM before they are ended. A second signal ends them at once.',
      unit: 'seconds',
    }),
  })
  .prefault({});

export const cdr = z
  .strictObject({
    file: key(z.string().min(1).optional(), {
      description:
        'Call records are appended to this file, one JSON object a line; the last ones are read back at the start. Without it, only the recent ones are kept, in memory.',
      example: '/data/cdr.jsonl',
    }),
  })
  .prefault({});

export const log = z
  .strictObject({
    level: key(z.enum(['debug', 'info', 'warn', 'error']).default('info'), { description: 'Least serious level that is written.' }),
    redact: key(z.array(z.string().min(1)).default([]), {
      description: 'Further fields of log lines to blank out, as dotted paths. Secrets and digits are never logged, numbers always masked.',
      example: ['origin'],
    }),
  })
  .prefault({});

export const admin = z
  .strictObject({
    token: optionalSecret(
      'Bearer token of /api, and what one logs in to /dashboard with. Without one, /api answers only on a loopback listener, with numbers masked.',
      'GATEWAY_ADMIN_TOKEN',
    ),
    viewToken: optionalSecret(
      'Token of those who may look at /api and /dashboard but change nothing, and see numbers and digits masked.',
      'GATEWAY_VIEW_TOKEN',
    ),
  })
  .prefault({});
