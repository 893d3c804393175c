import { GatewayError } from '../../base/errors.js';
import type { SipRequestMessage } from './message.js';

/**
 * Why a message was refused. `status` is what a request deserves as its answer (400, 505, 513);
 * a response so marked is dropped. `partial` is there when enough of a request could be read to
 * answer it: its top Via is sound, and From, To, Call-ID and CSeq are copied as far as present.
 */
export interface SipParseErrorInfo {
  readonly code: 'sip-malformed';
  readonly status: number;
  /** A reason phrase for the answer, naming the field at fault; never quotes the message. */
  readonly reason: string;
  readonly partial?: SipRequestMessage;
}

export type SipParseError = GatewayError<SipParseErrorInfo>;

/** Makes the one error the message layer throws on input. */
export function malformed(reason: string, status = 400, partial?: SipRequestMessage): SipParseError {
  return new GatewayError<SipParseErrorInfo>(
    { code: 'sip-malformed', status, reason, ...(partial === undefined ? {} : { partial }) },
    `SIP message refused: ${reason}`,
  );
}

export function isSipParseError(thrown: unknown): thrown is SipParseError {
  return thrown instanceof GatewayError && thrown.info.code === 'sip-malformed';
}
