import type { SendDigitsResult } from '../call/runner.js';

/** Why digits that were asked for are not sent, in words for whoever asked. */
export const digitRefusals = {
  'unknown-call': 'there is no such call now',
  'not-digits': 'these are no digits',
  'not-connected': 'the call is not connected yet',
  'no-such-side': 'the call has no such side',
  'not-supported': 'that side takes no digits the way its trunk is configured (see trunks[].dtmf)',
  refused: 'that side refused them',
  'no-dialog': 'that side cannot be told of digits yet',
  'call-ended': 'the call is over',
  'queue-full': 'too many digits wait already',
  withheld: 'the page is told no digits while a secure window is open',
} as const satisfies Readonly<Record<Extract<SendDigitsResult, { readonly kind: 'refused' }>['why'], string>>;
