import { beforeEach, describe, expect, it } from 'vitest';
import type { Flow, FlowFailure } from '../../../../src/sip/embedded/flow.js';
import { HeaderFields, type SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import { parseMessage } from '../../../../src/sip/embedded/parser.js';
import { responseTo } from '../../../../src/sip/embedded/serializer.js';
import { TransactionLayer } from '../../../../src/sip/embedded/transaction-layer.js';
import type { InviteServerTransaction, NonInviteServerTransaction } from '../../../../src/sip/embedded/transaction-server.js';
import { defaultSipTimers } from '../../../../src/sip/embedded/transaction-timers.js';
import type { FlowRef, SipTransport } from '../../../../src/sip/port.js';
import { FakeClock, settle } from '../../../support/fake-clock.js';

/** A flow that keeps what is sent, with the moment it was. */
class FakeFlow implements Flow {
  readonly ref: FlowRef;
  readonly remote = { host: '192.0.2.1', port: 5060 };
  readonly local = { host: '192.0.2.2', port: 5060 };
  open = true;
  readonly sent: [atMs: number, what: string][] = [];
  refuse: (() => void) | undefined;
  failNext: FlowFailure | undefined;
  private closed: ((failure: FlowFailure) => void)[] = [];

  constructor(
    readonly transport: SipTransport,
    private readonly clock: FakeClock,
  ) {
    this.ref = `${transport}:test` as FlowRef;
  }

  send(bytes: Buffer, onFailure: (failure: FlowFailure) => void): void {
    const message = parseMessage(bytes);
    this.sent.push([this.clock.nowMs(), message.kind === 'request' ? message.method : String(message.status)]);
    const failure = this.failNext;
    if (failure !== undefined) queueMicrotask(() => onFailure(failure));
  }

  onClose(listener: (failure: FlowFailure) => void): () => void {
    this.closed.push(listener);
    return () => {
      this.closed = this.closed.filter((each) => each !== listener);
    };
  }

  die(): void {
    this.open = false;
    for (const each of this.closed.splice(0)) each({ why: 'transport', detail: 'gone' });
  }

  get watchers(): number {
    return this.closed.length;
  }

  probe(onRefused: () => void): void {
    if (this.transport === 'udp') this.refuse = onRefused;
  }
}

function request(method: string, branch = 'z9hG4bKtest', extra: readonly (readonly [string, string])[] = []): SipRequestMessage {
  const headers = new HeaderFields();
  headers.add('Via', `SIP/2.0/UDP 192.0.2.2:5060;branch=${branch};rport`);
  headers.add('Max-Forwards', '70').add('From', '<sip:a@example.com>;tag=1').add('To', '<sip:b@example.com>');
  headers.add('Call-ID', 'call').add('CSeq', `7 ${method}`);
  for (const [name, value] of extra) headers.add(name, value);
  return { kind: 'request', method, requestUri: 'sip:b@example.com', headers, body: Buffer.alloc(0) };
}

describe('transaction timers', () => {
  let clock: FakeClock;
  let heard: string[];
  let layer: TransactionLayer;
  let invites: [InviteServerTransaction, boolean][];
  let others: [NonInviteServerTransaction, boolean][];
  let cancels: [NonInviteServerTransaction, InviteServerTransaction | undefined][];
  let acks: SipRequestMessage[];

  beforeEach(() => {
    clock = new FakeClock();
    heard = [];
    invites = [];
    others = [];
    cancels = [];
    acks = [];
    layer = new TransactionLayer(
      { clock, timers: defaultSipTimers, respond: (flow, _via, bytes) => flow.send(bytes, () => {}) },
      {
        onInvite: (transaction, merged) => invites.push([transaction, merged]),
        onRequest: (transaction, merged) => others.push([transaction, merged]),
        onCancel: (transaction, invite) => cancels.push([transaction, invite]),
        onAck: (ack) => acks.push(ack),
      },
    );
  });

  const user = {
    onResponse: (response: { status: number }) => heard.push(`${response.status}`),
    onTimeout: () => heard.push(`timeout@${clock.nowMs()}`),
    onTransportError: (failure: FlowFailure) => heard.push(`${failure.why}@${clock.nowMs()}`),
  };

  function start(method: string, transport: SipTransport = 'udp'): { flow: FakeFlow; sent: SipRequestMessage } {
    const flow = new FakeFlow(transport, clock);
    const sent = request(method, `z9hG4bK${method}`);
    layer.send(sent, `z9hG4bK${method}`, flow, user);
    return { flow, sent };
  }

  const times = (flow: FakeFlow, what: string): number[] => flow.sent.filter((each) => each[1] === what).map(([at]) => at);

  const idle = (): void => {
    expect(clock.liveTimers).toBe(0);
    expect(layer.size).toBe(0);
  };

  describe('INVITE client', () => {
    it('sends again by timer A, doubling without bound, until timer B', () => {
      const { flow } = start('INVITE');
      clock.advance(60_000);
      expect(times(flow, 'INVITE')).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
      expect(heard).toEqual(['timeout@32000']);
      idle();
    });

    it('sends once over a reliable transport and still times out by timer B', () => {
      const { flow } = start('INVITE', 'tcp');
      clock.advance(60_000);
      expect(times(flow, 'INVITE')).toEqual([0]);
      expect(heard).toEqual(['timeout@32000']);
      idle();
    });

    it('stops sending and waits without limit once a provisional response has come', () => {
      const { flow, sent } = start('INVITE');
      clock.advance(600);
      layer.receiveResponse(responseTo(sent, 180));
      expect(clock.liveTimers).toBe(0);
      clock.advance(600_000);
      expect(times(flow, 'INVITE')).toEqual([0, 500]);
      expect(heard).toEqual(['180']);
    });

    it('acknowledges a failure, and each repeat of it, for 32 s of timer D', () => {
      const { flow, sent } = start('INVITE');
      layer.receiveResponse(responseTo(sent, 486, undefined, 'x'));
      clock.advance(20_000);
      layer.receiveResponse(responseTo(sent, 486, undefined, 'x'));
      expect(times(flow, 'ACK')).toEqual([0, 20_000]);
      expect(heard).toEqual(['486']);
      clock.advance(11_999);
      expect(layer.size).toBe(1);
      clock.advance(1);
      idle();
    });

    it('ends at once after a failure over a reliable transport', () => {
      const { flow, sent } = start('INVITE', 'tls');
      layer.receiveResponse(responseTo(sent, 404));
      expect(times(flow, 'ACK')).toEqual([0]);
      idle();
    });

    it('hands every 2xx up for 64*T1 of timer M, on every transport', () => {
      for (const transport of ['udp', 'ws'] as const) {
        heard.length = 0;
        const { sent } = start('INVITE', transport);
        layer.receiveResponse(responseTo(sent, 200, undefined, 'a'));
        clock.advance(31_999);
        layer.receiveResponse(responseTo(sent, 200, undefined, 'b'));
        clock.advance(1);
        layer.receiveResponse(responseTo(sent, 200, undefined, 'c'));
        expect(heard).toEqual(['200', '200']);
        idle();
      }
    });

    it('builds the ACK of a failure from the INVITE and the To of the response', () => {
      const flow = new FakeFlow('udp', clock);
      const bytes: Buffer[] = [];
      flow.send = (each) => void bytes.push(each);
      const sent = request('INVITE', 'z9hG4bKr', [['Route', '<sip:p.example.com;lr>']]);
      layer.send(sent, 'z9hG4bKr', flow, user);
      layer.receiveResponse(responseTo(sent, 404, undefined, 'their-tag'));
      const ack = parseMessage(bytes[1] ?? Buffer.alloc(0));
      expect(ack).toMatchObject({ kind: 'request', method: 'ACK', requestUri: 'sip:b@example.com' });
      expect(ack.headers.all('Via')).toEqual(sent.headers.all('Via'));
      expect(ack.headers.get('To')).toBe('<sip:b@example.com>;tag=their-tag');
      expect(ack.headers.get('CSeq')).toBe('7 ACK');
      expect(ack.headers.get('Route')).toBe('<sip:p.example.com;lr>');
    });

    it('reports a refusal T1 after the probe that goes with the first retransmission', () => {
      const { flow } = start('INVITE');
      expect(flow.refuse).toBeUndefined();
      clock.advance(500);
      flow.refuse?.();
      clock.advance(499);
      expect(heard).toEqual([]);
      clock.advance(1);
      expect(heard).toEqual(['refused@1000']);
      idle();
    });

    it('forgets a refusal when the peer answers after all', () => {
      const { flow, sent } = start('INVITE');
      clock.advance(500);
      flow.refuse?.();
      layer.receiveResponse(responseTo(sent, 100));
      clock.advance(10_000);
      expect(heard).toEqual(['100']);
    });

    it('fails when its TCP connection dies before a response, not after one', () => {
      const early = start('INVITE', 'tcp');
      early.flow.die();
      expect(heard).toEqual(['transport@0']);
      const late = start('INVITE', 'tcp');
      layer.receiveResponse(responseTo(late.sent, 180));
      late.flow.die();
      expect(heard).toEqual(['transport@0', '180']);
    });

    it('fails when its WebSocket dies, whatever has been heard', () => {
      const { flow, sent } = start('INVITE', 'wss');
      layer.receiveResponse(responseTo(sent, 180));
      flow.die();
      expect(heard).toEqual(['180', 'transport@0']);
      idle();
    });

    it('leaves no listener on its flow', () => {
      const { flow, sent } = start('INVITE', 'tcp');
      expect(flow.watchers).toBe(1);
      layer.receiveResponse(responseTo(sent, 404));
      expect(flow.watchers).toBe(0);
    });
  });

  describe('non-INVITE client', () => {
    it('sends again by timer E, doubling up to T2, until timer F', () => {
      const { flow } = start('BYE');
      clock.advance(60_000);
      expect(times(flow, 'BYE')).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
      expect(heard).toEqual(['timeout@32000']);
      idle();
    });

    it('sends every T2 once a provisional response has come', () => {
      const { flow, sent } = start('BYE');
      clock.advance(600);
      layer.receiveResponse(responseTo(sent, 100));
      clock.advance(10_000);
      expect(times(flow, 'BYE')).toEqual([0, 500, 1500, 5500, 9500]);
    });

    it('stays for T4 of timer K to take repeats in', () => {
      const { sent } = start('OPTIONS');
      layer.receiveResponse(responseTo(sent, 200));
      layer.receiveResponse(responseTo(sent, 200));
      expect(heard).toEqual(['200']);
      clock.advance(4999);
      expect(layer.size).toBe(1);
      clock.advance(1);
      idle();
    });

    it('sends once and ends with the response over a reliable transport', () => {
      const { flow, sent } = start('OPTIONS', 'tcp');
      clock.advance(20_000);
      layer.receiveResponse(responseTo(sent, 200));
      expect(times(flow, 'OPTIONS')).toEqual([0]);
      idle();
    });

    it('reports what the flow could not send', async () => {
      const flow = new FakeFlow('udp', clock);
      flow.failNext = { why: 'transport', detail: 'no route' };
      layer.send(request('OPTIONS'), 'z9hG4bKtest', flow, user);
      await settle();
      expect(heard).toEqual(['transport@0']);
      idle();
    });

    it('does not take a response of another method with the same branch', () => {
      const { sent } = start('INVITE');
      const other = responseTo(sent, 200);
      other.headers.set('CSeq', '7 CANCEL');
      layer.receiveResponse(other);
      expect(heard).toEqual([]);
    });
  });

  describe('INVITE server', () => {
    function arrive(transport: SipTransport = 'udp'): { flow: FakeFlow; transaction: InviteServerTransaction; invite: SipRequestMessage } {
      const flow = new FakeFlow(transport, clock);
      const invite = request('INVITE');
      layer.receiveRequest(invite, flow);
      const transaction = invites.at(-1)?.[0];
      if (transaction === undefined) throw new Error('no transaction');
      return { flow, transaction, invite };
    }

    it('absorbs a repeated INVITE and sends the last provisional response again', () => {
      const { flow, transaction, invite } = arrive();
      transaction.respond(responseTo(invite, 100));
      transaction.respond(responseTo(invite, 183));
      layer.receiveRequest(request('INVITE'), flow);
      expect(invites).toHaveLength(1);
      expect(flow.sent.map(([, what]) => what)).toEqual(['100', '183', '183']);
    });

    it('sends a failure again by timer G, doubling up to T2, until timer H', () => {
      const { flow, transaction, invite } = arrive();
      let unheard = 0;
      transaction.onNoAck = () => {
        unheard += 1;
      };
      transaction.respond(responseTo(invite, 486));
      clock.advance(60_000);
      expect(times(flow, '486')).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
      expect(unheard).toBe(1);
      idle();
    });

    it('stops at the ACK and takes repeated ones in for T4 of timer I', () => {
      const { flow, transaction, invite } = arrive();
      transaction.respond(responseTo(invite, 486));
      clock.advance(700);
      layer.receiveRequest(request('ACK'), flow);
      layer.receiveRequest(request('ACK'), flow);
      expect(acks).toEqual([]);
      clock.advance(4999);
      expect(times(flow, '486')).toEqual([0, 500]);
      expect(layer.size).toBe(1);
      clock.advance(1);
      idle();
    });

    it('sends a failure once over a reliable transport and waits for the ACK until timer H', () => {
      const { flow, transaction, invite } = arrive('tcp');
      transaction.respond(responseTo(invite, 486));
      clock.advance(31_999);
      expect(times(flow, '486')).toEqual([0]);
      expect(layer.size).toBe(1);
      layer.receiveRequest(request('ACK'), flow);
      idle();
    });

    it('stays for timer L after a 2xx, absorbing the INVITE and passing ACKs up', () => {
      const { flow, transaction, invite } = arrive();
      transaction.respond(responseTo(invite, 200));
      layer.receiveRequest(request('INVITE'), flow);
      layer.receiveRequest(request('ACK'), flow);
      expect(invites).toHaveLength(1);
      expect(acks).toHaveLength(1);
      expect(times(flow, '200')).toEqual([0]);
      clock.advance(31_999);
      expect(layer.size).toBe(1);
      clock.advance(1);
      idle();
    });

    it('sends nothing after a failure and only 2xx after a 2xx', () => {
      const failed = arrive();
      failed.transaction.respond(responseTo(failed.invite, 486));
      failed.transaction.respond(responseTo(failed.invite, 200));
      expect(failed.flow.sent.map(([, what]) => what)).toEqual(['486']);
      layer.endAll();
      const accepted = arrive();
      accepted.transaction.respond(responseTo(accepted.invite, 200));
      accepted.transaction.respond(responseTo(accepted.invite, 180));
      accepted.transaction.respond(responseTo(accepted.invite, 486));
      accepted.transaction.respond(responseTo(accepted.invite, 200));
      expect(accepted.flow.sent.map(([, what]) => what)).toEqual(['200', '200']);
    });

    it('finds the INVITE a CANCEL is for, by branch and sent-by', () => {
      const { flow, transaction } = arrive();
      layer.receiveRequest(request('CANCEL'), flow);
      layer.receiveRequest(request('CANCEL', 'z9hG4bKother'), flow);
      const elsewhere = request('CANCEL');
      elsewhere.headers.set('Via', 'SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bKtest');
      layer.receiveRequest(elsewhere, flow);
      expect(cancels.map(([, invite]) => invite)).toEqual([transaction, undefined, undefined]);
    });

    it('marks the same request by another way as merged, and the next call as not', () => {
      const { flow } = arrive();
      layer.receiveRequest(request('INVITE', 'z9hG4bKsecond'), flow);
      expect(invites.map(([, merged]) => merged)).toEqual([false, true]);
      layer.endAll();
      layer.receiveRequest(request('INVITE', 'z9hG4bKthird'), flow);
      expect(invites.map(([, merged]) => merged)).toEqual([false, true, false]);
    });

    it('matches an RFC 2543 branch by what that one compares', () => {
      const { flow } = arrive();
      layer.endAll();
      const old = request('INVITE', 'old');
      layer.receiveRequest(old, flow);
      layer.receiveRequest(request('INVITE', 'old'), flow);
      expect(invites).toHaveLength(2);
      const next = request('INVITE', 'old');
      next.headers.set('CSeq', '8 INVITE');
      layer.receiveRequest(next, flow);
      expect(invites).toHaveLength(3);
    });
  });

  describe('non-INVITE server', () => {
    it('absorbs repeats before the answer and repeats the answer for 64*T1 of timer J', () => {
      const flow = new FakeFlow('udp', clock);
      layer.receiveRequest(request('BYE'), flow);
      layer.receiveRequest(request('BYE'), flow);
      expect(flow.sent).toEqual([]);
      const transaction = others[0]?.[0];
      transaction?.respond(responseTo(request('BYE'), 200));
      clock.advance(31_999);
      layer.receiveRequest(request('BYE'), flow);
      expect(times(flow, '200')).toEqual([0, 31_999]);
      expect(others).toHaveLength(1);
      clock.advance(1);
      idle();
    });

    it('ends with its answer over a reliable transport', () => {
      const flow = new FakeFlow('tcp', clock);
      layer.receiveRequest(request('BYE'), flow);
      others[0]?.[0].respond(responseTo(request('BYE'), 200));
      idle();
    });
  });

  it('scales its schedule with T1', () => {
    const fast = new TransactionLayer(
      { clock, timers: { t1Ms: 10, t2Ms: 80, t4Ms: 100 }, respond: () => {} },
      { onInvite: () => {}, onRequest: () => {}, onCancel: () => {}, onAck: () => {} },
    );
    const flow = new FakeFlow('udp', clock);
    fast.send(request('INVITE'), 'z9hG4bKtest', flow, user);
    clock.advance(10_000);
    expect(times(flow, 'INVITE')).toEqual([0, 10, 30, 70, 150, 310, 630]);
    expect(heard).toEqual(['timeout@640']);
  });
});
