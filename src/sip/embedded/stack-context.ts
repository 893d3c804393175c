import type { Clock } from '../../base/clock.js';
import type { Log } from '../../base/log.js';
import type { SessionTimerChoice } from '../port.js';
import type { DialogUser } from './dialog-user.js';
import type { Flow } from './flow.js';
import type { InviteUser } from './invite-user.js';
import type { HeaderFields } from './message.js';
import type { LocalIdentity, RequestSender } from './request-sender.js';
import type { TransactionLayer } from './transaction-layer.js';
import type { SipTimers } from './transaction-timers.js';

/** What dialogs and INVITEs share: the layers below them and the tables they stand in. */
export interface StackContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly timers: SipTimers;
  readonly userAgent: string;
  /** For calls that do not choose their own (RFC 4028). */
  readonly sessionTimer: SessionTimerChoice;
  readonly sender: RequestSender;
  readonly transactions: TransactionLayer;
  /** Confirmed dialogs by Call-ID, local tag and remote tag (RFC 3261 §12). */
  readonly dialogs: Map<string, DialogUser>;
  /** INVITEs not yet answered, either way. */
  readonly invites: Set<InviteUser>;
  readonly random: () => number;
  localOn(flow: Flow): LocalIdentity;
  /** Adds Allow and Supported (RFC 3261 §20.5, §20.37). */
  addCapabilities(headers: HeaderFields): void;
}
