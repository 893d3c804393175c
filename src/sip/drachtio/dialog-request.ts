import { ChallengeRetry } from '../embedded/challenge-retry.js';
import type { DigestClient } from '../embedded/digest-client.js';
import { addExtraHeaders } from '../embedded/extra-headers.js';
import { HeaderFields } from '../embedded/message.js';
import { sdpType } from '../embedded/session-body.js';
import type { Body, ExtraHeaders, Headers } from '../port.js';
import type { DrachtioContext } from './context.js';
import type { DrachtioLink } from './link.js';
import type { SentRequest, WireFailure, WireResponse } from './pending-request.js';

/** What a request in a dialog carries. */
export interface DialogRequestContent {
  readonly body?: Body;
  readonly headers?: ExtraHeaders;
}

export interface ResponseHandlers {
  onResponse(response: WireResponse): void;
  onFailure(failure: WireFailure): void;
}

/** What a dialog gives to its requests. */
export interface RequestDialog {
  readonly link: DrachtioLink;
  readonly digest: DigestClient | undefined;
  readonly peerHeaders: Headers;
  readonly dialogId: string | undefined;
  readonly context: DrachtioContext;
}

/** Sends a request in a dialog; a challenge is answered inside. */
export function sendInDialog(
  dialog: RequestDialog,
  method: string,
  content: DialogRequestContent,
  handlers: ResponseHandlers,
): SentRequest {
  const { link, digest, peerHeaders, dialogId, context } = dialog;
  const retry = new ChallengeRetry(digest, { method, uri: contactUri(peerHeaders) });
  let sent: SentRequest | undefined;
  let cancelled: HeaderFields | undefined;
  const attempt = (): void => {
    const headers = new HeaderFields();
    addExtraHeaders(headers, content.headers);
    if (method === 'INVITE') headers.add('Allow', context.allow());
    headers.add('User-Agent', context.userAgent);
    if (content.body !== undefined && content.body.type !== sdpType) headers.add('Content-Type', content.body.type);
    retry.addTo(headers);
    sent = link.send(
      {
        method,
        headers,
        ...(content.body === undefined ? {} : { body: content.body.content }),
        ...(dialogId === undefined ? {} : { dialogId }),
      },
      {
        onResponse: (response) => {
          if (response.message.status >= 300 && cancelled === undefined && retry.takes(response.message)) attempt();
          else handlers.onResponse(response);
        },
        onFailure: (failure) => handlers.onFailure(failure),
      },
    );
  };
  attempt();
  return {
    cancel: (headers) => {
      cancelled = headers;
      sent?.cancel(headers);
    },
    abandon: () => sent?.abandon(),
  };
}

/** The URI that a digest is made over: the peer's target, as the server puts it on the request line. */
function contactUri(headers: Headers): string {
  const contact = headers.get('Contact') ?? 'sip:placeholder';
  return /<([^>]+)>/.exec(contact)?.[1] ?? contact;
}
