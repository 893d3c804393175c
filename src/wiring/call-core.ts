/** The call core between its two edges, made from the configuration. */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { BrowserDialler } from '../browser/browser-dialler.js';
import { BrowserEdge } from '../browser/browser-edge.js';
import { Registrar } from '../browser/registrar.js';
import { UserCalls } from '../browser/user-calls.js';
import { CallService } from '../call/call-service.js';
import { connectEdges } from '../call/edges.js';
import type { FactSink } from '../call/facts.js';
import { RuleRouter } from '../call/routing.js';
import { TransferPolicy } from '../call/transfer/transfer-policy.js';
import type { GatewayConfig } from '../config/schema.js';
import type { Secrets } from '../config/secrets.js';
import type { MediaPlane } from '../media/plane.js';
import type { FraudGuard } from '../policy/guard.js';
import { GuardedDialler } from '../policy/guarded-dialler.js';
import type { SipPort } from '../sip/port.js';
import type { TrunkOptions } from '../trunk/options.js';
import { TrunkDialler } from '../trunk/trunk-dialler.js';
import { TrunkEdge } from '../trunk/trunk-edge.js';
import { trunkRoute } from '../trunk/trunk-route.js';
import { Trunks } from '../trunk/trunks.js';
import { destinationCheck } from './destinations.js';
import { emergencyCheck } from './guard.js';
import { browserDiallerOptions, browserOptions, callOptions, inboundRules } from './options.js';
import type { TicketOffice } from './tickets.js';

interface CallCoreDeps {
  readonly sip: SipPort;
  readonly media: MediaPlane;
  readonly guard: FraudGuard;
  readonly tickets: TicketOffice;
  readonly facts: FactSink;
  /** How late the event loop is, by which calls are refused. */
  readonly loopDelayMs: () => number;
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: Secrets;
}

/** What of it the rest of the gateway asks. */
export interface CallCore {
  readonly calls: CallService;
  readonly registrar: Registrar;
  readonly trunks: Trunks;
}

/** From now on calls are taken on both sides; `trunks` are those configured, and the demo's. */
export function makeCallCore(config: GatewayConfig, trunks: readonly TrunkOptions[], deps: CallCoreDeps): CallCore {
  const { sip, media, guard, tickets, facts, loopDelayMs, clock, log } = deps;
  const browser = browserOptions(config, deps.secrets, tickets.required);
  const registrar = new Registrar(browser.registration, {
    clock,
    log,
    onMoved: (from, to) => {
      sip.moveFlow?.(from, to);
      calls.flowFound(to);
    },
  });
  const userCalls = new UserCalls();
  const shared = new Trunks(trunks, { sip, clock, log });
  const mayDial = destinationCheck(config);
  const emergency = emergencyCheck(config);
  const router = new RuleRouter(
    {
      trunks: trunks.map(trunkRoute),
      inbound: inboundRules(config),
      browserMedia: { kind: 'webrtc', codecs: browser.codecs },
    },
    { mayDial, emergency },
  );
  const diallers = {
    trunk: new GuardedDialler(
      new TrunkDialler(trunks, {
        sip,
        ...{ lines: shared.lines, book: shared.book, clock, log },
        mayDial: (number) => emergency(number) === undefined && mayDial(number).allowed,
        registeredWith: (trunk) => shared.registeredWith(trunk),
      }),
      guard,
    ),
    browser: new BrowserDialler(browserDiallerOptions(config, browser.realm), { sip, registrar, userCalls, clock, log }),
  };
  const ours = new Set(config.inbound.map(({ number }) => withoutPlus(number)));
  const transfers = new TransferPolicy(config.policy.transfer, { router, isOurs: (number) => ours.has(withoutPlus(number)) });
  const calls = new CallService(callOptions(config), { media, clock, log, router, diallers, transfers, facts, loopDelayMs });
  const edges = {
    browser: new BrowserEdge(browser, { calls, registrar, userCalls, tickets: tickets.verifier, clock, log }),
    trunk: new TrunkEdge(trunks, { calls, shared, log }),
  };
  connectEdges(sip, edges, calls);
  return { calls, registrar, trunks: shared };
}

const withoutPlus = (number: string): string => number.replace(/^\+/, '');
