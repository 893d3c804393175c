import { randomToken } from '../../base/ids.js';
import { ChallengeRetry } from '../embedded/challenge-retry.js';
import { DigestClient } from '../embedded/digest-client.js';
import { addExtraHeaders, checkExtraHeaders } from '../embedded/extra-headers.js';
import { HeaderFields } from '../embedded/message.js';
import { asSipResponse, contactUserOf, formatAddress, newCallIdHeader, requestError } from '../embedded/port-values.js';
import { sdpType } from '../embedded/session-body.js';
import type { RequestOptions, SipResponse } from '../port.js';
import type { DrachtioContext } from './context.js';

/** A request outside a dialog and its final response; a challenge is answered inside. */
export function sendSingle(options: RequestOptions, context: DrachtioContext): Promise<SipResponse> {
  const { method, requestUri, from, to, body, via, contactUser } = options;
  checkExtraHeaders(options.headers, { contactAllowed: method === 'REGISTER' });
  const link = context.pool.next();
  if (link === undefined) return Promise.reject(requestError(method, { why: 'transport', detail: 'no drachtio server is connected' }));
  const digest = options.credentials === undefined ? undefined : new DigestClient(options.credentials);
  const retry = new ChallengeRetry(digest, { method, uri: requestUri });
  const callId = newCallIdHeader();
  const tag = randomToken(8);
  const proxy = via === undefined ? undefined : 'flow' in via ? via.flow : via.proxy;
  return new Promise((resolve, reject) => {
    let sentContact: string | undefined;
    const attempt = (sequence: number): void => {
      const headers = new HeaderFields();
      headers.add('From', `${formatAddress(from)};tag=${tag}`);
      headers.add('To', formatAddress(to ?? { uri: requestUri }));
      headers.add('Call-ID', callId);
      headers.add('CSeq', `${sequence} ${method}`);
      addExtraHeaders(headers, options.headers);
      if (method === 'REGISTER' && !headers.has('Contact'))
        headers.add('Contact', ownContact(contactUser ?? contactUserOf(from.uri), proxy ?? requestUri));
      headers.add('User-Agent', context.userAgent);
      if (body !== undefined && body.type !== sdpType) headers.add('Content-Type', body.type);
      retry.addTo(headers);
      link.send(
        {
          method,
          uri: requestUri,
          headers,
          ...(body === undefined ? {} : { body: body.content }),
          ...(proxy === undefined ? {} : { proxy }),
        },
        {
          onSent: (request) => {
            sentContact = request.headers.get('Contact');
          },
          onResponse: ({ message }) => {
            if (message.status < 200) return;
            if (retry.takes(message)) attempt(sequence + 1);
            else resolve({ ...asSipResponse(message), ...(sentContact === undefined ? {} : { sentContact }) });
          },
          onFailure: ({ why, detail }) => reject(requestError(method, { why: why === 'timeout' ? 'timeout' : 'transport', detail })),
        },
      );
    };
    attempt(1);
  });
}

/** Our Contact in a REGISTER: the server puts the address of its own contact in the place of `localhost`. */
function ownContact(user: string | undefined, nextHop: string): string {
  const transport = /;transport=(tcp|tls)\b/i.exec(nextHop)?.[1]?.toLowerCase();
  return `<sip:${user ?? 'gateway'}@localhost${transport === undefined ? '' : `;transport=${transport}`}>`;
}
