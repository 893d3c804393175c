import { inspect } from 'node:util';
import { messageOf } from '../base/errors.js';
import type { Environment } from './environment.js';
import type { ConfigFault } from './fault.js';
import type { GatewayConfig } from './schema.js';
import { drachtioServers } from './sections/drachtio.js';
import type { SecretRef } from './values.js';

/** Certificate, key and authorities as PEM text. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  /** Further ones, shown to clients that ask for a name of theirs. */
  readonly more?: readonly { readonly cert: string; readonly key: string }[];
}

interface TlsFiles {
  readonly cert: string;
  readonly key: SecretRef;
}

interface SecretValues {
  readonly adminToken?: string;
  readonly viewToken?: string;
  readonly trunkPasswords: ReadonlyMap<string, string>;
  readonly registerPasswords: ReadonlyMap<string, string>;
  readonly userPasswords: ReadonlyMap<string, string>;
  readonly siteSecrets: ReadonlyMap<string, string>;
  readonly siteKeys: ReadonlyMap<string, string>;
  readonly ticketKeys: ReadonlyMap<string, string>;
  readonly httpTls?: TlsMaterial;
  readonly sipTls?: TlsMaterial;
  readonly drachtio: readonly DrachtioSecret[];
  readonly drachtioListen?: string;
  readonly turnSecret?: string;
  readonly turnTls?: TlsMaterial;
  readonly iceCredentials: readonly (string | undefined)[];
}

/** Secret of one drachtio server, in the order of `drachtioServers`, and its authorities as PEM text. */
export interface DrachtioSecret {
  readonly secret: string;
  readonly ca?: string;
}

/** The secrets of one configuration, apart from it. Printing or serialising it shows nothing. */
export class Secrets {
  readonly #values: SecretValues;

  constructor(values: SecretValues) {
    this.#values = values;
  }

  get adminToken(): string | undefined {
    return this.#values.adminToken;
  }

  get viewToken(): string | undefined {
    return this.#values.viewToken;
  }

  trunkPassword(id: string): string | undefined {
    return this.#values.trunkPasswords.get(id);
  }

  registerPassword(id: string): string | undefined {
    return this.#values.registerPasswords.get(id);
  }

  userPassword(name: string): string | undefined {
    return this.#values.userPasswords.get(name);
  }

  /** Secret of a website's back end, by the site's public key. */
  siteSecret(site: string): string | undefined {
    return this.#values.siteSecrets.get(site);
  }

  /** Key that a website's back end signs with. */
  siteKey(site: string, kid: string): string | undefined {
    return this.#values.siteKeys.get(keyName(site, kid));
  }

  /** Key that the gateway signs tickets with. */
  ticketKey(kid: string): string | undefined {
    return this.#values.ticketKeys.get(kid);
  }

  get httpTls(): TlsMaterial | undefined {
    return this.#values.httpTls;
  }

  get sipTls(): TlsMaterial | undefined {
    return this.#values.sipTls;
  }

  get drachtio(): readonly DrachtioSecret[] {
    return this.#values.drachtio;
  }

  get drachtioListen(): string | undefined {
    return this.#values.drachtioListen;
  }

  /** What credentials for TURN servers are made with. */
  get turnSecret(): string | undefined {
    return this.#values.turnSecret;
  }

  /** Certificate of the embedded TURN server, when it has one of its own. */
  get turnTls(): TlsMaterial | undefined {
    return this.#values.turnTls;
  }

  /** Password of an entry of `media.iceServers`. */
  iceCredential(at: number): string | undefined {
    return this.#values.iceCredentials[at];
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return 'Secrets ***';
  }
}

const leastSiteSecretBytes = 24;
const leastTurnSecretBytes = 24;
/** An HMAC key (RFC 7518 §3.2); how long a PEM must be is the reader's business. */
const leastKeyBytes = (algorithm: 'EdDSA' | 'HS256'): number => (algorithm === 'HS256' ? 32 : 1);

const keyName = (site: string, kid: string): string => `${site} ${kid}`;

/** Where secrets are read from. */
export interface SecretSources {
  readonly environment: Environment;
  readFile(path: string): string;
}

export interface ResolvedSecrets {
  readonly secrets: Secrets;
  /** Secrets that cannot be had here. */
  readonly faults: readonly ConfigFault[];
}

class Reader {
  readonly faults: ConfigFault[] = [];

  constructor(private readonly sources: SecretSources) {}

  file(path: string, file: string): string {
    try {
      const text = this.sources.readFile(file);
      if (text.trim() !== '') return text;
      this.faults.push({ path, problem: `the file ${file} is empty`, remedy: 'put the value into it' });
    } catch (thrown) {
      this.faults.push({
        path,
        problem: `the file ${file} cannot be read (${messageOf(thrown)})`,
        remedy: 'correct the path or its permissions',
      });
    }
    return '';
  }

  secret(path: string, ref: SecretRef): string {
    if (ref.file !== undefined) return this.file(path, ref.file).replace(/\r?\n$/, '');
    const value = this.sources.environment[ref.env ?? ''] ?? '';
    if (value === '')
      this.faults.push({ path, problem: `the variable ${ref.env} is not set`, remedy: `set ${ref.env} in the environment of the gateway` });
    return value;
  }

  /** A secret that is worth something only when it is long. */
  longSecret(path: string, ref: SecretRef, leastBytes: number): string {
    const value = this.secret(path, ref);
    const bytes = Buffer.byteLength(value);
    if (value !== '' && bytes < leastBytes) {
      this.faults.push({ path, problem: `has ${bytes} bytes, and needs ${leastBytes}`, remedy: 'make one with: openssl rand -base64 48' });
    }
    return value;
  }

