/** The HTTP side of a gateway: its options, and what it asks of the other parts. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AdminServer } from '../admin/admin-server.js';
import { digitRefusals } from '../admin/digit-refusals.js';
import type { AdminOptions, DigitsOutcome, DigitWishes, GatewayState } from '../admin/ports.js';
import type { HostPort } from '../base/address.js';
import { addressReader } from '../base/client-address.js';
import type { Clock } from '../base/clock.js';
import type { CallId } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { GatewayConfig } from '../config/schema.js';
import type { Secrets } from '../config/secrets.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Brake } from '../policy/brake.js';
import type { FraudGuard } from '../policy/guard.js';
import type { CallCore } from './call-core.js';
import type { CallRecords } from './call-records.js';
import { ownOrigins, seconds } from './options.js';
import type { TicketOffice } from './tickets.js';
import type { TurnPart } from './turn.js';

interface AdminParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: Secrets;
  readonly state: () => GatewayState;
  readonly drain: (graceMs: number) => void;
  /** Undefined before it runs. */
  readonly core: () => CallCore | undefined;
  readonly records: CallRecords;
  readonly metrics: Metrics;
  readonly guard: FraudGuard;
  readonly brake: Brake;
  readonly tickets: TicketOffice;
  readonly turn: TurnPart;
  /** Where HTTP really listens; undefined before it does. */
  readonly bound: () => HostPort | undefined;
  readonly acceptWebSocket: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** Nothing listens before its `start`. */
export function makeAdmin(
  config: GatewayConfig,
  options: Pick<AdminOptions, 'version' | 'webFolder' | 'demoPage'>,
  parts: AdminParts,
): AdminServer {
  const { clock, records, guard, brake, tickets, turn, metrics } = parts;
  const { adminToken: token, viewToken, httpTls: tls } = parts.secrets;
  const { host, port, publicUrl } = config.http;
  const { stories } = records;
  const calls = () => parts.core()?.calls;
  return new AdminServer(
    {
      ...options,
      ...{ host, port },
      ...(tls === undefined ? {} : { tls }),
      ...(token === undefined ? {} : { token }),
      ...(viewToken === undefined ? {} : { viewToken }),
      ...(publicUrl === undefined ? {} : { publicUrl }),
    },
    {
      log: parts.log,
      clock,
      state: parts.state,
      calls: () => calls()?.calls() ?? [],
      trunks: () => parts.core()?.trunks.states() ?? [],
      notes: (callId) => records.notes(callId),
      hangUp: (callId) => calls()?.hangUp(callId as CallId) ?? false,
      sendDigits: (callId, digits, wishes) => sendDigits(parts.core(), callId, digits, wishes),
      secureDigits: (callId, open, duration) => calls()?.secureDigits(callId as CallId, open, seconds(duration)) ?? false,
      events: records.events,
      drain: () => parts.drain(seconds(config.shutdown.drainSeconds)),
      records: () => records.recent.all,
      record: (callId) => records.recent.find(callId),
      ratings: { clock, rate: (rating) => records.ratings.rate(rating) },
      ...(stories === undefined ? {} : { story: (callId: string) => stories.find(callId) }),
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
      addressOf: addressReader(config.http.trustedProxies),
      guard: {
        currency: config.policy.currency,
        scopes: () => guard.view(),
        brake: () => brake.view(),
        allow: (who, country) => brake.allow(who, country),
      },
      tickets: { desk: tickets.desk, keys: tickets.keys, iceServersFor: turn.iceServers.for },
      ice: {
        clock,
        iceServersFor: turn.iceServers.for,
        verify: (ticket, origin) => tickets.verifier.verify(ticket, origin),
        sites: tickets.sites,
        origins: () => [...ownOrigins(config, parts.bound() ?? config.http), ...config.http.allowedOrigins],
      },
      onSipUpgrade: parts.acceptWebSocket,
    },
  );
}

async function sendDigits(core: CallCore | undefined, callId: string, digits: string, wishes: DigitWishes): Promise<DigitsOutcome> {
  const result = await core?.calls.sendDigits(callId as CallId, digits, wishes);
  if (result === undefined || (result.kind === 'refused' && result.why === 'unknown-call')) return { kind: 'unknown-call' };
  return result.kind === 'queued' ? { kind: 'sent', ids: result.ids } : { kind: 'refused', why: digitRefusals[result.why] };
}
