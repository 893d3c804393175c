import type { Clock } from '../../base/clock.js';
import type { Log } from '../../base/log.js';
import type { SipRequestMessage } from '../embedded/message.js';
import type { Headers, SessionTimerChoice } from '../port.js';
import type { LibraryRequest, LibraryResponder } from './library.js';
import type { DrachtioLink } from './link.js';
import type { LinkPool } from './link-pool.js';
import type { DrachtioTiming } from './options.js';

/** An INVITE that has not been answered. */
export interface OpenInvite {
  readonly link: DrachtioLink | undefined;
  /** Refuses or cancels it, in words the peer can hear. */
  shutDown(): void;
  /** Ends it here: its connection is gone, or the adapter stops. */
  abandon(): void;
}

/** A confirmed dialog as the tables know it. */
export interface OpenDialog {
  readonly link: DrachtioLink;
  receive(request: SipRequestMessage, libraryRequest: LibraryRequest, responder: LibraryResponder): void;
  endedByServer(headers: Headers): void;
  connectionLost(): void;
  bye(): Promise<void>;
}

/** What dialogs and INVITEs share. */
export interface DrachtioContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly timing: DrachtioTiming;
  readonly userAgent: string;
  readonly sessionTimer: SessionTimerChoice;
  readonly pool: LinkPool;
  /** By Call-ID, local tag and remote tag (RFC 3261 §12). */
  readonly dialogs: Map<string, OpenDialog>;
  readonly invites: Set<OpenInvite>;
  /** Value of Allow. */
  readonly allow: () => string;
}

/** A dialog or an INVITE that used this connection is over. */
export function releaseLink(context: DrachtioContext, link: DrachtioLink): void {
  for (const dialog of context.dialogs.values()) if (dialog.link === link) return;
  for (const invite of context.invites) if (invite.link === link) return;
  context.pool.release(link);
}
