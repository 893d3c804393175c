/** Shares the one SIP port out between the edges: WebSockets are browsers, everything else is trunks. */
import type { FlowRef, InboundCall, InboundRequest, SipPort, Source } from '../sip/port.js';

/** What an edge takes from the SIP port. */
export interface Edge {
  /** An INVITE. */
  incoming(call: InboundCall): void;
  register(request: InboundRequest): void;
  options(request: InboundRequest): void;
  flowClosed(flow: FlowRef): void;
}

/** Connects both edges, and whoever else wants to know of closed flows (the call service). */
export function connectEdges(
  sip: SipPort,
  edges: { readonly browser: Edge; readonly trunk: Edge },
  calls: { flowClosed(flow: FlowRef): void },
): void {
  const edgeOf = ({ transport }: Source): Edge => (transport === 'ws' || transport === 'wss' ? edges.browser : edges.trunk);
  sip.onCall((call) => edgeOf(call.source).incoming(call));
  sip.onRequest('REGISTER', (request) => edgeOf(request.source).register(request));
  sip.onRequest('OPTIONS', (request) => edgeOf(request.source).options(request));
  sip.onFlowClosed((flow) => {
    edges.browser.flowClosed(flow);
    edges.trunk.flowClosed(flow);
    calls.flowClosed(flow);
  });
}
