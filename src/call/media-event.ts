import type { LegName, MediaEvent } from '../media/plane.js';
import type { CallEvent } from './event.js';

/** An event of the media plane as the call's machine knows it; undefined for those it has no use for. */
export function eventOfMedia(event: MediaEvent): CallEvent | undefined {
  if (event.type === 'session-lost') return { type: 'media-lost' };
  return event.leg === 'c' ? ofThird(event) : ofLeg(event, event.leg);
}

/** A leg in the making carries nothing yet; only that it cannot is of interest. */
function ofThird(event: MediaEvent): CallEvent | undefined {
  return event.type === 'leg-failed' ? { type: 'third-media-refused', failure: 'media-setup-failed' } : undefined;
}

function ofLeg(event: Exclude<MediaEvent, { readonly type: 'session-lost' }>, leg: LegName): CallEvent | undefined {
  switch (event.type) {
    case 'leg-up':
      return { type: 'media-up', leg };
    case 'leg-failed':
      return { type: 'media-failed', leg };
    case 'leg-gone':
      return { type: 'media-gone', leg };
    case 'media-silent': {
      const { type, silentMs, cause, detail } = event;
      return { type, leg, silentMs, cause, detail };
    }
    case 'leg-direction':
      return { type: 'leg-direction', leg, direction: event.direction };
    case 'media-resumed':
      return { type: 'media-resumed', leg };
    case 'digit':
    case 'digit-sent':
    case 'digit-unsent':
    case 'flash':
    case 'channel-up':
    case 'channel-text':
      return undefined;
  }
}
