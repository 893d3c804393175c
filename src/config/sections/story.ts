import { z } from 'zod';
import { key } from '../key.js';

/** How much is kept of calls to be told of them later. */
export const story = z
  .strictObject({
    calls: key(z.int().min(0).max(10_000).default(200), {
      description: 'Calls that are over and can still be told of in the dashboard. 0 keeps nothing, of live calls neither.',
    }),
    messagesPerCall: key(z.int().min(10).max(10_000).default(300), { description: 'SIP messages kept of one call, both legs together.' }),
    samplesPerCall: key(z.int().min(10).max(10_000).default(720), {
      description: 'Points of a curve kept of one leg, one each five seconds at first. Of a longer call every second one goes.',
    }),
  })
  .prefault({});
