import type { Body, ExtraHeaders } from '../port.js';
import { ChallengeRetry } from './challenge-retry.js';
import type { DialogState } from './dialog-state.js';
import type { DigestClient } from './digest-client.js';
import { addExtraHeaders } from './extra-headers.js';
import type { FlowFailure } from './flow.js';
import type { HeaderFields, SipRequestMessage, SipResponseMessage } from './message.js';
import { contactFor, type LocalIdentity } from './request-sender.js';
import { putBody } from './session-body.js';
import type { StackContext } from './stack-context.js';

/** What a request inside a dialog takes from it. */
export interface ExchangeFacts {
  readonly state: DialogState;
  /** User part of our Contact. */
  readonly contactUser: string | undefined;
  readonly digest?: DigestClient | undefined;
}

/** What a request inside a dialog carries of its own. */
export interface RequestContent {
  readonly body?: Body;
  readonly headers?: ExtraHeaders;
  /** Adds what changes from one try to the next. */
  readonly addTo?: (headers: HeaderFields) => void;
}

/** What came of it. */
export type Exchange =
  | { readonly kind: 'response'; readonly response: SipResponseMessage }
  | { readonly kind: 'failed'; readonly failure: FlowFailure };

const noResponse: FlowFailure = { why: 'timeout', detail: 'no final response within 64*T1' };
const leftBehind: FlowFailure = { why: 'transport', detail: 'the peer has moved to another connection meanwhile' };

/** Requests that say where we are to be reached from now on, or where a subscription is (RFC 3261 §20.10, RFC 3311 §5.1, RFC 3515 §2.2). */
const withContact: ReadonlySet<string> = new Set(['UPDATE', 'REFER', 'SUBSCRIBE', 'NOTIFY']);

/** Sends a request that is no INVITE inside a dialog and waits for its final response; a challenge is answered on the way. */
export function exchange(context: StackContext, facts: ExchangeFacts, method: string, content: RequestContent): Promise<Exchange> {
  const { state, digest } = facts;
  const uri = state.request(method, 0).requestUri;
  const retry = new ChallengeRetry(digest, { method, uri, ...(content.body === undefined ? {} : { body: content.body.content }) });
  return new Promise((resolve) => {
    const attempt = (): void => {
      const sequence = state.nextSequence();
      const { moves } = state;
      const build = (local: LocalIdentity): SipRequestMessage => {
        const { requestUri, headers } = state.request(method, sequence);
        addExtraHeaders(headers, content.headers);
        content.addTo?.(headers);
        if (withContact.has(method)) headers.add('Contact', contactFor(local, facts.contactUser));
        if (method === 'UPDATE') context.addCapabilities(headers);
        headers.add('User-Agent', context.userAgent);
        retry.addTo(headers);
        return { kind: 'request', method, requestUri, body: putBody(headers, content.body), headers };
      };
      context.sender.send(state.request(method, sequence).destination, build, {
        onResponse: (response) => {
          if (response.status < 200) return;
          if (retry.takes(response)) attempt();
          else resolve({ kind: 'response', response });
        },
        onTimeout: () => resolve({ kind: 'failed', failure: state.moves === moves ? noResponse : leftBehind }),
        onTransportError: (failure) => resolve({ kind: 'failed', failure }),
      });
    };
    attempt();
  });
}
