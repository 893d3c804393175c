import { GatewayError } from '../../base/errors.js';
import type { ExtraHeaders } from '../port.js';
import type { HeaderFields } from './message.js';

/** A header handed in from above the port that the stack writes itself, or that would split the message. */
export type SipHeaderError =
  | { readonly code: 'sip-header-reserved'; readonly name: string }
  | { readonly code: 'sip-header-malformed'; readonly name: string };

/** Fields the stack writes: one given from above would contradict it. */
const reserved: ReadonlySet<string> = new Set([
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'route',
  'record-route',
  'max-forwards',
  'contact',
  'content-length',
  'content-type',
  'content-encoding',
  'authorization',
  'proxy-authorization',
  'rack',
  'rseq',
]);

/** Answers to a REGISTER state the bindings themselves (RFC 3261 §10.3), so there `Contact` is the edge's. */
export interface ExtraHeaderRules {
  readonly contactAllowed?: boolean;
}

const token = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

/** Throws when a name is the stack's own, or a name or value could not stand on one line (RFC 3261 §7.3.1). */
export function checkExtraHeaders(extra: ExtraHeaders | undefined, rules: ExtraHeaderRules = {}): void {
  for (const [name, value] of extra ?? []) {
    const key = name.toLowerCase();
    if (reserved.has(key) && !(key === 'contact' && rules.contactAllowed === true)) {
      throw new GatewayError<SipHeaderError>(
        { code: 'sip-header-reserved', name },
        `Header ${name} is written by the SIP stack and cannot be given; leave it out.`,
      );
    }
    if (!token.test(name) || /[\r\n\0]/.test(value)) {
      throw new GatewayError<SipHeaderError>(
        { code: 'sip-header-malformed', name: name.slice(0, 40).replace(/[^\x21-\x7e]/g, '?') },
        'A header given to the SIP stack has a name that is no token, or a line break in its value.',
      );
    }
  }
}

/** Adds the given fields, which `checkExtraHeaders` has passed. */
export function addExtraHeaders(fields: HeaderFields, extra: ExtraHeaders | undefined): void {
  for (const [name, value] of extra ?? []) fields.add(name, value);
}
