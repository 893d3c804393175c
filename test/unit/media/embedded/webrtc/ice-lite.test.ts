import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { classes, Message, methods, parseMessage } from 'werift';
import { IceLiteAgent, newIceCredentials, type SelectedRemote } from '../../../../../src/media/embedded/webrtc/ice-lite.js';
import { hasIntegrity, readBindingRequest } from '../../../../../src/media/embedded/webrtc/stun.js';

/** RFC 5769 §2.1. */
const sampleRequest = Buffer.from(
  `00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff
   80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249
   c1b571a2 80280004 e57a3bcf`.replaceAll(/\s/g, ''),
  'hex',
);
const samplePassword = 'VOkJxbRl1RmTxUk/WvJxBt';

const local = { ufrag: 'ours', password: 'p'.repeat(22) };

function check(
  options: {
    readonly username?: string;
    readonly password?: string;
    readonly nominate?: boolean;
    readonly priority?: number;
    readonly controlled?: boolean;
  } = {},
): Buffer {
  const message = new Message(methods.BINDING, classes.REQUEST);
  message.setAttribute('USERNAME', options.username ?? 'ours:them').setAttribute('PRIORITY', options.priority ?? 100);
  message.setAttribute(options.controlled === true ? 'ICE-CONTROLLED' : 'ICE-CONTROLLING', 1n);
  if (options.nominate === true) message.setAttribute('USE-CANDIDATE', null);
  return message.addMessageIntegrity(Buffer.from(options.password ?? local.password)).addFingerprint().bytes;
}

function agentAt(clock: { nowMs: number }) {
  const sent: { readonly bytes: Buffer; readonly port: number; readonly address: string }[] = [];
  const chosen: SelectedRemote[] = [];
  const agent = new IceLiteAgent(local, {
    nowMs: () => clock.nowMs,
    send: (bytes, port, address) => sent.push({ bytes, port, address }),
    onSelected: (remote) => chosen.push(remote),
  });
  return { agent, sent, chosen };
}

describe('reading a STUN request', () => {
  it('reads the sample request of RFC 5769 and its integrity', () => {
    const request = readBindingRequest(sampleRequest);
    expect(request).toMatchObject({ username: 'evtj:h6vY', priority: 0x6e0001ff, controlled: true, useCandidate: false });
    expect(request !== undefined && hasIntegrity(request, samplePassword)).toBe(true);
    expect(request !== undefined && hasIntegrity(request, `${samplePassword}x`)).toBe(false);
  });

  it('reads nothing from a request cut short, or with any byte changed', () => {
    for (let length = 0; length < sampleRequest.length; length += 1)
      expect(readBindingRequest(sampleRequest.subarray(0, length))).toBeUndefined();
    // The type and length of FINGERPRINT itself are covered by nothing: unknown attributes there are to be ignored.
    const fingerprintAt = sampleRequest.length - 8;
    for (let at = 0; at < sampleRequest.length; at += at === fingerprintAt - 1 ? 5 : 1) {
      const copy = Buffer.from(sampleRequest);
      copy[at] = (copy[at] ?? 0) ^ 0x01;
      const request = readBindingRequest(copy);
      expect(request === undefined || !hasIntegrity(request, samplePassword), `byte ${at}`).toBe(true);
    }
  });
});

