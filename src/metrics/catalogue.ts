/** Every metric of the gateway. Instruments are made from this table, so that none can be missing in it. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

type Labels = readonly string[];

const counter = (help: string, labels: Labels = []) => ({ type: 'counter', help, labels }) as const;
const gauge = (help: string, labels: Labels = []) => ({ type: 'gauge', help, labels }) as const;
const histogram = (help: string, labels: Labels, buckets: readonly number[]) => ({ type: 'histogram', help, labels, buckets }) as const;

export const catalogue = {
  gateway_build_info: gauge('Always 1; the version as a label.', ['version']),
  gateway_ready: gauge('1 while new calls are taken, 0 while starting or draining.'),
  gateway_calls_total: counter('Calls that have ended. outcome: completed, or the failure code.', ['direction', 'outcome']),
  gateway_calls_refused_total: counter('Calls the gateway had no room for. bound: calls, calls-per-second, loop-delay or draining.', [
    'bound',
  ]),
  gateway_guard_decisions_total: counter(
    'What rules of the policy said of calls. rule: its place, without whose it is; verdict: allowed, refused or ended.',
    ['rule', 'verdict'],
  ),
  gateway_budget_used_ratio: gauge('How much of a budget is used, from 0 to 1. period: day or month (UTC).', ['scope', 'period']),
  gateway_calls_active: gauge('Calls begun and not ended.', ['direction']),
  gateway_call_setup_seconds: histogram(
    'From the INVITE to ringing and to the answer.',
    ['direction', 'until'],
    [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 80],
  ),
  gateway_call_talk_seconds: histogram('From the answer to the end.', ['direction'], [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200]),
  gateway_digits_total: counter(
    'Key presses. from: leg they came in on; by: how; as: how they left, or none; outcome: sent, acknowledged, failed or withheld.',
    ['from', 'by', 'as', 'outcome'],
  ),
  gateway_media_silences_total: counter('Times a direction carried nothing. kind: leg; cause: as far as it can be told.', [
    'kind',
    'cause',
  ]),
  gateway_media_failures_total: counter('Legs whose media could not be set up. kind: leg; cause: why.', ['kind', 'cause']),
  gateway_reoffers_total: counter('Media offered anew during a call. outcome: accepted or refused.', ['outcome']),
  gateway_browser_flows_lost_total: counter("Times a call lost its browser's WebSocket."),
  gateway_rtp_packets_total: counter('RTP packets of ended calls. leg: browser or trunk; direction: received or sent.', [
    'leg',
    'direction',
  ]),
  gateway_rtp_packets_lost_total: counter('RTP packets of ended calls that never came. leg: browser or trunk.', ['leg']),
  gateway_rtp_packets_dropped_total: counter('RTP packets of ended calls that came and were refused, by reason.', ['leg', 'reason']),
  gateway_cdr_failures_total: counter('Call records not written: delayed (kept and tried again) or lost.', ['kind']),
  gateway_trunk_calls: gauge('Calls now on a trunk, both directions.', ['trunk']),
  gateway_trunk_registered: gauge('1 while the trunk is registered with its carrier, for trunks that register.', ['trunk']),
  gateway_trunk_peer_up: gauge("1 while a trunk's peer is tried in its turn, 0 while it is tried last (resting or down).", [
    'trunk',
    'peer',
  ]),
  gateway_live_objects: gauge('Objects that exist now, by kind. Back at its baseline when no call is up.', ['kind']),
  gateway_event_loop_delay_seconds: gauge('Delay of the main thread since the last scrape.', ['quantile']),
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof catalogue;

/** The names of one type of metric. */
export type NameOf<T extends MetricRow['type']> = { [N in MetricName]: (typeof catalogue)[N]['type'] extends T ? N : never }[MetricName];
