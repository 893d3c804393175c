import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { LiveObjects } from '../base/live-objects.js';
import type { CallDirection, CallFact, FactSink, LegKind } from '../call/facts.js';
import { kindsOf } from '../call/state.js';
import type { TrunkView } from '../call/trunk-view.js';
import type { LegStats } from '../media/plane.js';
import { Instruments } from './instruments.js';

export interface MetricsOptions {
  readonly version: string;
}

export interface MetricsDeps {
  /** Asked at each scrape. */
  liveObjects(): Promise<LiveObjects>;
  trunks(): readonly TrunkView[];
  isReady(): boolean;
  /** Budgets that are set, and how much of them is used; absent where there is no guard. */
  budgets?(): readonly BudgetUse[];
}

/** One budget of one party. */
export interface BudgetUse {
  readonly scope: string;
  readonly period: 'day' | 'month';
  /** From 0 to 1, and above where it was overdrawn. */
  readonly usedRatio: number;
}

type Ended = Extract<CallFact, { type: 'ended' }>;
type Received = Extract<CallFact, { type: 'received' }>;

interface OpenCall {
  readonly received: Received;
  /** As far as is known: a call may be forwarded while it rings. */
  direction: CallDirection;
  rang: boolean;
  answered: boolean;
  /** Key presses whose end is not known yet. */
  readonly digits: Map<number, { readonly from: LegKind; readonly by: string; readonly as: string }>;
}

const loopSamplingMs = 10;
const directions: readonly CallDirection[] = ['browser-to-trunk', 'trunk-to-browser', 'trunk-to-trunk', 'browser-to-browser'];

