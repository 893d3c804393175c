import type { ExtraHeaders } from '../port.js';
import { reasonPhrase } from '../status.js';
import type { DialogState } from './dialog-state.js';
import { addExtraHeaders } from './extra-headers.js';
import type { SipResponseMessage } from './message.js';
import { contactFor } from './request-sender.js';
import { responseTo } from './serializer.js';
import { putSession } from './session-body.js';
import type { SessionTimerKeeper } from './session-timer-keeper.js';
import type { StackContext } from './stack-context.js';
import type { InviteServerTransaction, NonInviteServerTransaction } from './transaction-server.js';

type AnyServerTransaction = InviteServerTransaction | NonInviteServerTransaction;

/** Writes what a dialog answers to requests of its peer. */
export class DialogResponses {
  constructor(
    private readonly facts: { readonly state: DialogState; readonly contactUser: string | undefined },
    private readonly context: StackContext,
  ) {}

  /** The 2xx to an INVITE or UPDATE: where we are, what we can, our session description and its timer. */
  success(
    { request, flow }: AnyServerTransaction,
    content: { readonly sdp: string | undefined; readonly headers: ExtraHeaders; readonly timer: SessionTimerKeeper },
  ): SipResponseMessage {
    const { context } = this;
    const { state, contactUser } = this.facts;
    const response = responseTo(request, 200, reasonPhrase(200), state.localTag);
    addExtraHeaders(response.headers, content.headers);
    response.headers.add('Contact', contactFor(context.localOn(flow), contactUser));
    context.addCapabilities(response.headers);
    content.timer.accept(request, response.headers);
    response.headers.add('Server', context.userAgent);
    return { ...response, body: putSession(response.headers, content.sdp) };
  }

  /** Sends any other final response. */
  refuse(transaction: AnyServerTransaction, status: number, headers: ExtraHeaders = []): void {
    const response = responseTo(transaction.request, status, reasonPhrase(status), this.facts.state.localTag);
    addExtraHeaders(response.headers, headers);
    if (status === 200 && transaction.request.method === 'OPTIONS') this.context.addCapabilities(response.headers);
    response.headers.add('Server', this.context.userAgent);
    transaction.respond(response);
  }
}
