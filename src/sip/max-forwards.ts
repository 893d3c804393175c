import { readInteger } from './grammar.js';
import type { Headers } from './port.js';

/** RFC 3261 §8.1.1.6. */
const defaultMaxForwards = 70;
const maxMaxForwards = 255;

/** How many more hops a request may go (RFC 3261 §20.22); one that does not say may go as many as a new one. */
export function hopsLeft(headers: Headers): number {
  return readInteger(headers.get('Max-Forwards')?.trim() ?? '', maxMaxForwards) ?? defaultMaxForwards;
}
