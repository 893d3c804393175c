import type { Headers, Progress } from '../sip/port.js';
import type { EarlyMediaRule } from './options.js';

/**
 * A provisional response as the trunk's rule lets it through: without its session description the
 * caller hears his own ringing until the answer. `authorised` follows P-Early-Media (RFC 5009 §5):
 * early media toward us is `sendonly` or `sendrecv` there; without the header there is none.
 */
export function earlyMedia(progress: Progress, rule: EarlyMediaRule): Progress {
  if (progress.sdp === undefined || rule === 'relay' || (rule === 'authorised' && isAuthorised(progress.headers))) return progress;
  const { sdp: _, ...rest } = progress;
  return rest;
}

function isAuthorised(headers: Headers): boolean {
  const words = headers.all('P-Early-Media').flatMap((line) => line.toLowerCase().split(','));
  return words.some((word) => ['sendonly', 'sendrecv'].includes(word.trim()));
}
