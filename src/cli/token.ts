import { readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { parseArgs } from 'node:util';
import type { TicketAnswer } from '../auth/ticket-desk.js';
import { SystemClock } from '../base/clock.js';
import { silentLog } from '../base/log.js';
import type { Environment } from '../config/environment.js';
import { formatFault } from '../config/fault.js';
import type { GatewayConfig } from '../config/schema.js';
import { resolveSecrets, type Secrets } from '../config/secrets.js';
import { ticketOffice } from '../wiring/tickets.js';
import { loadDemo, loadFile } from './configuration.js';

const usage = `webrtc-pstn-gateway token --site KEY [options]

Prints a ticket for one call, as a back end of the website could have it, and on the error output what it
is good for. With auth.tickets.keys it is signed here; without, the gateway on this machine is asked for it,
for then it alone knows its key.

  --config FILE     the gateway's configuration; GATEWAY_CONFIG where it is not given
  --site KEY        public key of the website (sites[].key)
  --to NAME         one of its destinations, or a number; its first destination when not given
  --origin ORIGIN   origin of the page that may use it; those of the site when not given
  --visitor NAME    whom it is made out to
  --from NUMBER     number shown to the called side
  --max-seconds N   longest call
  --valid-seconds N how long it is good for
`;

const timeoutMs = 5_000;
const options = {
  config: { type: 'string' },
  site: { type: 'string' },
  to: { type: 'string' },
  origin: { type: 'string' },
  visitor: { type: 'string' },
  from: { type: 'string' },
  'max-seconds': { type: 'string' },
  'valid-seconds': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** What the ticket is to say, in the words of `POST /api/v1/tickets`. */
type Wish = Readonly<Record<string, string | number>>;

type Minted = { readonly ticket: string; readonly to: string; readonly expiresAt: string } | { readonly why: string };

/** `token`: 0 and a ticket, or 1 and why there is none; 2 when it is asked for wrongly. */
export async function token(args: readonly string[], environment: Environment): Promise<number> {
  const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  if (values.site === undefined) return failed('name the website with --site', 2);
  const file = values.config ?? environment['GATEWAY_CONFIG'];
  const loaded = file === undefined ? loadDemo(environment) : loadFile(file, environment);
  if (!loaded.ok) return failed(loaded.faults.map(formatFault).join('\n'), 1);
  const { secrets, faults } = resolveSecrets(loaded.config, { environment, readFile: (path) => readFileSync(path, 'utf8') });
  const missing = faults.filter(({ path }) => path.startsWith('auth.') || path.startsWith('sites'));
  if (missing.length > 0) return failed(missing.map(formatFault).join('\n'), 1);
  const { to, origin, visitor, from } = values;
  const [maxSeconds, validSeconds] = [values['max-seconds'], values['valid-seconds']].map((text) =>
    text === undefined ? undefined : Number(text),
  );
  const wish: Wish = Object.fromEntries(
    Object.entries({ to, origin, visitor, from, maxSeconds, validSeconds }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
  const signs = (loaded.config.auth.tickets.keys ?? []).length > 0;
  const minted = signs ? await mint(loaded.config, secrets, values.site, wish) : await ask(loaded.config, secrets, values.site, wish);
  if ('why' in minted) return failed(minted.why, 1);
  process.stdout.write(`${minted.ticket}\n`);
  const origins = origin ?? loaded.config.sites.find(({ key }) => key === values.site)?.origins.join(', ');
  process.stderr.write(`for one call to ${minted.to}, by a page of ${origins}, until ${minted.expiresAt}\n`);
  return 0;
}

function failed(why: string, status: number): number {
  process.stderr.write(`webrtc-pstn-gateway token: ${why}\n`);
  return status;
}

async function mint(config: GatewayConfig, secrets: Secrets, site: string, wish: Wish): Promise<Minted> {
  // Whether the number may be dialled is for the gateway to say when it is called.
  const office = ticketOffice(config, { clock: new SystemClock(), log: silentLog, secrets, mayDial: () => true });
  const answer: TicketAnswer = await office.desk.mint(site, wish);
  if (answer.kind === 'refused') return { why: answer.why };
  return { ticket: answer.ticket, to: answer.to, expiresAt: new Date(answer.expiresAtMs).toISOString() };
}

/** Asks the gateway on this machine, in the name of the site's back end. */
async function ask({ http }: GatewayConfig, secrets: Secrets, site: string, wish: Wish): Promise<Minted> {
  const secret = secrets.siteSecret(site);
  if (secret === undefined) {
    return { why: `auth.tickets.keys is empty and ${site} is no site with a secret; add a key, or give the site a secret` };
  }
  const { host, port, tls } = http;
  const here = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${secret}` };
  const where = { host: here, port, path: '/api/v1/tickets', method: 'POST', headers, timeout: timeoutMs };
  return await new Promise((resolve) => {
    const nobody = (): void => resolve({ why: `no gateway answers on ${here} port ${port}; start it, or add a key to auth.tickets.keys` });
    // The certificate is for the public name; the secret goes to an address of this machine.
    const request = tls === undefined ? requestHttp(where) : requestHttps({ ...where, rejectUnauthorized: false });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(readAnswer(Buffer.concat(chunks).toString('utf8'))));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', nobody);
    request.end(JSON.stringify(wish));
  });
}

function readAnswer(text: string): Minted {
  try {
    const answer = JSON.parse(text) as Partial<{ ticket: string; to: string; expiresAt: string; error: { readonly message: string } }>;
    const { ticket, to, expiresAt, error } = answer;
    if (ticket !== undefined && to !== undefined && expiresAt !== undefined) return { ticket, to, expiresAt };
    return { why: error?.message ?? 'the gateway gave no ticket' };
  } catch {
    return { why: 'what answered is no gateway' };
  }
}
