import { AdminServer } from '../../src/admin/admin-server.js';
import { CallEvents } from '../../src/admin/call-events.js';
import type { AdminDeps, AdminOptions, DigitsOutcome, GatewayState } from '../../src/admin/ports.js';
import { addressReader } from '../../src/base/client-address.js';
import type { CallId } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import type { CallView } from '../../src/call/call-view.js';
import type { TrunkView } from '../../src/call/trunk-view.js';
import { CdrFold } from '../../src/cdr/fold.js';
import { RecentRecords } from '../../src/cdr/recent.js';
import { StoryRecorder } from '../../src/story/recorder.js';
import { beganAtMs, completedCall } from './call-facts.js';
import { FakeClock } from './fake-clock.js';
import { Office } from './ticket-office.js';

const view: CallView = {
  id: 'c-1' as CallId,
  direction: 'browser-to-trunk',
  state: 'connected',
  from: { number: 'demo' },
  to: '+15550123456',
  source: '127.0.0.1:50000',
  trunk: 'carrier',
  startedAtMs: beganAtMs,
  answeredAtMs: beganAtMs + 2000,
};

const trunkView: TrunkView = {
  id: 'carrier',
  callsInUse: 3,
  maxCalls: 30,
  peers: [
    { uri: 'sip:a.example', health: 'up' },
    { uri: 'sip:b.example', health: 'resting', untilMs: beganAtMs + 60_000 },
  ],
  registration: { registered: false, lastFailure: '403 Forbidden', lastFailureAtMs: beganAtMs },
};

/** What the HTTP side asked its gateway to do, and what the gateway says of itself. */
export interface Steps {
  state: GatewayState;
  digits: DigitsOutcome;
  readonly did: string[];
}

/** The HTTP side over a gateway with one live call, one finished one and one trunk. Nothing listens before `start`. */
export function makeAdmin(options: Pick<AdminOptions, 'webFolder'> & Partial<AdminOptions>) {
  const steps: Steps = { state: 'ready', digits: { kind: 'sent', ids: [1, 2, 3, 4] }, did: [] };
  const recent = new RecentRecords({ capacity: 10 });
  const fold = new CdrFold((record) => recent.add(record));
  const stories = new StoryRecorder({ calls: 10, messagesPerCall: 10, samplesPerCall: 10 });
  for (const fact of completedCall) {
    fold.take(fact);
    stories.take(fact);
  }
  for (const fact of completedCall.slice(0, 15)) fold.take(fact);
  const events = new CallEvents();
  const office = new Office();
  const clock = new FakeClock();
  const deps: AdminDeps = {
    log: silentLog,
    clock,
    state: () => steps.state,
    calls: () => [view],
    trunks: () => [trunkView],
    notes: (id) => fold.notes(id),
    hangUp: (id) => {
      steps.did.push(`hang up ${id}`);
      return id === 'c-1';
    },
    sendDigits: async (id, digits, wishes) => {
      steps.did.push(`${digits} to ${id} ${JSON.stringify(wishes)}`);
      return steps.digits;
    },
    secureDigits: (id, open, seconds) => {
      steps.did.push(`${open ? 'secure' : 'open'} ${id} ${seconds}`);
      return id === 'c-1';
    },
    events,
    drain: () => {
      steps.did.push('drain');
      steps.state = 'draining';
    },
    records: () => recent.all,
    record: (callId) => recent.find(callId),
    story: (callId) => stories.find(callId),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'gateway_ready 1\n' }),
    ratings: { clock: office.clock, rate: ({ callToken }) => callToken === 'token-of-c-1' },
    addressOf: addressReader(['10.0.0.0/8']),
    guard: {
      brake: () => ({
        action: 'hold',
        habits: [{ who: 'pk_shop', calls: 30, countries: ['+44'] }],
        unusual: [{ who: 'pk_shop', country: '+53', count: 2, at: new Date(beganAtMs).toISOString() }],
      }),
      allow: (who, country) => {
        steps.did.push(`allow ${country} for ${who}`);
        return country === '+53';
      },
      currency: 'EUR',
      scopes: () => [
        {
          scope: 'gateway',
          rule: 'policy.limits',
          calls: 1,
          minutesOfDay: 2,
          spentOfDay: 0.5,
          spentOfMonth: 3,
          limits: { calls: 9 },
          budget: {},
        },
      ],
    },
    tickets: { desk: office.desk, keys: [office.key] },
    ice: {
      clock: office.clock,
      iceServersFor: (subject) => ({ iceServers: [{ urls: ['turn:turn.example'], username: subject, credential: 'c' }], ttlSeconds: 3600 }),
      verify: (ticket, origin) => office.verifier.verify(ticket, origin),
      sites: office.sites,
      origins: () => ['https://call.example'],
    },
    onSipUpgrade: (request, socket) => {
      steps.did.push(`upgrade ${request.url}`);
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    },
  };
  const server = new AdminServer({ version: '0.0.0', host: '127.0.0.1', port: 0, demoPage: true, ...options }, deps);
  return { server, steps, events, clock };
}
