import { type CallProblem, isFailureCode } from './call-problem.js';

/** What a call needs from outside of the page before it is placed. */
export interface CallPass {
  readonly ticket?: string;
  /** What media may go through. Most networks need none, so a call need not wait for it. */
  readonly iceServers: Promise<readonly RTCIceServer[]>;
}

/** Where a ticket comes from; without any of these the gateway must know the page by its origin or its user. */
export interface PassSettings {
  /** WebSocket URL of the gateway. */
  readonly gateway: string;
  readonly to?: string;
  /** Public key of the website: the gateway itself gives the ticket. */
  readonly site?: string;
  /** Of the website's own back end. */
  readonly ticketUrl?: string;
  /** A ticket that stood in the page. */
  readonly ticket?: string;
}

export type PassOutcome = { readonly ok: true; readonly pass: CallPass } | { readonly ok: false; readonly problem: CallProblem };

const patienceMs = 8000;
/** A call can do without relays, so these are not waited for as long. */
const serversPatienceMs = 3000;

/** Gets a fresh ticket, where the page has a source of them, and the servers that media may go through. */
export async function getPass(settings: PassSettings): Promise<PassOutcome> {
  const { site, ticketUrl, ticket, to } = settings;
  if (ticket !== undefined) return passOf(settings, ticket);
  if (ticketUrl !== undefined) return ask(settings, ticketUrl, { to }, 'ticket-required');
  if (site !== undefined) return ask(settings, apiUrl(settings, 'tickets'), { site, to }, 'gateway-unreachable');
  return passOf(settings);
}

function passOf(settings: PassSettings, ticket?: string, servers?: unknown): PassOutcome {
  const iceServers = Array.isArray(servers) ? Promise.resolve(servers as readonly RTCIceServer[]) : getIceServers(settings, ticket);
  return { ok: true, pass: { ...(ticket === undefined ? {} : { ticket }), iceServers } };
}

/** Servers alone, as for a call that has its ticket behind it. None is no fault. */
export async function getIceServers(settings: PassSettings, ticket?: string): Promise<readonly RTCIceServer[]> {
  const query = ticket === undefined && settings.site !== undefined ? `?site=${encodeURIComponent(settings.site)}` : '';
  const headers = ticket === undefined ? {} : { authorization: `Bearer ${ticket}` };
  const answer = await exchange(apiUrl(settings, `ice-servers${query}`), { headers }, serversPatienceMs);
  const servers = answer?.['iceServers'];
  return Array.isArray(servers) ? (servers as readonly RTCIceServer[]) : [];
}

/** Tells the gateway how a call was that is over. Nobody waits for it, and the page may be left meanwhile. */
export function postRating(settings: PassSettings, callToken: string, rating: { readonly stars: number; readonly comment?: string }): void {
  void exchange(apiUrl(settings, 'ratings'), { ...jsonBody({ callToken, ...rating }), keepalive: true }, patienceMs);
}

/** `/api/v1/…` on the host of the WebSocket. */
export function apiUrl({ gateway }: Pick<PassSettings, 'gateway'>, path: string): string {
  return new URL(`/api/v1/${path}`, gateway.replace(/^ws/i, 'http')).href;
}

const jsonBody = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

async function ask(settings: PassSettings, url: string, question: object, unreachable: CallProblem): Promise<PassOutcome> {
  const answer = await exchange(url, jsonBody(question), patienceMs);
  if (answer === undefined) return { ok: false, problem: unreachable };
  const { ticket, iceServers, error } = answer;
  // The website's back end may give the ticket alone.
  if (typeof ticket === 'string' && ticket !== '') return passOf(settings, ticket, iceServers);
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  // A code of another kind says that the page or the back end is not set up rightly.
  return { ok: false, problem: typeof code === 'string' && isFailureCode(code) ? code : 'ticket-invalid' };
}

/** The JSON that came, whatever the status; undefined when there was no answer. */
async function exchange(url: string, init: RequestInit, withinMs: number): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const response = await fetch(url, { ...init, credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(withinMs) });
    return ((await response.json().catch(() => undefined)) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
