import { z } from 'zod';
import { key } from '../key.js';
import { secret } from '../values.js';

const signingKey = z.strictObject({
  kid: key(z.string().min(1).max(128), { description: 'Name of the key, in the header of its tickets.', example: '2026-11' }),
  algorithm: key(z.enum(['EdDSA', 'HS256']).default('EdDSA'), { description: 'How it signs.' }),
  key: key(secret('', ''), {
    description: 'The private Ed25519 key as PEM (openssl genpkey -algorithm ed25519), or an HS256 secret of at least 32 bytes.',
    secret: true,
    example: { file: '/etc/gateway/ticket-key.pem' },
  }),
});

export const auth = z
  .strictObject({
    tickets: key(
      z
        .strictObject({
          required: key(z.boolean().optional(), {
            description:
              'Whether a page needs a ticket to call, unless it has registered as one of users. Without it: yes, once sites has an entry.',
            example: true,
          }),
          keys: key(z.array(signingKey).optional(), {
            description:
              'Keys the gateway signs tickets with: the first one signs, the others are still taken, so that a key can be changed. Without one it makes a key at each start, and a restart ends the tickets that are out.',
          }),
          audience: key(z.string().min(1).max(256).optional(), {
            description: 'Name of this gateway in tickets (aud). Without it, the origin of http.publicUrl, or webrtc-pstn-gateway.',
            example: 'https://call.example.com',
          }),
          lifetimeSeconds: key(z.int().min(5).max(3600).default(120), {
            description: 'How long a ticket of ours is good for, from its issue to the press of the button.',
            unit: 'seconds',
          }),
          maxLifetimeSeconds: key(z.int().min(5).max(86_400).default(3600), {
            description: 'Longest lifetime of a ticket that a back end may ask for or sign.',
            unit: 'seconds',
          }),
          skewSeconds: key(z.int().min(0).max(300).default(30), {
            description: "How far a back end's clock may be off.",
            unit: 'seconds',
          }),
          replayFile: key(z.string().min(1).optional(), {
            description: 'File that remembers which tickets were used, so that a restart does not make them good again.',
            example: '/data/used-tickets.jsonl',
          }),
        })
        .prefault({}),
      { description: 'Call tickets: what a page shows in order to call.' },
    ),
  })
  .prefault({});

export type AuthConfig = z.output<typeof auth>;
