import type { SipRequestMessage } from '../../src/sip/embedded/message.js';
import type { InboundCall } from '../../src/sip/port.js';
import { RawSipPeer } from './raw-sip-peer.js';
import { until } from './sip-rigs.js';

/** What an end of an early dialog said to an UPDATE. */
export interface UpdateAnswer {
  readonly status: number;
  readonly sdp?: string;
}

/** Says in an early dialog what no port says of its own accord, as other stacks do. */
export interface SipWire {
  /** UPDATE of one end before the answer; `fork` is the To tag of the early dialog. */
  update(by: 'caller' | 'callee', call: InboundCall, fork: string, sdp: string): Promise<UpdateAnswer>;
  /** A provisional response of another phone that the INVITE was forked to. */
  fork(call: InboundCall, status: number, tag: string, sdp: string): Promise<void>;
}

/** Above any CSeq that the ends use themselves. */
const firstSequence = 1000;

/** Writes into dialogs of two ports from a third UDP socket: a dialog goes by its tags, whoever sends. */
export function wireBetween(ends: { readonly callerPort: number; readonly calleePort: number }): SipWire {
  let sequence = firstSequence;

  async function withPeer<T>(use: (peer: RawSipPeer) => Promise<T>): Promise<T> {
    const peer = await RawSipPeer.open();
    try {
      return await use(peer);
    } finally {
      await peer.close();
    }
  }

  return {
    update: (by, call, fork, sdp) =>
      withPeer(async (peer) => {
        sequence += 1;
        const uri = 'sip:end@127.0.0.1';
        const update = peer.request({ method: 'UPDATE', uri, callId: call.callIdHeader, cseq: sequence, contact: null, body: sdp });
        const caller = call.headers.get('From') ?? '';
        const callee = `${call.headers.get('To') ?? ''};tag=${fork}`;
        update.headers.set('From', by === 'caller' ? caller : callee);
        update.headers.set('To', by === 'caller' ? callee : caller);
        peer.send(update, by === 'caller' ? ends.calleePort : ends.callerPort);
        const final = () => peer.inbox.find((each) => each.kind === 'response' && each.status >= 200);
        await until(() => final() !== undefined);
        const response = final();
        if (response?.kind !== 'response') throw new Error('no answer to the UPDATE');
        return { status: response.status, ...(response.body.length === 0 ? {} : { sdp: response.body.toString() }) };
      }),
    fork: (call, status, tag, sdp) =>
      withPeer(async (peer) => {
        const invite = { kind: 'request', method: 'INVITE', requestUri: call.requestUri, headers: call.headers, body: Buffer.alloc(0) };
        const response = peer.response(invite as SipRequestMessage, status, { tag, contact: `<${peer.uri}>`, body: sdp });
        await peer.deliver(response, ends.callerPort);
      }),
  };
}
