/** Between the values of the port and those of messages. */
import { GatewayError } from '../../base/errors.js';
import { randomToken } from '../../base/ids.js';
import { noParameters } from '../grammar.js';
import { formatNameAddress } from '../name-address.js';
import type { NameAddress, OutboundOptions, SipRequestError, SipResponse } from '../port.js';
import { escapeUser, userOf } from '../uri.js';
import type { FlowFailure } from './flow.js';
import type { NameAddressValue, SipResponseMessage } from './message.js';
import type { Destination } from './request-sender.js';
import { bodyOf } from './session-body.js';

/** An address as the port gives it: without parameters, the tag among them. */
export function plainNameAddress({ displayName, uri }: NameAddressValue): NameAddress {
  return displayName === undefined || displayName === '' ? { uri } : { displayName, uri };
}

/** An address of the port as a header value. */
export function formatAddress({ displayName, uri }: NameAddress): string {
  return formatNameAddress({ ...(displayName === undefined ? {} : { displayName }), uri, parameters: noParameters });
}

/** User part of a URI as it may stand in our Contact. */
export function contactUserOf(uri: string): string | undefined {
  const user = userOf(uri);
  return user === undefined || user === '' ? undefined : escapeUser(user);
}

/** A Call-ID that nothing else in the world has, and that names no machine (RFC 3261 §8.1.1.4). */
export function newCallIdHeader(): string {
  return randomToken(16);
}

/** Where a request outside a dialog goes. */
export function destinationOf(options: { readonly requestUri: string; readonly via?: OutboundOptions['via'] }): Destination {
  const { via, requestUri } = options;
  if (via === undefined) return { uri: requestUri };
  return 'flow' in via ? { flow: via.flow } : { uri: via.proxy };
}

export function asSipResponse(response: SipResponseMessage): SipResponse {
  const body = bodyOf(response);
  return { status: response.status, reason: response.reason, headers: response.headers, ...(body === undefined ? {} : { body }) };
}

/** The port's error for a request that got no final response. */
export function requestError(method: string, failure: FlowFailure): GatewayError<SipRequestError> {
  return new GatewayError<SipRequestError>(
    { code: 'sip-request-failed', why: failure.why },
    `${method} got no final response: ${failure.detail}`,
  );
}
