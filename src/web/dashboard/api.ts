import type { BrakeDto, ScopeDto } from '../../admin/guard-api.js';
import type { CallDto, TrunkDto } from '../../admin/views.js';
import type { CallRecord } from '../../cdr/record.js';
import type { CallStory } from '../../story/call-story.js';

/** What a request came to. */
export type Answer<T> =
  | { readonly kind: 'got'; readonly value: T }
  /** Whoever asks is not logged in, or not any more. */
  | { readonly kind: 'locked-out' }
  | { readonly kind: 'refused'; readonly status: number; readonly sentence: string }
  | { readonly kind: 'unreachable' };

/** Who is logged in, and how the gateway is. */
export interface SessionView {
  readonly access: 'full' | 'masked' | 'view' | 'refused';
  readonly tokenNeeded: boolean;
  readonly version?: string;
  readonly state?: 'starting' | 'ready' | 'draining' | 'stopped';
}

export interface GuardView {
  readonly currency: string;
  readonly scopes: readonly ScopeDto[];
  readonly brake: BrakeDto;
}

export interface RecordPageView {
  readonly cdrs: readonly CallRecord[];
  readonly next?: string;
}

/** Calls are told by `CallDto` while they are up and by `CallRecord` afterwards. */
export type ShownStory = CallStory<CallDto | CallRecord | undefined>;

/** Relative to the page, so that a proxy may put the gateway under any path. */
const base = '../api/v1';
const timeoutMs = 10_000;

async function ask<T>(url: string, init: RequestInit = {}): Promise<Answer<T>> {
  try {
    const reply = await fetch(url, { ...init, credentials: 'same-origin', cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) });
    const isJson = (reply.headers.get('content-type') ?? '').startsWith('application/json');
    const body: unknown = isJson ? await reply.json() : undefined;
    if (reply.ok) return { kind: 'got', value: body as T };
    const sentence = (body as { readonly error?: { readonly message?: string } } | undefined)?.error?.message;
    // A login that failed is told in words of its own.
    if (reply.status === 401 && !url.startsWith('session')) return { kind: 'locked-out' };
    return { kind: 'refused', status: reply.status, sentence: sentence ?? `The gateway answered ${reply.status}.` };
  } catch {
    return { kind: 'unreachable' };
  }
}

function send<T>(method: 'POST' | 'DELETE', url: string, body?: object): Promise<Answer<T>> {
  return ask<T>(url, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
}

const one = (callId: string): string => `${base}/calls/${encodeURIComponent(callId)}`;

/** Everything the dashboard asks of the gateway. */
export const api = {
  session: () => ask<SessionView>('session'),
  logIn: (token: string) => send<unknown>('POST', 'session', { token }),
  logOut: () => send<unknown>('DELETE', 'session'),
  calls: () => ask<{ readonly calls: readonly CallDto[] }>(`${base}/calls`),
  hangUp: (callId: string) => send<unknown>('DELETE', one(callId)),
  trunks: () => ask<{ readonly trunks: readonly TrunkDto[] }>(`${base}/trunks`),
  guard: () => ask<GuardView>(`${base}/guard`),
  allowCountry: (site: string, country: string) => send<unknown>('POST', `${base}/guard/allow`, { site, country }),
  records: (query: string) => ask<RecordPageView>(`${base}/cdrs?${query}`),
  story: (callId: string) => ask<ShownStory>(`${one(callId)}/story`),
  drain: () => send<unknown>('POST', `${base}/drain`),
} as const;

/** Addresses that a browser opens or follows itself. */
export const addresses = {
  events: `${base}/events`,
  callEvents: (callId: string) => `${one(callId)}/events`,
  records: (query: string) => `${base}/cdrs?${query}`,
  story: (callId: string) => `${one(callId)}/story`,
  capture: (callId: string) => `${one(callId)}/story.pcap`,
} as const;
