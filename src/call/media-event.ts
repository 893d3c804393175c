import type { MediaEvent } from '../media/plane.js';
import type { CallEvent } from './event.js';

/** An event of the media plane as the call's machine knows it; undefined for those it has no use for. */
export function eventOfMedia(event: MediaEvent): CallEvent | undefined {
  switch (event.type) {
    case 'leg-up':
      return { type: 'media-up', leg: event.leg };
    case 'leg-failed':
      return { type: 'media-failed', leg: event.leg };
    case 'leg-gone':
      return { type: 'media-gone', leg: event.leg };
    case 'media-silent': {
      const { type, leg, silentMs, cause, detail } = event;
      return { type, leg, silentMs, cause, detail };
    }
    case 'media-resumed':
      return { type: 'media-resumed', leg: event.leg };
    case 'digit': {
      const { type, leg, digit, durationMs, relayed } = event;
      return { type, leg, digit, durationMs, relayed };
    }
    case 'session-lost':
      return { type: 'media-lost' };
    case 'digits-sent':
      return undefined;
  }
}