describe('the ICE-lite agent', () => {
  it('has credentials of the length ICE asks for', () => {
    const { ufrag, password } = newIceCredentials();
    expect(ufrag).toMatch(/^[A-Za-z0-9+/]{4,}$/);
    expect(password).toMatch(/^[A-Za-z0-9+/]{22,}$/);
  });

  it('answers a check with the address it came from, sealed with our password', () => {
    const { agent, sent } = agentAt({ nowMs: 0 });
    expect(agent.receive(check(), '192.0.2.7', 4711)).toBe(true);
    const answer = sent[0];
    expect(answer).toMatchObject({ port: 4711, address: '192.0.2.7' });
    const message = parseMessage(answer?.bytes ?? Buffer.alloc(0), Buffer.from(local.password));
    expect(message?.messageClass).toBe(classes.RESPONSE);
    expect(message?.getAttributeValue('XOR-MAPPED-ADDRESS')).toEqual(['192.0.2.7', 4711]);
  });

  it('answers over IPv6 as well', () => {
    const { agent, sent } = agentAt({ nowMs: 0 });
    agent.receive(check(), '2001:db8::17', 4711);
    const bytes = sent[0]?.bytes ?? Buffer.alloc(0);
    expect(bytes.readUInt8(25)).toBe(2);
    const mapped = Buffer.from(bytes.subarray(28, 44)).map((byte, at) => byte ^ (bytes[4 + at] ?? 0));
    expect(Buffer.from(mapped).toString('hex')).toBe('20010db8000000000000000000000017');
  });

  it('says nothing to who does not know our password or means another', () => {
    const { agent, sent } = agentAt({ nowMs: 0 });
    agent.expectPeer('them');
    for (const bytes of [
      check({ password: 'q'.repeat(22) }),
      check({ username: 'other:them' }),
      check({ username: 'ours:stranger' }),
      Buffer.from([0, 1, 0, 0]),
    ]) {
      expect(agent.receive(bytes, '192.0.2.7', 4711)).toBe(false);
    }
    expect(sent).toEqual([]);
    expect(agent.knows('192.0.2.7', 4711)).toBe(false);
  });

  it('tells a peer that thinks itself controlled to take the other role', () => {
    const { agent, sent } = agentAt({ nowMs: 0 });
    agent.receive(check({ controlled: true, nominate: true }), '192.0.2.7', 4711);
    expect(parseMessage(sent[0]?.bytes ?? Buffer.alloc(0), Buffer.from(local.password))?.getAttributeValue('ERROR-CODE')[0]).toBe(487);
    expect(agent.selected).toBeUndefined();
  });

  it('selects what the peer nominates, and only that', () => {
    const { agent, chosen } = agentAt({ nowMs: 0 });
    agent.receive(check(), '192.0.2.7', 1);
    expect(agent.selected).toBeUndefined();
    agent.receive(check({ nominate: true }), '192.0.2.7', 2);
    expect(chosen).toEqual([{ address: '192.0.2.7', port: 2 }]);
  });

  it('keeps to the pair of highest priority when all are nominated', () => {
    const { agent, chosen } = agentAt({ nowMs: 0 });
    agent.receive(check({ nominate: true, priority: 10 }), '192.0.2.7', 1);
    agent.receive(check({ nominate: true, priority: 30 }), '192.0.2.7', 2);
    agent.receive(check({ nominate: true, priority: 20 }), '192.0.2.7', 3);
    agent.receive(check({ nominate: true, priority: 10 }), '192.0.2.7', 1);
    expect(chosen.map(({ port }) => port)).toEqual([1, 2]);
  });

  it('follows a peer to a pair of lower priority once the better one is nominated no longer', () => {
    const clock = { nowMs: 0 };
    const { agent, chosen } = agentAt(clock);
    agent.receive(check({ nominate: true, priority: 30 }), '192.0.2.7', 2);
    clock.nowMs = 5000;
    agent.receive(check({ nominate: true, priority: 10 }), '198.51.100.9', 9);
    expect(chosen.at(-1)).toEqual({ address: '198.51.100.9', port: 9 });
  });

  it('makes its integrity as RFC 8489 §14.5 says, length up to the attribute', () => {
    const { agent, sent } = agentAt({ nowMs: 0 });
    agent.receive(check(), '192.0.2.7', 4711);
    const bytes = Buffer.from(sent[0]?.bytes ?? Buffer.alloc(0));
    const at = bytes.length - 8 - 24;
    bytes.writeUInt16BE(at + 24 - 20, 2);
    expect(bytes.subarray(at + 4, at + 24)).toEqual(createHmac('sha1', local.password).update(bytes.subarray(0, at)).digest());
  });
});
