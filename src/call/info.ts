/** Digits in SIP INFO, both ways. */
import { readInfoBody, writeInfoBody } from '../media/dtmf/info-body.js';
import type { DigitToSend } from '../media/plane.js';
import type { Body } from '../sip/port.js';
import type { HeldDigit } from './event.js';

/** How an INFO is answered, and the digits it brought. */
export interface InfoReading {
  readonly status: 200 | 400 | 415;
  readonly digits: readonly DigitToSend[];
}

/** An INFO without a body asks nothing and is answered 200 (RFC 6086 §4.2.2). */
export function readInfo(body: Body | undefined): InfoReading {
  if (body === undefined || body.content === '') return { status: 200, digits: [] };
  const reading = readInfoBody(body.type, body.content);
  switch (reading.kind) {
    case 'digit':
      return { status: 200, digits: [reading.digit] };
    case 'flash':
      return { status: 200, digits: [] };
    case 'malformed':
      return { status: 400, digits: [] };
    case 'other-type':
      return { status: 415, digits: [] };
  }
}

/** The INFO body that stock user agents in pages raise as a digit. */
export function infoBody(held: HeldDigit): Body {
  return { type: 'application/dtmf-relay', content: writeInfoBody('application/dtmf-relay', held) };
}
