import type { SessionId } from '../../../src/base/ids.js';
import { silentLog } from '../../../src/base/log.js';
import { BrowserDialler, type BrowserDiallerOptions } from '../../../src/browser/browser-dialler.js';
import { BrowserEdge } from '../../../src/browser/browser-edge.js';
import { type BrowserEdgeOptions, defaultRegistration } from '../../../src/browser/options.js';
import { Registrar } from '../../../src/browser/registrar.js';
import { UserCalls } from '../../../src/browser/user-calls.js';
import { CallService } from '../../../src/call/call-service.js';
import { connectEdges } from '../../../src/call/edges.js';
import type { CallFact, CallFactBody } from '../../../src/call/facts.js';
import { type CallServiceOptions, defaultCallOptions } from '../../../src/call/options.js';
import { type InboundRule, RuleRouter } from '../../../src/call/routing.js';
import { TransferPolicy, type TransferRules } from '../../../src/call/transfer/transfer-policy.js';
import { judgeDestination } from '../../../src/policy/destinations.js';
import type { FlowRef } from '../../../src/sip/port.js';
import type { TrunkOptions } from '../../../src/trunk/options.js';
import { TrunkDialler } from '../../../src/trunk/trunk-dialler.js';
import { TrunkEdge } from '../../../src/trunk/trunk-edge.js';
import type { TrunkLines } from '../../../src/trunk/trunk-lines.js';
import { trunkRoute } from '../../../src/trunk/trunk-route.js';
import { Trunks } from '../../../src/trunk/trunks.js';
import { FakeClock, settle } from '../../support/fake-clock.js';
import { FakeMediaPlane } from '../../support/fake-media-plane.js';
import { FakeSip } from '../../support/fake-sip.js';

/** A session description the fake plane can read. */
export function sdp(payloads = '0 101'): string {
  return `v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP ${payloads}\r\na=rtpmap:101 telephone-event/8000\r\n`;
}

export const trunk: TrunkOptions = {
  id: 'carrier',
  peers: [{ uri: 'sip:carrier.example:5060;transport=udp', priority: 0, weight: 1 }],
  credentials: { user: 'u', password: 'p' },
  callerId: '+15550199',
  numberFormat: 'e164',
  codecs: ['PCMU', 'PCMA'],
  allow: ['192.0.2.0/24'],
  mediaAllow: [],
};

const browserOptions: BrowserEdgeOptions = {
  codecs: ['PCMU', 'PCMA'],
  users: [{ name: 'demo' }, { name: 'alice', password: 'secret', from: '+15550142' }],
  realm: 'gateway.example',
  allowPasswordless: true,
  guest: { number: 'anonymous' },
  registration: defaultRegistration,
};

export interface SceneOptions {
  readonly calls?: Partial<CallServiceOptions>;
  readonly trunk?: Partial<TrunkOptions>;
  readonly browser?: { readonly [K in keyof BrowserEdgeOptions]?: BrowserEdgeOptions[K] | undefined };
  readonly dialler?: Partial<BrowserDiallerOptions>;
  readonly transfers?: Partial<TransferRules>;
  readonly inbound?: readonly InboundRule[];
  readonly loopDelayMs?: () => number;
  /** A second trunk, tried when the first cannot. */
  readonly secondTrunk?: Partial<TrunkOptions>;
  readonly onFact?: (fact: CallFact) => void;
}

/** The call core and both edges between a fake page, a fake carrier and a fake media plane. */
export class Scene {
  readonly clock = new FakeClock();
  readonly media = new FakeMediaPlane();
  readonly sip = new FakeSip('gateway');
  readonly page = new FakeSip('page');
  readonly carrier = new FakeSip('carrier');
  readonly facts: CallFact[] = [];
  readonly pageFlow: FlowRef;
  readonly service: CallService;
  readonly registrar: Registrar;
  readonly lines: TrunkLines;

