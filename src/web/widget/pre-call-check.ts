import type { CallProblem } from './call-problem.js';
import type { Cancellable } from './digit-queue.js';
import { closeMicrophone, type MicrophoneOutcome } from './microphone.js';

export type CheckName = 'microphone' | 'gateway' | 'udp' | 'turn';

export interface CheckResult {
  readonly state: 'running' | 'good' | 'bad' | 'unknown';
  readonly reason?: CheckReason;
}

/** Why a check is not good; a problem of calls where it is one. */
export type CheckReason = CallProblem | 'microphone-silent' | 'no-servers' | 'udp-blocked' | 'turn-blocked' | 'timed-out';

export type CheckResults = Readonly<Record<CheckName, CheckResult>>;

export interface PreCallCheckDeps {
  readonly openMicrophone: () => Promise<MicrophoneOutcome>;
  readonly openMeter: (stream: MediaStream, onLevel: (level: number) => void) => Cancellable;
  /** Whether the gateway answers over its WebSocket. */
  readonly reach: () => Promise<boolean>;
  readonly iceServers: () => Promise<readonly RTCIceServer[]>;
  readonly gather: GatherCandidates;
  readonly pause: (ms: number) => Promise<void>;
}

/** Gathers candidates until one is of a type that is wanted. `empty`: every server answered, and had none to give. */
export type GatherCandidates = (
  configuration: RTCConfiguration,
  wanted: readonly RTCIceCandidateType[],
) => Promise<'found' | 'empty' | 'failed'>;

const boundMs = 6000;
const listenMs = 1500;
const running: CheckResult = { state: 'running' };
const good: CheckResult = { state: 'good' };
const bad = (reason: CheckReason): CheckResult => ({ state: 'bad', reason });
const unknown = (reason: CheckReason): CheckResult => ({ state: 'unknown', reason });
const unreachable = bad('gateway-unreachable');
const noUdp = bad('udp-blocked');
const noTurn = bad('turn-blocked');

/** Tries what a call needs, all at the same time, and tells each result as it comes. Takes six seconds at most. */
export async function checkBeforeCall(deps: PreCallCheckDeps, onChange: (results: CheckResults) => void): Promise<CheckResults> {
  let results: CheckResults = { microphone: running, gateway: running, udp: running, turn: running };
  onChange(results);
  const servers = deps.iceServers().catch(() => []);
  const late = deps.pause(boundMs);
  const tell = async (name: CheckName, tried: Promise<CheckResult>, tooLate: CheckResult): Promise<void> => {
    const result = await Promise.race([tried.catch(() => tooLate), late.then(() => tooLate)]);
    results = { ...results, [name]: result };
    onChange(results);
  };
  await Promise.all([
    tell('microphone', checkMicrophone(deps), unknown('timed-out')),
    tell('gateway', checkGateway(deps), unreachable),
    tell('udp', checkUdp(deps, servers), noUdp),
    tell('turn', checkTurn(deps, servers), noTurn),
  ]);
  return results;
}

async function checkGateway({ reach }: PreCallCheckDeps): Promise<CheckResult> {
  return (await reach()) ? good : unreachable;
}

async function checkMicrophone({ openMicrophone, openMeter, pause }: PreCallCheckDeps): Promise<CheckResult> {
  const outcome = await openMicrophone();
  if (outcome.kind === 'refused') return bad(outcome.problem);
  let loudest = 0;
  const meter = openMeter(outcome.stream, (level) => {
    loudest = Math.max(loudest, level);
  });
  await pause(listenMs);
  meter.cancel();
  closeMicrophone(outcome.stream);
  return loudest > 0 ? good : unknown('microphone-silent');
}

/** A path over UDP to a server of the gateway: its STUN answer, or a relay asked for over UDP. */
async function checkUdp({ gather }: PreCallCheckDeps, servers: Promise<readonly RTCIceServer[]>): Promise<CheckResult> {
  const usable = withUrls(await servers, (url) => /^stun:/i.test(url) || (/^turn:/i.test(url) && !/transport=tcp/i.test(url)));
  if (usable.length === 0) return unknown('no-servers');
  // A browser keeps to itself that a server sees it under the address it has itself (RFC 8445 §5.1.3).
  return (await gather({ iceServers: usable }, ['srflx', 'relay'])) === 'failed' ? noUdp : good;
}

/** A relay over TCP or TLS, for networks that let no UDP through. */
async function checkTurn({ gather }: PreCallCheckDeps, servers: Promise<readonly RTCIceServer[]>): Promise<CheckResult> {
  const usable = withUrls(await servers, (url) => /^turns:/i.test(url) || (/^turn:/i.test(url) && /transport=tcp/i.test(url)));
  if (usable.length === 0) return unknown('no-servers');
  return (await gather({ iceServers: usable, iceTransportPolicy: 'relay' }, ['relay'])) === 'found' ? good : noTurn;
}

function withUrls(servers: readonly RTCIceServer[], wanted: (url: string) => boolean): RTCIceServer[] {
  return servers.map((server) => ({ ...server, urls: [server.urls].flat().filter(wanted) })).filter(({ urls }) => urls.length > 0);
}
