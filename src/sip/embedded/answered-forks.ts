import type { FlowRef } from '../port.js';
import { AckSender } from './ack-sender.js';
import { AnsweredFork } from './answered-fork.js';
import { Dialog } from './dialog.js';
import { DialogState, type FirstHop } from './dialog-state.js';
import type { DigestClient } from './digest-client.js';
import { type Flow, isWebSocket } from './flow.js';
import { toTag } from './header-readers.js';
import type { SipResponseMessage } from './message.js';
import type { SessionTimerAsk } from './session-timer-ask.js';
import type { StackContext } from './stack-context.js';
import type { ClientTransaction } from './transaction-client.js';

/** What the dialogs of one INVITE have in common. */
export interface ForkFacts {
  readonly target: string;
  readonly proxy?: string;
  readonly sessionTimer: SessionTimerAsk;
  readonly contactUser: string | undefined;
  readonly digest: DigestClient | undefined;
}

/** One INVITE as it left. */
export interface SentInvite {
  readonly transaction: ClientTransaction;
  readonly sequence: number;
}

/**
 * The forks of an INVITE of ours that have answered, by To tag (RFC 3261 §13.2.2.4). It stays with the
 * transaction when the INVITE is settled, since a 2xx may come again or late, and holds no more of the
 * call than that needs.
 */
export class AnsweredForks {
  private readonly forks = new Map<string, AnsweredFork>();

  constructor(
    private readonly facts: ForkFacts,
    private readonly context: StackContext,
  ) {}

  /** Where a dialog on this flow begins. */
  firstHop(flow: Flow): FirstHop {
    const { target, proxy } = this.facts;
    const ref: FlowRef = flow.ref;
    return { target, ...(proxy === undefined ? {} : { proxy }), flow: ref, flowOnly: isWebSocket(flow.transport) };
  }

  /** True for a 2xx that has come before: its ACK has been sent again. */
  repeats(response: SipResponseMessage): boolean {
    const known = this.forks.get(toTag(response.headers) ?? '');
    known?.acknowledgeAgain();
    return known !== undefined;
  }

  /** The dialog that a 2xx makes, and its ACK, not yet sent. */
  add(
    response: SipResponseMessage,
    { transaction, sequence }: SentInvite,
    early?: DialogState,
  ): { readonly dialog: Dialog; readonly fork: AnsweredFork } {
    const { request, flow } = transaction;
    const { sessionTimer, contactUser, digest } = this.facts;
    const state = DialogState.ofUac(request, response, this.firstHop(flow), early);
    const facts = { state, ownsCallId: true, sessionTimer, contactUser, ...(digest === undefined ? {} : { digest }) };
    const dialog = new Dialog(facts, this.context);
    dialog.confirmedBy(response);
    const fork = new AnsweredFork(new AckSender(this.context, state, request, sequence), this.context);
    this.forks.set(toTag(response.headers) ?? '', fork);
    return { dialog, fork };
  }

  /** A 2xx when another fork has the call already: acknowledged and ended with BYE. */
  tooLate(response: SipResponseMessage, invite: SentInvite, early?: DialogState): void {
    if (this.repeats(response)) return;
    const { dialog, fork } = this.add(response, invite, early);
    fork.acknowledge();
    void dialog.bye();
  }
}
