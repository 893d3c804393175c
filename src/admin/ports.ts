import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AddressOf } from '../base/client-address.js';
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { CallView } from '../call/call-view.js';
import type { TrunkView } from '../call/trunk-view.js';
import type { LiveNotes } from '../cdr/fold.js';
import type { CallRecord } from '../cdr/record.js';
import type { KeptCall } from '../story/kept-call.js';
import type { AdminTokens } from './access.js';
import type { CallEvents } from './call-events.js';
import type { GuardDeps } from './guard-api.js';
import type { IceDeps } from './ice-api.js';
import type { RatingDeps } from './rating-api.js';
import type { TicketDeps } from './ticket-api.js';

/** What the HTTP side asks of the gateway. */

export type GatewayState = 'starting' | 'ready' | 'draining' | 'stopped';

/** How digits are to be sent; to the telephone when `to` is absent. */
export interface DigitWishes {
  readonly durationMs?: number;
  readonly gapMs?: number;
  readonly to?: 'trunk' | 'page';
}

/** What became of digits that were to be sent. */
export type DigitsOutcome =
  | { readonly kind: 'sent'; readonly ids: readonly number[] }
  | { readonly kind: 'unknown-call' }
  | { readonly kind: 'refused'; readonly why: string };

export interface AdminDeps {
  readonly guard: GuardDeps;
  readonly log: Log;
  readonly clock: Pick<Clock, 'nowMs'>;
  state(): GatewayState;
  calls(): readonly CallView[];
  notes(callId: string): LiveNotes | undefined;
  trunks(): readonly TrunkView[];
  /** False when there is no such call. */
  hangUp(callId: string): boolean;
  /** `digits` are of `0-9*#A-D`. */
  sendDigits(callId: string, digits: string, wishes: DigitWishes): Promise<DigitsOutcome>;
  /** False when there is no such call. */
  secureDigits(callId: string, open: boolean, seconds: number): boolean;
  /** What happens in calls, for those who follow one. */
  readonly events: CallEvents;
  /** Takes no new calls from now on and ends the live ones after the drain time. */
  drain(): void;
  /** Recent records, newest first. */
  records(): readonly CallRecord[];
  /** Of a call that is over. */
  record(callId: string): CallRecord | undefined;
  /** What is kept of a call, up or over. Absent when stories are switched off. */
  story?(callId: string): KeptCall | undefined;
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  readonly tickets: TicketDeps;
  readonly ice: IceDeps;
  readonly ratings: RatingDeps;
  readonly addressOf: AddressOf;
  /** A WebSocket handshake on `/sip`. */
  onSipUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface AdminOptions extends AdminTokens {
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** URL under which browsers reach the listener, when a proxy stands before it. */
  readonly publicUrl?: string;
  /** Folder with the built page and widget; files missing there are simply not served. */
  readonly webFolder: URL;
  /** Serve the demo page at `/`. */
  readonly demoPage: boolean;
}
