import { z } from 'zod';
import { key, rule } from '../key.js';
import { callerNumber, cidr, codecs, host, secret } from '../values.js';
import { budget, limits } from './limits.js';
import { behaviour } from './trunk-behaviour.js';

/** Whether `text` is a SIP URI with a host and at most a port and a transport (RFC 3261 §19.1.1). */
export function isPeerUri(text: string): boolean {
  const match = /^sips?:(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?(?:;transport=(?:udp|tcp|tls))?$/.exec(text);
  return match !== null && (match[1] === undefined || (Number(match[1]) > 0 && Number(match[1]) < 65_536));
}

const peer = z.strictObject({
  uri: key(
    rule(
      z.string(),
      isPeerUri,
      'is not a peer URI',
      'write sip:host, sip:host:port or sip:host:port;transport=tcp (udp, tcp, tls), without a user or password',
    ),
    {
      description: 'Host of the carrier, with port and transport where they are not 5060 and udp.',
      example: 'sip:sip.carrier.example:5060;transport=udp',
    },
  ),
  priority: key(z.int().min(0).max(65_535).default(0), { description: 'Peers of the lowest value are tried first.' }),
  weight: key(z.int().min(1).max(65_535).default(1), { description: 'Share of calls among peers of one priority.' }),
});

const register = z.strictObject({
  user: key(z.string().min(1).max(64), { description: 'The account: user of the address that is registered.', example: '441234567' }),
  password: secret('Its password.', 'TRUNK_PASSWORD'),
  domain: key(host, { description: "The carrier's domain.", example: 'carrier.example' }),
  expiresSeconds: key(z.int().min(60).max(86_400).default(600), { description: 'How long a registration is asked for.', unit: 'seconds' }),
  contactUser: key(z.string().min(1).max(64).optional(), {
    description: 'User of our Contact, for carriers that tell trunks apart by it. Without it, the account.',
    example: '441234567',
  }),
});

const profileName = rule(
  z.string(),
  (text) => /^[a-z0-9-]+$/.test(text),
  'is not the name of a profile',
  'write the name of a file in config/profiles/, without .yaml',
);

const trunk = z.strictObject({
  id: key(
    rule(
      z.string(),
      (text) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(text),
      'is not a usable id',
      'use up to 32 letters, digits, - and _',
    ),
    { description: 'Name of the trunk in call records, logs and metrics.', example: 'carrier' },
  ),
  profile: key(profileName.optional(), {
    description: 'How this kind of carrier behaves: a file of config/profiles/. What it sets are defaults of the keys below.',
    example: 'generic',
  }),
  peers: key(z.array(peer).min(1), { description: "The carrier's hosts." }),
  register: key(register.optional(), { description: 'Our registration, for carriers that know us by it and not by address.' }),
  auth: key(
    z
      .strictObject({
        user: key(z.string().min(1), { description: "User name for the carrier's challenges.", example: '441234567' }),
        password: secret('Its password.', 'TRUNK_PASSWORD'),
        realm: key(z.string().min(1).optional(), { description: 'Answer challenges of this realm only.', example: 'carrier.example' }),
      })
      .optional(),
    { description: 'Digest credentials, for carriers that challenge. Without it, those of register.' },
  ),
  allow: key(z.array(cidr).default([]), {
    description:
      "Address blocks the carrier's signalling comes from, beside its peers' own addresses, given or looked up, and the connection of a registration. Others are refused.",
    example: ['198.51.100.0/24'],
  }),
  mediaAllow: key(z.array(cidr).default([]), {
    description: "Address blocks the carrier's media may come from when it is not the address in its SDP.",
    example: ['198.51.100.0/24'],
  }),
  callerId: key(callerNumber, {
    description: 'Number shown to the called person when the caller has none of his own.',
    example: '+441234567890',
  }),
  ...behaviour,
  codecs: key(codecs.optional(), {
    description: 'Codecs offered to the carrier, in order of preference. Without it, media.codecs.',
    example: ['PCMA', 'PCMU'],
  }),
  maxCalls: key(z.int().min(1).optional(), { description: 'Calls at one time on this trunk, both directions.', example: 30 }),
  limits: key(limits.optional(), { description: 'Bounds on calls out by this trunk.' }),
  budget: key(budget.optional(), { description: 'Money for calls out by this trunk.' }),
  callsPerSecond: key(z.number().min(0.1).max(1000).optional(), { description: 'New outbound calls per second.', example: 5 }),
});

export const trunks = key(z.array(trunk).default([]), {
  description: 'Carriers. Outbound calls take the first one in the list.',
});

export type TrunkConfig = z.output<typeof trunk>;
