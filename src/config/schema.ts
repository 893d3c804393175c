import { z } from 'zod';
import { key } from './key.js';
import { auth } from './sections/auth.js';
import { groups } from './sections/groups.js';
import { http } from './sections/http.js';
import { inbound } from './sections/inbound.js';
import { media } from './sections/media.js';
import { admin, browser, cdr, log, shutdown } from './sections/operation.js';
import { policy } from './sections/policy.js';
import { sip } from './sections/sip.js';
import { sites } from './sections/sites.js';
import { story } from './sections/story.js';
import { trunks } from './sections/trunks.js';
import { users } from './sections/users.js';

/** The whole configuration: the one source of types, defaults, sample file and JSON Schema. */
export const configSchema = z.strictObject({
  http: key(http, { description: 'The HTTP listener: pages, SIP over WebSocket (/sip), API (/api/v1), /metrics, /healthz, /readyz.' }),
  sip: key(sip, { description: 'SIP toward the trunks.' }),
  media: key(media, { description: 'RTP, both sides.' }),
  trunks,
  users,
  groups,
  inbound,
  sites,
  auth: key(auth, { description: 'Who may call.' }),
  policy: key(policy, { description: 'Limits.' }),
  browser: key(browser, { description: 'Browser legs.' }),
  shutdown: key(shutdown, { description: 'Ending the process.' }),
  cdr: key(cdr, { description: 'Call records.' }),
  story: key(story, { description: 'What is kept of calls to tell what happened in them.' }),
  log: key(log, { description: 'The log: JSON lines on standard output.' }),
  admin: key(admin, { description: 'The API.' }),
});

export type GatewayConfig = z.output<typeof configSchema>;
