/** The ticket office of a gateway, made from its configuration. */

import { type Site, Sites } from '../auth/site.js';
import { SiteKeyFetcher } from '../auth/site-key-fetcher.js';
import { TicketDesk } from '../auth/ticket-desk.js';
import { TicketIssuer } from '../auth/ticket-issuer.js';
import { passingKey, type SigningKey, signingKey, siteKey, type TicketKey } from '../auth/ticket-keys.js';
import { TicketVerifier } from '../auth/ticket-verifier.js';
import { UsedTicketFile } from '../auth/used-ticket-file.js';
import { UsedTickets } from '../auth/used-tickets.js';
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { GatewayConfig } from '../config/schema.js';
import type { Secrets } from '../config/secrets.js';
import type { SiteConfig } from '../config/sections/sites.js';
import { originOf } from '../config/values.js';

/** What the edges and the API need of it. */
export interface TicketOffice {
  readonly sites: Sites;
  readonly desk: TicketDesk;
  readonly verifier: TicketVerifier;
  /** Whether a page needs a ticket to call. */
  readonly required: boolean;
  /** Every key of the gateway itself. */
  readonly keys: readonly SigningKey[];
  /** Reads what was used in an earlier life of the gateway. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface OfficeDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: Secrets;
  readonly mayDial: (number: string) => boolean;
}

/** Requests for tickets that one address may make in an hour, whatever comes of them. */
const perAddressPerHour = 600;

export function ticketOffice(config: GatewayConfig, deps: OfficeDeps): TicketOffice {
  const { clock, log, secrets, mayDial } = deps;
  const { tickets } = config.auth;
  const sites = new Sites(config.sites.map((site) => siteOf(site, secrets)));
  const configured = (tickets.keys ?? []).map(({ kid, algorithm }) => signingKey(kid, algorithm, secrets.ticketKey(kid) ?? ''));
  const passing = passingKey();
  if (configured.length === 0 && config.sites.length > 0)
    log.warn({}, 'auth.tickets.keys is empty: a restart ends the tickets that are out');
  const [key = passing] = configured;
  const { publicUrl } = config.http;
  const audience = tickets.audience ?? (publicUrl === undefined ? undefined : originOf(publicUrl)) ?? 'webrtc-pstn-gateway';
  const { lifetimeSeconds, maxLifetimeSeconds, skewSeconds, replayFile } = tickets;
  const file = replayFile === undefined ? undefined : new UsedTicketFile({ path: replayFile }, { clock, log });
  const used = new UsedTickets((id, expiresAtMs) => file?.add(id, expiresAtMs), { clock });
  const sources = config.sites.flatMap((site) => (site.jwks === undefined ? [] : [{ site: site.key, url: site.jwks }]));
  const keys: readonly TicketKey[] = [...(configured.length === 0 ? [passing] : configured), ...siteKeys(config, secrets)];
  const fetched = new SiteKeyFetcher(sources, { clock, log });
  const issuer = new TicketIssuer({ audience, lifetimeSeconds }, { key, clock });
  return {
    sites,
    desk: new TicketDesk({ maxLifetimeSeconds, perAddressPerHour }, { sites, issuer, mayDial, clock }),
    verifier: new TicketVerifier({ audience, skewSeconds, maxLifetimeSeconds }, { sites, keys, fetched, used, clock }),
    required: tickets.required ?? config.sites.length > 0,
    keys: configured.length === 0 ? [passing] : configured,
    start: async () => {
      for (const { id, expiresAtMs } of (await file?.read()) ?? []) used.remember(id, expiresAtMs);
    },
    stop: async () => void (await file?.flush()),
  };
}

function siteOf({ key, origins, destinations, from, callerIds, users, maxSeconds, anonymous }: SiteConfig, secrets: Secrets): Site {
  const secret = secrets.siteSecret(key);
  return {
    ...{ key, origins, destinations, callerIds, users },
    ...(secret === undefined ? {} : { secret }),
    ...(from === undefined ? {} : { from }),
    ...(maxSeconds === undefined ? {} : { maxSeconds }),
    ...(anonymous === undefined ? {} : { anonymous }),
  };
}

function siteKeys({ sites }: GatewayConfig, secrets: Secrets): readonly TicketKey[] {
  return sites.flatMap(({ key, keys = [] }) =>
    keys.map(({ kid, algorithm }) => siteKey(key, kid, algorithm, secrets.siteKey(key, kid) ?? '')),
  );
}
