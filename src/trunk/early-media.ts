import type { Headers, Progress } from '../sip/port.js';
import type { EarlyMediaRule } from './options.js';

/**
 * A provisional response as the trunk's rule lets it through: without its session description the
 * caller hears his own ringing until the answer. P-Early-Media (RFC 5009 §5) permits early media toward
 * us by `sendonly` or `sendrecv`. Without the header there is none under `authorised`; under `heard` the
 * description is taken in all the same, and the call core waits for the sound.
 */
export function earlyMedia(progress: Progress, rule: EarlyMediaRule): Progress {
  if (progress.sdp === undefined || passes(progress.headers, rule)) return progress;
  const { sdp: _, ...rest } = progress;
  return rest;
}

function passes(headers: Headers, rule: EarlyMediaRule): boolean {
  switch (rule) {
    case 'relay':
      return true;
    case 'ignore':
      return false;
    case 'authorised':
      return isAuthorised(headers);
    case 'heard':
      return headers.get('P-Early-Media') === undefined || isAuthorised(headers);
  }
}

function isAuthorised(headers: Headers): boolean {
  const words = headers.all('P-Early-Media').flatMap((line) => line.toLowerCase().split(','));
  return words.some((word) => ['sendonly', 'sendrecv'].includes(word.trim()));
}
