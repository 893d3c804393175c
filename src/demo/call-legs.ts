import type { InboundCall, SipDialog } from '../sip/port.js';
import type { CallLeg } from './line-call.js';
import type { MediaEndpoint } from './media-endpoint.js';

export interface LegDeps {
  readonly endpoint: MediaEndpoint;
  /** The call is over, whoever ended it. */
  readonly onOver: () => void;
}

/** A dialog that lives: later offers are answered, its end is told. */
export function followDialog(dialog: SipDialog, { endpoint, onOver }: LegDeps): void {
  dialog.onOffer((offer) => {
    try {
      offer.accept(offer.sdp === undefined ? endpoint.offer() : endpoint.answer(offer.sdp));
    } catch {
      offer.reject(488);
    }
  });
  dialog.onAck((sdp) => {
    if (sdp !== undefined) takeLateAnswer(endpoint, sdp, dialog);
  });
  dialog.onEnd(onOver);
}

/** The answer to an offer that we made in a 200 comes in the ACK (RFC 3261 §13.2.2.4); one that we cannot use ends the call. */
function takeLateAnswer(endpoint: MediaEndpoint, sdp: string, dialog: SipDialog): void {
  try {
    endpoint.takeAnswer(sdp);
  } catch {
    void dialog.bye();
  }
}

/** A call that came in. */
export class InboundLeg implements CallLeg {
  private dialog: SipDialog | undefined;

  constructor(
    private readonly options: { readonly call: InboundCall; readonly answer: string },
    private readonly deps: LegDeps,
  ) {
    options.call.cancelled.addEventListener('abort', () => deps.onOver(), { once: true });
  }

  ring(): void {
    this.options.call.progress(180);
  }

  openEarly(): void {
    this.options.call.progress(183, { sdp: this.options.answer });
    this.deps.endpoint.begin();
  }

  answer(): void {
    this.dialog = this.options.call.answer(this.options.answer);
    followDialog(this.dialog, this.deps);
    this.deps.endpoint.begin();
  }

  refuse(status: number): void {
    this.options.call.reject(status);
    this.deps.onOver();
  }

  hangUp(): void {
    if (this.dialog === undefined) this.refuse(480);
    else void this.dialog.bye();
  }
}

/** A call that we made, answered already: only its end is left to do. */
export class AnsweredLeg implements CallLeg {
  constructor(
    private readonly dialog: SipDialog,
    deps: LegDeps,
  ) {
    followDialog(dialog, deps);
  }

  ring(): void {}

  openEarly(): void {}

  answer(): void {}

  refuse(): void {
    this.hangUp();
  }

  hangUp(): void {
    void this.dialog.bye();
  }
}
