import { describe, expect, it } from 'vitest';
import type { CallId } from '../../../src/base/ids.js';
import { silentLog } from '../../../src/base/log.js';
import { formatNumber, isPhoneNumber } from '../../../src/trunk/number-format.js';
import type { TrunkOptions } from '../../../src/trunk/options.js';
import { SourceMatch } from '../../../src/trunk/source-match.js';
import { TrunkDialler } from '../../../src/trunk/trunk-dialler.js';
import { TrunkLines } from '../../../src/trunk/trunk-lines.js';
import { Trunks } from '../../../src/trunk/trunks.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeSip } from '../../support/fake-sip.js';
import { Scene, trunk } from '../call/scene.js';

function dial(options: Partial<TrunkOptions>, number: string, from = 'anonymous') {
  const sip = new FakeSip();
  const one = { ...trunk, ...options };
  const clock = new FakeClock();
  const { lines, book } = new Trunks([one], { sip, clock, log: silentLog });
  const dialler = new TrunkDialler([one], { sip, lines, book, clock, log: silentLog, mayDial: () => true });
  const target = { kind: 'trunk', trunk: 'carrier', number, media: { kind: 'udp', codecs: ['PCMU'], learnFrom: [] } } as const;
  const result = dialler.dial({ callId: 'c-1' as CallId, target, from: { number: from }, offer: 'v=0', attempt: 0 });
  return { result, sent: sip.placed[0]?.options };
}

describe('dialling on a trunk', () => {
  it('escapes # in the Request-URI', () => {
    expect(dial({}, '*21#').sent?.requestUri).toBe('sip:*21%23@carrier.example:5060');
  });

  it('writes numbers as the trunk wants them, the caller’s too', () => {
    const { sent } = dial({ numberFormat: 'e164-no-plus' }, '+15550100', '+15550142');
    expect([sent?.requestUri, sent?.from.uri]).toEqual(['sip:15550100@carrier.example:5060', 'sip:15550142@carrier.example:5060']);
  });

  it('puts the trunk’s domain into From, and its peer into the Request-URI and the next hop', () => {
    const { sent } = dial({ domain: 'voice.example' }, '100');
    expect([sent?.requestUri, sent?.from.uri, sent?.via, sent?.credentials]).toEqual([
      'sip:100@carrier.example:5060',
      'sip:+15550199@voice.example',
      { proxy: 'sip:carrier.example:5060;transport=udp' },
      { user: 'u', password: 'p' },
    ]);
  });

  it('refuses a trunk it does not know', () => {
    expect(dial({ id: 'other' }, '100').result).toEqual({ kind: 'refused', failure: 'no-route' });
  });

  it('names the trunk whose peer is no URI when it starts', () => {
    expect(() => dial({ peers: [{ uri: 'carrier', priority: 0, weight: 1 }] }, '100')).toThrow(/trunk carrier/);
  });
});

describe('the source of signalling', () => {
  const match = new SourceMatch([
    {
      ...trunk,
      id: 'one',
      allow: ['198.51.100.0/24', '2001:db8::/32', 'nonsense', '10.0.0.0/99'],
      peers: [{ uri: 'sip:203.0.113.7:5060', priority: 0, weight: 1 }],
    },
    { ...trunk, id: 'two', allow: ['198.51.100.7', '192.0.2.1'] },
  ]);

  it('is known by block, by single address and by the peers given by address', () => {
    expect(
      ['198.51.100.9', '198.51.100.7', '2001:db8::5', '203.0.113.7', '192.0.2.1', '::ffff:192.0.2.1'].map((address) =>
        match
          .trunksOf(address)
          .map(({ id }) => id)
          .join(),
      ),
    ).toEqual(['one', 'one,two', 'one', 'one', 'two', 'two']);
  });

  it('is nobody’s otherwise, and an unreadable block admits nobody', () => {
    for (const address of ['203.0.113.8', '10.1.1.1', '::1', 'nonsense', '']) expect(match.trunksOf(address)).toEqual([]);
  });
});

describe('numbers', () => {
  it('lose their plus only where the trunk wants none', () => {
    expect([
      formatNumber('+1', 'e164'),
      formatNumber('+1', 'e164-no-plus'),
      formatNumber('100', 'e164-no-plus'),
      formatNumber('+1', 'as-dialled'),
    ]).toEqual(['+1', '1', '100', '+1']);
  });

  it('are what a carrier can show', () => {
    expect(['+15550100', '100', '10', 'demo', 'anonymous'].map(isPhoneNumber)).toEqual([true, true, false, false, false]);
  });
});

describe('OPTIONS of a carrier', () => {
  it('is answered 200 to a trunk and 403 to others', async () => {
    for (const [allow, status] of [
      ['192.0.2.0/24', 200],
      ['198.51.100.0/24', 403],
    ] as const) {
      const scene = await new Scene({ trunk: { allow: [allow] } }).start();
      const response = await scene.carrier.request({ method: 'OPTIONS', requestUri: 'sip:carrier.example', from: { uri: 'sip:c@c' } });
      expect(response.status).toBe(status);
    }
  });
});

describe('the lines of a trunk', () => {
  it('are given back once, however often that is said', () => {
    const lines = new TrunkLines([{ ...trunk, maxCalls: 2 }], { clock: new FakeClock() });
    const first = lines.take('carrier', 'out');
    lines.take('carrier', 'in');
    expect(lines.take('carrier', 'in')).toBeUndefined();
    first?.();
    first?.();
    expect(lines.inUse('carrier')).toBe(1);
  });

  it('let one second’s calls start together and then one at a time', () => {
    const clock = new FakeClock();
    const lines = new TrunkLines([{ ...trunk, callsPerSecond: 2 }], { clock });
    const started = (): boolean => lines.take('carrier', 'out') !== undefined;
    expect([started(), started(), started()]).toEqual([true, true, false]);
    clock.advance(500);
    expect([started(), started()]).toEqual([true, false]);
  });

  it('do not limit the rate of inbound calls', () => {
    const lines = new TrunkLines([{ ...trunk, callsPerSecond: 1 }], { clock: new FakeClock() });
    for (let i = 0; i < 5; i += 1) expect(lines.take('carrier', 'in')).toBeDefined();
  });
});