  constructor(options: SceneOptions = {}) {
    const { clock, sip } = this;
    const log = silentLog;
    const one: TrunkOptions = { ...trunk, ...options.trunk };
    const edge = Object.fromEntries(
      Object.entries({ ...browserOptions, ...options.browser }).filter(([, value]) => value !== undefined),
    ) as unknown as BrowserEdgeOptions;
    this.pageFlow = sip.connect(this.page, { transport: 'wss', origin: 'https://page.example' });
    sip.connect(this.carrier, { transport: 'udp', names: ['carrier.example'] });
    this.registrar = new Registrar(edge.registration, {
      clock,
      log,
      onMoved: (from, to) => {
        sip.moveFlow(from, to);
        this.service.flowFound(to);
      },
    });
    const trunks = options.secondTrunk === undefined ? [one] : [one, { ...trunk, id: 'second', ...options.secondTrunk }];
    const userCalls = new UserCalls();
    const shared = new Trunks(trunks, { sip, clock, log });
    this.lines = shared.lines;
    const router = new RuleRouter(
      {
        trunks: trunks.map(trunkRoute),
        inbound: options.inbound ?? [{ number: '+15550111', targets: [{ to: { user: 'demo' } }] }],
        browserMedia: { kind: 'webrtc', codecs: edge.codecs },
      },
      { mayDial: (number) => judgeDestination({ allow: ['*'], deny: ['+1900'] }, number) },
    );
    this.service = new CallService(
      { ...defaultCallOptions, ...options.calls },
      {
        media: this.media,
        clock,
        log,
        router,
        diallers: {
          trunk: new TrunkDialler(trunks, { sip, lines: shared.lines, book: shared.book, clock, log, mayDial: () => true }),
          browser: new BrowserDialler({ realm: edge.realm, ...options.dialler }, { sip, registrar: this.registrar, userCalls, clock, log }),
        },
        ...(options.loopDelayMs === undefined ? {} : { loopDelayMs: options.loopDelayMs }),
        transfers: new TransferPolicy(
          { guests: true, users: true, trunks: true, ...options.transfers },
          { router, isOurs: (number) => number === '+15550111' },
        ),
        facts: (fact) => {
          this.facts.push(fact);
          options.onFact?.(fact);
        },
      },
    );
    connectEdges(
      sip,
      {
        browser: new BrowserEdge(edge, { calls: this.service, registrar: this.registrar, userCalls, clock, log }),
        trunk: new TrunkEdge(trunks, { calls: this.service, shared, log }),
      },
      this.service,
    );
  }

  async start(): Promise<this> {
    await this.media.start();
    return this;
  }

  /** The page dials. */
  dial(number = '+15550100', headers: ReadonlyArray<readonly [string, string]> = []): ReturnType<FakeSip['call']> {
    return this.page.call({ requestUri: `sip:${number}@gateway.example`, from: { uri: 'sip:liar@evil.example' }, offer: sdp(), headers });
  }

  /** Lets everything that is under way happen. */
  async settle(): Promise<void> {
    for (let i = 0; i < 6; i += 1) await settle();
  }

  session(): SessionId {
    const opened = this.media.requests.findLast(({ method }) => method === 'open');
    if (opened === undefined) throw new Error('no media session was opened');
    return opened.session;
  }

  fact<T extends CallFactBody['type']>(type: T): Extract<CallFact, { type: T }> | undefined {
    return this.facts.find((fact): fact is Extract<CallFact, { type: T }> => fact.type === type);
  }

  factTypes(): readonly string[] {
    return this.facts.map(({ type }) => type);
  }

  /** What must be left after the last call: nothing. */
  left(): object {
    return {
      ...this.service.liveObjects(),
      dialogs: this.sip.openDialogs.size,
      invites: this.sip.openInvites.size,
      sessions:
        this.media.requests.filter(({ method }) => method === 'open').length -
        this.media.requests.filter(({ method }) => method === 'close').length,
      lines: this.lines.inUse('carrier'),
      ended: this.facts.filter(({ type }) => type === 'ended').length,
    };
  }
}

/** What `left` gives after `calls` calls. */
export const nothing = (calls = 1): object => ({ call: 0, call_timer: 0, dialogs: 0, invites: 0, sessions: 0, lines: 0, ended: calls });
