/** Session timers (RFC 4028) as header lines. The server sends the refreshes and ends what was not refreshed. */
import type { HeaderFields } from '../embedded/message.js';
import type { ExtraHeaders, Headers, SessionTimer, SessionTimerChoice } from '../port.js';

/** The interval an offer asks for; `refresher` is who the asking side wants to refresh. */
interface Asked {
  readonly seconds: number;
  readonly refresher: string | undefined;
}

/** Least Min-SE of RFC 4028 §5. */
const leastSeconds = 90;

function readAsked(headers: Headers): Asked | undefined {
  const match = /^\s*(\d{1,9})\s*(?:;(.*))?$/.exec(headers.get('Session-Expires') ?? '');
  if (match === null) return undefined;
  return { seconds: Number(match[1]), refresher: /(?:^|;)\s*refresher\s*=\s*(uac|uas)\b/i.exec(match[2] ?? '')?.[1]?.toLowerCase() };
}

/** Whether a list header names the option. */
export function hasOption(headers: Headers, name: 'Supported' | 'Require', option: string): boolean {
  return headers.all(name).some((line) => line.split(',').some((each) => each.trim().toLowerCase() === option));
}

/** The timer a call shall have: its own choice, or the adapter's. */
export function chosenTimer(choice: SessionTimerChoice | undefined, standard: SessionTimerChoice): SessionTimer | undefined {
  const timer = choice ?? standard;
  return timer === 'off' ? undefined : timer;
}

/** What an INVITE of ours asks for (RFC 4028 §7.1); `minSeconds` is the greatest Min-SE a 422 has told. */
export function askTimer(headers: HeaderFields, timer: SessionTimer | undefined, minSeconds: number): void {
  if (timer === undefined) return;
  const least = Math.max(minSeconds, timer.minSeconds, leastSeconds);
  headers.add('Session-Expires', String(Math.max(timer.expiresSeconds, least)));
  headers.add('Min-SE', String(least));
}

/** Min-SE for the 422 that an INVITE with too short an interval gets (RFC 4028 §9). */
export function tooShort(headers: Headers, timer: SessionTimer | undefined): number | undefined {
  const least = Math.max(timer?.minSeconds ?? leastSeconds, leastSeconds);
  const asked = readAsked(headers);
  return asked !== undefined && asked.seconds < least ? least : undefined;
}

/** Min-SE of a 422 (RFC 4028 §6). */
export function toldMinimum(headers: Headers): number | undefined {
  const match = /^\s*(\d{1,9})/.exec(headers.get('Min-SE') ?? '');
  return match === null ? undefined : Number(match[1]);
}

/**
 * What our 2xx grants (RFC 4028 §9): the interval asked for, made shorter when ours is. A peer that
 * knows no timers is refreshed by us and not told to need the extension.
 */
export function grantTimer(request: Headers, timer: SessionTimer | undefined): ExtraHeaders {
  const asked = readAsked(request);
  const knows = hasOption(request, 'Supported', 'timer');
  if (timer === undefined && (asked === undefined || !knows)) return [];
  const least = Math.max(toldMinimum(request) ?? leastSeconds, leastSeconds);
  const seconds = Math.max(Math.min(asked?.seconds ?? Number.POSITIVE_INFINITY, timer?.expiresSeconds ?? Number.POSITIVE_INFINITY), least);
  const refresher = knows ? (asked?.refresher ?? 'uac') : 'uas';
  const line = ['Session-Expires', `${seconds};refresher=${refresher}`] as const;
  return refresher === 'uac' ? [line, ['Require', 'timer']] : [line];
}
