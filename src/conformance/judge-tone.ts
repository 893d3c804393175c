import { eventsIn, type HeardPacket } from './capture.js';
import { type Finding, found } from './finding.js';

const FRAME_MS = 20;
/** A frame that crossed the first event packet on the way; a detector needs twice as much (ITU-T Q.24). */
const ALLOWED_FRAMES = 1;

/** The tone of a key must not be heard where its events go on (RFC 4733 §2.5.2.2). */
export function judgeTone(packets: readonly HeardPacket[]): readonly Finding[] {
  if (eventsIn(packets).length === 0) return [];
  const heard = packets.filter(({ sounds }) => sounds).length;
  const fault = heard > ALLOWED_FRAMES ? `${heard * FRAME_MS} ms of the key's tone came out beside its events` : undefined;
  return [found('D14', fault, 'nothing of the tone was heard beside its events')];
}
