import type { DialogState } from './dialog-state.js';
import type { SipRequestMessage } from './message.js';
import type { SentAck } from './request-sender.js';
import { putSession } from './session-body.js';
import type { StackContext } from './stack-context.js';

/**
 * The ACK of one 2xx (RFC 3261 §13.2.2.4): a request of its own in the dialog, with the CSeq number
 * and the credentials of the INVITE, and the very same bytes again for each repeated 2xx. It carries
 * the answer when the 2xx brought the offer (§13.2.1).
 */
export class AckSender {
  private sent: SentAck | undefined;
  private answer: string | undefined;

  constructor(
    private readonly context: StackContext,
    private readonly state: DialogState,
    private readonly invite: SipRequestMessage,
    private readonly sequence: number,
  ) {}

  /** Sends it, or sends it again; only the first `answer` counts. */
  send(answer?: string): void {
    this.answer ??= answer;
    const { sent, context, state, sequence } = this;
    if (sent?.flow.open === true) {
      sent.flow.send(sent.bytes, (failure) => context.log.debug({ ...failure }, 'ACK not sent'));
      return;
    }
    const { destination } = state.request('ACK', sequence);
    context.sender.sendAck(
      destination,
      () => {
        const { requestUri, headers } = state.request('ACK', sequence);
        for (const name of ['Authorization', 'Proxy-Authorization']) {
          for (const value of this.invite.headers.all(name)) headers.add(name, value);
        }
        return { kind: 'request', method: 'ACK', requestUri, headers, body: putSession(headers, this.answer) };
      },
      (ack) => {
        this.sent = ack;
      },
    );
  }
}
