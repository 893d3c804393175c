/** Tells one side of a call by a re-INVITE what the other one does (RFC 3264 §8.4). */
import { messageOf } from '../base/errors.js';
import type { SessionId } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { SerialQueue } from '../base/serial-queue.js';
import type { LegName, LegOptions, MediaDirection, MediaPlane } from '../media/plane.js';
import type { SipDialog } from '../sip/port.js';
import type { CallEvent } from './event.js';

interface HoldTellerDeps {
  readonly plane: MediaPlane;
  readonly queue: SerialQueue;
  readonly log: Log;
  readonly post: (event: CallEvent) => void;
  readonly dialogOf: (leg: LegName) => SipDialog | undefined;
  readonly optionsOf: (leg: LegName) => LegOptions;
  /** Whether the far end of the leg wants to hear of a hold. */
  readonly wanted: (leg: LegName) => boolean;
}

/** Makes the offers; the call's queue is free while the far end thinks about one. */
export class HoldTeller {
  constructor(
    private readonly options: { readonly session: SessionId },
    private readonly deps: HoldTellerDeps,
  ) {}

  /** `informed` follows in any case. A far end that refuses is left alone: the call goes on (RFC 3261 §14.1). */
  tell(leg: LegName, direction: MediaDirection): void {
    const { deps } = this;
    if (!deps.wanted(leg)) {
      deps.post({ type: 'informed', leg, accepted: false });
      return;
    }
    deps.queue.push(async () => {
      const dialog = deps.dialogOf(leg);
      try {
        const offer = await deps.plane.offer(this.options.session, leg, { ...deps.optionsOf(leg), direction });
        if (dialog === undefined) deps.post({ type: 'informed', leg, accepted: false });
        else void this.offer(leg, dialog, offer);
      } catch (thrown) {
        this.failed(leg, thrown);
      }
    });
  }

  private async offer(leg: LegName, dialog: SipDialog, offer: string): Promise<void> {
    try {
      const { status, sdp } = await dialog.offer(offer);
      const accepted = status < 300 && sdp !== undefined;
      if (!accepted) this.deps.log.info({ leg, status }, 'a leg does not want to hear of a hold; the call goes on');
      this.deps.post({ type: 'informed', leg, accepted });
      if (accepted) this.accept(leg, sdp);
    } catch (thrown) {
      this.failed(leg, thrown);
    }
  }

  private accept(leg: LegName, sdp: string): void {
    this.deps.queue.push(async () => {
      try {
        await this.deps.plane.accept(this.options.session, leg, sdp);
      } catch (thrown) {
        this.deps.log.warn({ leg, fault: messageOf(thrown) }, 'the answer to a re-INVITE is refused; the leg stays as it was');
      }
    });
  }

  private failed(leg: LegName, thrown: unknown): void {
    this.deps.log.warn({ leg, fault: messageOf(thrown) }, 'a hold cannot be told');
    this.deps.post({ type: 'informed', leg, accepted: false });
  }
}