  tls(
    path: string,
    tls: (TlsFiles & { readonly ca?: string | undefined; readonly more?: readonly TlsFiles[] | undefined }) | undefined,
  ): TlsMaterial | undefined {
    if (tls === undefined) return undefined;
    const more = tls.more?.map((one, at) => this.certificate(`${path}.more[${at}]`, one));
    return {
      ...this.certificate(path, tls),
      ...(tls.ca === undefined ? {} : { ca: this.file(`${path}.ca`, tls.ca) }),
      ...(more === undefined ? {} : { more }),
    };
  }

  private certificate(path: string, { cert, key }: TlsFiles): { readonly cert: string; readonly key: string } {
    return { cert: this.file(`${path}.cert`, cert), key: this.secret(`${path}.key`, key) };
  }
}

/** Only of the stack that is used: the other's secrets may be missing. */
function readDrachtio({ sip }: GatewayConfig, reader: Reader): Pick<SecretValues, 'drachtio' | 'drachtioListen'> {
  const { drachtio, stack } = sip;
  if (drachtio === undefined || stack !== 'drachtio') return { drachtio: [] };
  const single = drachtio.host === undefined || drachtio.secret === undefined ? 0 : 1;
  const servers = drachtioServers(drachtio).map(({ secret, tls }, at) => {
    const path = at < single ? 'sip.drachtio' : `sip.drachtio.servers[${at - single}]`;
    const value = reader.secret(`${path}.secret`, secret);
    return tls?.ca === undefined ? { secret: value } : { secret: value, ca: reader.file(`${path}.tls.ca`, tls.ca) };
  });
  if (drachtio.listen === undefined) return { drachtio: servers };
  return { drachtio: servers, drachtioListen: reader.secret('sip.drachtio.listen.secret', drachtio.listen.secret) };
}

function readTickets({ sites, auth }: GatewayConfig, reader: Reader): Pick<SecretValues, 'siteSecrets' | 'siteKeys' | 'ticketKeys'> {
  const siteSecrets = new Map<string, string>();
  const siteKeys = new Map<string, string>();
  for (const [at, site] of sites.entries()) {
    if (site.secret !== undefined) siteSecrets.set(site.key, reader.longSecret(`sites[${at}].secret`, site.secret, leastSiteSecretBytes));
    for (const [keyAt, { kid, key, algorithm }] of (site.keys ?? []).entries()) {
      siteKeys.set(keyName(site.key, kid), reader.longSecret(`sites[${at}].keys[${keyAt}].key`, key, leastKeyBytes(algorithm)));
    }
  }
  const ticketKeys = new Map<string, string>();
  for (const [at, { kid, key, algorithm }] of (auth.tickets.keys ?? []).entries()) {
    ticketKeys.set(kid, reader.longSecret(`auth.tickets.keys[${at}].key`, key, leastKeyBytes(algorithm)));
  }
  return { siteSecrets, siteKeys, ticketKeys };
}

function readTurn({ media }: GatewayConfig, reader: Reader): Pick<SecretValues, 'turnSecret' | 'turnTls' | 'iceCredentials'> {
  const { turn, iceServers } = media;
  const turnTls = reader.tls('media.turn.embedded.tls', turn?.embedded?.tls);
  return {
    iceCredentials: iceServers.map(({ credential }, at) =>
      credential === undefined ? undefined : reader.secret(`media.iceServers[${at}].credential`, credential),
    ),
    ...(turn?.secret === undefined ? {} : { turnSecret: reader.longSecret('media.turn.secret', turn.secret, leastTurnSecretBytes) }),
    ...(turnTls === undefined ? {} : { turnTls }),
  };
}

/** Fetches every secret the configuration names, and reports all that cannot be had. */
export function resolveSecrets(config: GatewayConfig, sources: SecretSources): ResolvedSecrets {
  const reader = new Reader(sources);
  const trunkPasswords = new Map<string, string>();
  const registerPasswords = new Map<string, string>();
  for (const [at, { id, auth, register }] of config.trunks.entries()) {
    if (auth !== undefined) trunkPasswords.set(id, reader.secret(`trunks[${at}].auth.password`, auth.password));
    if (register !== undefined) registerPasswords.set(id, reader.secret(`trunks[${at}].register.password`, register.password));
  }
  const userPasswords = new Map<string, string>();
  for (const [at, { name, password }] of config.users.entries()) {
    if (password !== undefined) userPasswords.set(name, reader.secret(`users[${at}].password`, password));
  }
  const adminToken = config.admin.token === undefined ? undefined : reader.secret('admin.token', config.admin.token);
  const viewToken = config.admin.viewToken === undefined ? undefined : reader.secret('admin.viewToken', config.admin.viewToken);
  const httpTls = reader.tls('http.tls', config.http.tls);
  const sipTls = reader.tls('sip.tls', config.sip.tls);
  const secrets = new Secrets({
    trunkPasswords,
    registerPasswords,
    userPasswords,
    ...(adminToken === undefined ? {} : { adminToken }),
    ...(viewToken === undefined ? {} : { viewToken }),
    ...(httpTls === undefined ? {} : { httpTls }),
    ...(sipTls === undefined ? {} : { sipTls }),
    ...readDrachtio(config, reader),
    ...readTickets(config, reader),
    ...readTurn(config, reader),
  });
  return { secrets, faults: reader.faults };
}
