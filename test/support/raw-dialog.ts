import type { EmbeddedSip, EmbeddedSipOptions } from '../../src/sip/embedded/embedded-sip.js';
import { fromTag, readCallId, toTag } from '../../src/sip/embedded/header-readers.js';
import type { SipRequestMessage, SipResponseMessage } from '../../src/sip/embedded/message.js';
import type { DialogEnd, InboundCall, OutboundOptions, Reoffer, SipDialog } from '../../src/sip/port.js';
import { FakeClock } from './fake-clock.js';
import { type RawRequest, RawSipPeer } from './raw-sip-peer.js';
import { startStack, until } from './sip-rigs.js';

type Lines = RawRequest['headers'];

interface RawContent {
  readonly headers?: Lines;
  readonly contact?: string | null;
  readonly body?: string;
  readonly cseq?: number;
}

/** A confirmed dialog between the stack and a peer that a test plays by hand. */
export interface RawDialog {
  readonly dialog: SipDialog;
  /** How it ended; empty while it lives. */
  readonly ends: readonly DialogEnd[];
  /** Offers of the peer that the dialog handed up. */
  readonly offers: readonly Reoffer[];
  readonly acks: readonly (string | undefined)[];
  /** The request and the 2xx that made it. */
  readonly invite: SipRequestMessage;
  readonly ok: SipResponseMessage;
  /** Sends a request of the peer inside the dialog, with the next CSeq number unless one is given. */
  send(method: string, options?: RawContent): SipRequestMessage;
}

/** The stack under a fake clock and one raw peer, over UDP. */
export class RawDialogRig {
  private constructor(
    readonly clock: FakeClock,
    readonly stack: EmbeddedSip,
    readonly peer: RawSipPeer,
  ) {}

  static async open(options: Partial<EmbeddedSipOptions> = {}, random = () => 0.5): Promise<RawDialogRig> {
    const clock = new FakeClock();
    const stack = await startStack(options, { clock, random });
    return new RawDialogRig(clock, stack, await RawSipPeer.open());
  }

  get port(): number {
    return this.stack.bound()[0]?.port ?? 0;
  }

  /** The peer calls; the stack answers with `sdp` as `how` says. */
  async called(
    how: {
      readonly headers?: Lines;
      readonly contact?: string | null;
      readonly offer?: string | null;
      readonly sdp?: string;
      readonly answer?: Parameters<InboundCall['answer']>[1];
      readonly acknowledge?: boolean;
    } = {},
  ): Promise<RawDialog> {
    const { peer, stack, port } = this;
    let dialog: SipDialog | undefined;
    stack.onCall((call) => {
      dialog = call.answer(how.sdp ?? 'v=0\r\ns=ours\r\n', how.answer);
    });
    const invite = peer.request({
      method: 'INVITE',
      uri: `sip:gateway@127.0.0.1:${port}`,
      ...(how.headers === undefined ? {} : { headers: how.headers }),
      ...(how.contact === undefined ? {} : { contact: how.contact }),
      ...(how.offer === null ? {} : { body: how.offer ?? 'v=0\r\ns=theirs\r\n' }),
    });
    peer.send(invite, port);
    const ok = await peer.nextResponse(200);
    if (dialog === undefined) throw new Error('answered by nobody');
    const made = this.dialogOf(dialog, invite, ok, {
      callId: readCallId(invite.headers),
      fromTag: fromTag(invite.headers) ?? '',
      toTag: toTag(ok.headers) ?? '',
    });
    if (how.acknowledge !== false) {
      made.send('ACK', { cseq: 1 });
      await until(() => made.acks.length === 1);
    }
    return made;
  }

  /** The stack calls; the peer answers with `ok`. */
  async calling(
    options: Partial<OutboundOptions> = {},
    ok: Parameters<RawSipPeer['response']>[2] = {},
    before?: (invite: SipRequestMessage) => Promise<SipRequestMessage>,
  ): Promise<RawDialog> {
    const { peer, stack, port } = this;
    const call = stack.call({ requestUri: peer.uri, from: { uri: 'sip:gateway@example.com' }, offer: 'v=0\r\ns=ours\r\n', ...options });
    const first = await peer.nextRequest('INVITE');
    const invite = before === undefined ? first : await before(first);
    const answer = peer.response(invite, 200, { tag: 'far', contact: `<${peer.uri}>`, body: 'v=0\r\ns=theirs\r\n', ...ok });
    peer.send(answer, port);
    const outcome = await call.outcome;
    if (outcome.kind !== 'answered') throw new Error(`not answered: ${outcome.kind}`);
    await peer.nextRequest('ACK');
    return this.dialogOf(outcome.dialog, invite, answer, {
      callId: readCallId(invite.headers),
      fromTag: toTag(answer.headers) ?? '',
      toTag: fromTag(invite.headers) ?? '',
    });
  }

  /** Ends what is left, and fails when anything stays behind. */
  async close(): Promise<void> {
    const stopped = this.stack.stop();
    await this.clock.advanceAsync(2000);
    await stopped;
    await this.peer.close();
    const left = Object.entries(this.stack.liveObjects()).filter(([, count]) => count > 0);
    if (left.length > 0) throw new Error(`left behind: ${JSON.stringify(left)}`);
  }

  /** Moves time on and lets what that sent arrive. */
  async pass(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms);
  }

  private dialogOf(
    dialog: SipDialog,
    invite: SipRequestMessage,
    ok: SipResponseMessage,
    names: { readonly callId: string; readonly fromTag: string; readonly toTag: string },
  ): RawDialog {
    const ends: DialogEnd[] = [];
    const offers: Reoffer[] = [];
    const acks: (string | undefined)[] = [];
    dialog.onEnd((end) => ends.push(end));
    dialog.onOffer((offer) => offers.push(offer));
    dialog.onAck((sdp) => acks.push(sdp));
    let sequence = 1;
    const { peer, port } = this;
    return {
      dialog,
      ends,
      offers,
      acks,
      invite,
      ok,
      send: (method, options = {}) => {
        if (options.cseq === undefined) sequence += 1;
        const { headers = [], contact = `<${peer.uri}>`, body, cseq = sequence } = options;
        const uri = `sip:gateway@127.0.0.1:${port}`;
        const request = peer.request({ method, uri, ...names, headers, contact, cseq, ...(body === undefined ? {} : { body }) });
        peer.send(request, port);
        return request;
      },
    };
  }
}
