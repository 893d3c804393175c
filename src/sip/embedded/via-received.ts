import { splitList } from '../grammar.js';
import type { Flow } from './flow.js';
import { topVia } from './header-readers.js';
import type { HeaderFields, SipRequestMessage, Via } from './message.js';
import { formatVia } from './via.js';

/**
 * Writes where a request came from into its top Via: `received` when it is not what sent-by says or
 * `rport` was asked for, and the port as `rport` then (RFC 3261 §18.2.1, RFC 3581 §4). Responses go
 * back to the source whether it was asked for or not.
 */
export function stampReceived(request: SipRequestMessage, flow: Flow): void {
  const via = topVia(request.headers);
  const asked = via.parameters.has('rport');
  if (!asked && via.host === flow.remote.host) return;
  const parameters = new Map(via.parameters);
  parameters.set('received', flow.remote.host);
  if (asked) parameters.set('rport', String(flow.remote.port));
  replaceTopVia(request.headers, { ...via, parameters });
}

function replaceTopVia(headers: HeaderFields, via: Via): void {
  const lines = headers.all('Via');
  const rest = splitList(lines[0] ?? '')?.slice(1) ?? [];
  headers.set('Via', [formatVia(via), ...rest].join(', '));
  const others = lines.slice(1);
  if (others.length === 0) return;
  headers.remove('Via');
  for (const line of [...others].reverse()) headers.prepend('Via', line);
  headers.prepend('Via', [formatVia(via), ...rest].join(', '));
}
