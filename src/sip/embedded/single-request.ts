import { randomToken } from '../../base/ids.js';
import type { RequestOptions, SipResponse } from '../port.js';
import { ChallengeRetry } from './challenge-retry.js';
import { DigestClient } from './digest-client.js';
import { addExtraHeaders, checkExtraHeaders } from './extra-headers.js';
import { HeaderFields, type SipRequestMessage } from './message.js';
import { asSipResponse, contactUserOf, destinationOf, formatAddress, newCallIdHeader, requestError } from './port-values.js';
import { contactFor, type LocalIdentity, type Sending } from './request-sender.js';
import { putBody } from './session-body.js';
import type { StackContext } from './stack-context.js';

/** Call-ID and last CSeq number of one series of requests. */
interface Series {
  readonly callId: string;
  sequence: number;
}

const maxSeries = 1024;

/**
 * Requests outside dialogs: OPTIONS pings, registrations with a carrier. The REGISTERs of one
 * address with one registrar share a Call-ID and count on in CSeq (RFC 3261 §10.2).
 */
export class SingleRequests {
  private readonly registrations = new Map<string, Series>();

  constructor(private readonly context: StackContext) {}

  send(options: RequestOptions): Promise<SipResponse> {
    const { method, requestUri } = options;
    checkExtraHeaders(options.headers, { contactAllowed: method === 'REGISTER' });
    const digest = options.credentials === undefined ? undefined : new DigestClient(options.credentials);
    const retry = new ChallengeRetry(digest, { method, uri: requestUri });
    const series = this.seriesOf(options);
    const tag = randomToken(8);
    return new Promise((resolve, reject) => {
      const attempt = (): void => {
        series.sequence += 1;
        const { sequence } = series;
        const sending = this.context.sender.send(
          destinationOf(options),
          (local) => this.build(options, { ...series, sequence }, tag, retry, local),
          {
            onResponse: (response) => {
              if (response.status < 200) return;
              if (retry.takes(response)) attempt();
              else resolve({ ...asSipResponse(response), ...sentBy(sending) });
            },
            onTimeout: () => reject(requestError(method, { why: 'timeout', detail: 'no final response within 64*T1' })),
            onTransportError: (failure) => reject(requestError(method, failure)),
          },
        );
      };
      attempt();
    });
  }

  private build(options: RequestOptions, series: Series, tag: string, retry: ChallengeRetry, local: LocalIdentity): SipRequestMessage {
    const { method, requestUri, from } = options;
    const headers = new HeaderFields();
    headers.add('Max-Forwards', '70');
    headers.add('From', `${formatAddress(from)};tag=${tag}`);
    headers.add('To', formatAddress(options.to ?? (method === 'REGISTER' ? from : { uri: requestUri })));
    headers.add('Call-ID', series.callId);
    headers.add('CSeq', `${series.sequence} ${method}`);
    addExtraHeaders(headers, options.headers);
    if (!headers.has('Contact') && method !== 'MESSAGE')
      headers.add('Contact', contactFor(local, options.contactUser ?? contactUserOf(from.uri)));
    if (method === 'OPTIONS') headers.add('Accept', 'application/sdp');
    headers.add('User-Agent', this.context.userAgent);
    retry.addTo(headers);
    return { kind: 'request', method, requestUri, body: putBody(headers, options.body), headers };
  }

  private seriesOf({ method, requestUri, from }: RequestOptions): Series {
    if (method !== 'REGISTER') return { callId: newCallIdHeader(), sequence: 0 };
    const key = `${requestUri} ${from.uri}`;
    let series = this.registrations.get(key);
    if (series === undefined) {
      if (this.registrations.size >= maxSeries) this.registrations.clear();
      series = { callId: newCallIdHeader(), sequence: 0 };
      this.registrations.set(key, series);
    }
    return series;
  }
}

/** How a request left: its flow, and the Contact it carried. */
function sentBy({ transaction }: Sending): Pick<SipResponse, 'flow' | 'sentContact'> {
  if (transaction === undefined) return {};
  const contact = transaction.request.headers.get('Contact');
  return { flow: transaction.flow.ref, ...(contact === undefined ? {} : { sentContact: contact }) };
}
