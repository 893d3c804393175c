/** What passes between the main thread and a media worker: requests with ids, their replies, and events. */
import type { SessionId } from '../../base/ids.js';
import type { LiveObjects } from '../../base/live-objects.js';
import type { DigitToSend, LegName, LegOptions, LegSlot, LegStats, MediaErrorInfo, MediaEvent, PressId, SessionStats } from '../plane.js';
import type { EmbeddedMediaOptions } from './embedded-media-options.js';

/** Given to a worker at its start. */
export interface WorkerStart {
  readonly media: EmbeddedMediaOptions;
  readonly workerIndex: number;
}

export type WorkerRequest =
  | { readonly method: 'open'; readonly session: SessionId }
  | { readonly method: 'offer'; readonly session: SessionId; readonly leg: LegSlot; readonly options: LegOptions }
  | { readonly method: 'answer'; readonly session: SessionId; readonly leg: LegSlot; readonly offer: string; readonly options: LegOptions }
  | { readonly method: 'accept'; readonly session: SessionId; readonly leg: LegSlot; readonly answer: string }
  | { readonly method: 'sendDigits'; readonly session: SessionId; readonly leg: LegName; readonly digits: readonly DigitToSend[] }
  | { readonly method: 'sendMessage'; readonly session: SessionId; readonly leg: LegName; readonly text: string }
  | { readonly method: 'replace'; readonly session: SessionId; readonly leg: LegName }
  | { readonly method: 'drop'; readonly session: SessionId; readonly leg: LegSlot }
  | { readonly method: 'stats'; readonly session: SessionId }
  | { readonly method: 'statsOf'; readonly sessions: readonly SessionId[] }
  | { readonly method: 'close'; readonly session: SessionId }
  | { readonly method: 'liveObjects' }
  /** Ends all sessions; the thread then ends by itself. */
  | { readonly method: 'shutDown' };

/** What each request resolves with. */
export interface WorkerResults {
  readonly open: undefined;
  readonly offer: string;
  readonly answer: string;
  readonly accept: undefined;
  readonly sendDigits: readonly PressId[];
  readonly sendMessage: boolean;
  readonly replace: LegStats | undefined;
  readonly drop: LegStats | undefined;
  readonly stats: SessionStats;
  readonly statsOf: readonly SessionStats[];
  readonly close: SessionStats | undefined;
  readonly liveObjects: LiveObjects;
  readonly shutDown: undefined;
}

export interface RequestMessage {
  readonly id: number;
  readonly request: WorkerRequest;
}

export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'error'; readonly id: number; readonly info: MediaErrorInfo; readonly message: string }
  | { readonly type: 'event'; readonly event: MediaEvent }
  /** Something that nobody waited for went wrong; it is logged and the worker goes on. */
  | { readonly type: 'fault'; readonly message: string };