/** The metrics of one gateway: a fold over call facts, and what is asked at each scrape. */
export class Metrics {
  private readonly instruments = new Instruments();
  private readonly open = new Map<string, OpenCall>();
  private readonly loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: loopSamplingMs });

  constructor(
    options: MetricsOptions,
    private readonly deps: MetricsDeps,
  ) {
    this.instruments.set('gateway_build_info', { version: options.version }, 1);
    for (const direction of directions) this.instruments.set('gateway_calls_active', { direction }, 0);
    this.loopDelay.enable();
  }

  /** Takes the next fact. */
  readonly take: FactSink = (fact) => {
    if (fact.type === 'received') {
      this.open.set(fact.callId, { received: fact, direction: fact.direction, rang: false, answered: false, digits: new Map() });
      this.instruments.add('gateway_calls_active', { direction: fact.direction }, 1);
      return;
    }
    const call = this.open.get(fact.callId);
    if (call === undefined) return;
    if (fact.type === 'ended') {
      this.open.delete(fact.callId);
      this.end(call, fact);
    } else this.during(call, fact);
  };

  countCdrFailure(kind: 'delayed' | 'lost'): void {
    this.instruments.count('gateway_cdr_failures_total', { kind });
  }

  /** Everything, in the text format Prometheus reads. */
  async text(): Promise<string> {
    this.instruments.set('gateway_ready', {}, this.deps.isReady() ? 1 : 0);
    for (const { scope, period, usedRatio } of this.deps.budgets?.() ?? []) {
      this.instruments.set('gateway_budget_used_ratio', { scope, period }, usedRatio);
    }
    const live = await this.deps.liveObjects();
    // A kind that is no longer reported is gone, not what it last was.
    this.instruments.reset('gateway_live_objects');
    for (const [kind, count] of Object.entries(live)) {
      this.instruments.set('gateway_live_objects', { kind }, count);
    }
    this.setTrunks();
    for (const percent of [50, 99]) {
      // What is measured is the time between two samples; what exceeds the interval is delay.
      const seconds = Math.max(0, this.loopDelay.percentile(percent) / 1e9 - loopSamplingMs / 1000);
      this.instruments.set('gateway_event_loop_delay_seconds', { quantile: String(percent / 100) }, seconds);
    }
    this.loopDelay.reset();
    return this.instruments.registry.metrics();
  }

  private setTrunks(): void {
    for (const { id: trunk, callsInUse, peers, registration } of this.deps.trunks()) {
      this.instruments.set('gateway_trunk_calls', { trunk }, callsInUse);
      if (registration !== undefined) this.instruments.set('gateway_trunk_registered', { trunk }, registration.registered ? 1 : 0);
      for (const { uri, health } of peers) this.instruments.set('gateway_trunk_peer_up', { trunk, peer: uri }, health === 'up' ? 1 : 0);
    }
  }

  get contentType(): string {
    return this.instruments.registry.contentType;
  }

  stop(): void {
    this.loopDelay.disable();
  }

  private during(call: OpenCall, fact: Exclude<CallFact, Received | Ended>): void {
    switch (fact.type) {
      case 'decision':
        // `sites[pk_shop].limits.calls` is one of many, `sites.limits.calls` one of few.
        this.instruments.count('gateway_guard_decisions_total', { rule: fact.rule.replace(/\[[^\]]*\]/g, ''), verdict: fact.verdict });
        break;
      case 'crowded':
        this.instruments.count('gateway_calls_refused_total', { bound: fact.bound });
        break;
      case 'ringing':
        if (!call.rang) this.setUp(call, 'ringing', fact.atMs);
        call.rang = true;
        break;
      case 'answered':
        if (!call.answered) this.setUp(call, 'answer', fact.atMs);
        call.answered = true;
        break;
      case 'digit':
        call.digits.set(fact.id, { from: fact.from, by: fact.by, as: 'none' });
        break;
      case 'digit-sent':
        this.digitSent(call, fact);
        break;
      case 'digit-acknowledged':
        this.digitOver(call, fact.id, 'acknowledged');
        break;
      case 'digit-failed':
        this.digitOver(call, fact.id, fact.why === 'withheld' ? 'withheld' : 'failed');
        break;
      case 'media-silent':
        this.instruments.count('gateway_media_silences_total', { kind: fact.kind, cause: fact.cause });
        break;
      case 'media-failed':
        this.instruments.count('gateway_media_failures_total', { kind: fact.kind, cause: fact.cause });
        break;
      case 'reoffer':
        this.instruments.count('gateway_reoffers_total', { outcome: fact.accepted ? 'accepted' : 'refused' });
        break;
      case 'flow-lost':
        this.instruments.count('gateway_browser_flows_lost_total');
        break;
      case 'routed':
        this.instruments.add('gateway_calls_active', { direction: call.direction }, -1);
        this.instruments.add('gateway_calls_active', { direction: fact.direction }, 1);
        call.direction = fact.direction;
        break;
      case 'progress':
      case 'media-up':
      case 'media-resumed':
      case 'held':
      case 'resumed':
      case 'attempt-failed':
      case 'reattached':
      case 'transfer-requested':
      case 'transferred':
      case 'transfer-failed':
      case 'replaced':
      case 'secure-digits':
      case 'page-quality':
        break;
    }
  }

  /** An INFO is over when it has been acknowledged; everything else when it has left. */
  private digitSent(call: OpenCall, { id, as }: Extract<CallFact, { type: 'digit-sent' }>): void {
    const digit = call.digits.get(id);
    if (digit === undefined) return;
    call.digits.set(id, { ...digit, as });
    if (as !== 'info') this.digitOver(call, id, 'sent');
  }

  private digitOver(call: OpenCall, id: number, outcome: string): void {
    const digit = call.digits.get(id);
    if (digit === undefined) return;
    call.digits.delete(id);
    this.instruments.count('gateway_digits_total', { ...digit, outcome });
  }

  private setUp({ received, direction }: OpenCall, until: 'ringing' | 'answer', atMs: number): void {
    this.instruments.observe('gateway_call_setup_seconds', { direction, until }, (atMs - received.atMs) / 1000);
  }

  private end({ direction, answered }: OpenCall, ended: Ended): void {
    this.instruments.add('gateway_calls_active', { direction }, -1);
    this.instruments.count('gateway_calls_total', { direction, outcome: ended.failure ?? 'completed' });
    if (answered) this.instruments.observe('gateway_call_talk_seconds', { direction }, ended.talkMs / 1000);
    const { a, b } = kindsOf(direction);
    if (ended.mediaA !== undefined) this.addMedia(a, ended.mediaA);
    if (ended.mediaB !== undefined) this.addMedia(b, ended.mediaB);
  }

  private addMedia(leg: LegKind, stats: LegStats): void {
    this.instruments.count('gateway_rtp_packets_total', { leg, direction: 'received' }, stats.packetsReceived);
    this.instruments.count('gateway_rtp_packets_total', { leg, direction: 'sent' }, stats.packetsSent);
    this.instruments.count('gateway_rtp_packets_lost_total', { leg }, Math.max(0, stats.packetsLost));
    for (const [reason, count] of Object.entries(stats.dropped)) {
      this.instruments.count('gateway_rtp_packets_dropped_total', { leg, reason }, count);
    }
  }
}
