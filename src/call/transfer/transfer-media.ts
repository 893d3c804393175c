/** The media side of transfers: a third leg beside the two of the call, until it takes the place of one. */
import { messageOf } from '../../base/errors.js';
import type { SessionId } from '../../base/ids.js';
import type { Log } from '../../base/log.js';
import type { SerialQueue } from '../../base/serial-queue.js';
import type { LegName, LegOptions, MediaDirection, MediaPlane } from '../../media/plane.js';
import { mediaRefusal } from '../call-media.js';
import type { CallEvent } from '../event.js';

interface TransferMediaDeps {
  readonly plane: MediaPlane;
  /** The call's own queue: a third leg is worked on in the order of everything else. */
  readonly queue: SerialQueue;
  readonly log: Log;
  readonly post: (event: CallEvent) => void;
}

/** Turns transfer effects of a call into requests of the media plane. */
export class TransferMedia {
  /** The third leg, while there is one. What still comes of an earlier one is nobody's. */
  private made: { readonly media: LegOptions; wish?: MediaDirection } | undefined;

  constructor(
    private readonly options: { readonly session: SessionId },
    private readonly deps: TransferMediaDeps,
  ) {}

  /** Makes the third leg, by our offer, or by an answer to the one given. */
  describe(media: LegOptions, offer?: string): void {
    const made: NonNullable<typeof this.made> = { media };
    this.made = made;
    const { plane } = this.deps;
    const { session } = this.options;
    this.step('a third leg cannot be described', async () => {
      const sdp = offer === undefined ? await plane.offer(session, 'c', media) : await plane.answer(session, 'c', offer, media);
      return { type: 'third-offered', sdp, ...(made.wish === undefined ? {} : { wish: made.wish }) };
    });
  }

  /** What the far end of the third leg does; told before our answer to its offer is there. */
  thirdSays(direction: MediaDirection): void {
    if (this.made !== undefined) this.made.wish = direction;
  }

  accept(sdp: string): void {
    this.step('the description of a third leg is refused', async () => {
      await this.deps.plane.accept(this.options.session, 'c', sdp);
      return { type: 'third-accepted' };
    });
  }

  /** The third leg becomes `leg`. Returns how it was made. A fault here ends the call: nobody could be heard. */
  seat(leg: LegName): LegOptions | undefined {
    const { made } = this;
    this.made = undefined;
    this.deps.queue.push(async () => {
      await this.deps.plane.replace(this.options.session, leg);
    });
    return made?.media;
  }

  drop(): void {
    if (this.made === undefined) return;
    this.made = undefined;
    this.deps.queue.push(async () => {
      try {
        await this.deps.plane.drop(this.options.session, 'c');
      } catch (thrown) {
        this.deps.log.debug({ fault: messageOf(thrown) }, 'there was no third leg to drop');
      }
    });
  }

  private step(what: string, run: () => Promise<CallEvent>): void {
    const { made } = this;
    const post = (event: CallEvent): void => {
      if (this.made === made) this.deps.post(event);
    };
    this.deps.queue.push(async () => {
      try {
        post(await run());
      } catch (thrown) {
        this.deps.log.warn({ session: this.options.session, fault: messageOf(thrown) }, what);
        post({ type: 'third-media-refused', failure: mediaRefusal(thrown).failure });
      }
    });
  }
}
