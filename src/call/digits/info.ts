/** Digits in SIP INFO, both ways. */
import { type InfoDigit, type InfoDtmfType, readInfoBody, writeInfoBody } from '../../media/dtmf/info-body.js';
import type { DigitToSend } from '../../media/plane.js';
import type { Body } from '../../sip/port.js';

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

/** An INFO body of this type; pages get the one that stock user agents raise as a digit, `application/dtmf-relay`. */
export function infoBody(type: InfoDtmfType, digit: InfoDigit): Body {
  return { type, content: writeInfoBody(type, digit) };
}
