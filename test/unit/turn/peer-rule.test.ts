import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { PeerRule } from '../../../src/turn/peer-rule.js';

const ports = { min: 40_000, max: 40_010 };
const own = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ family }) => family === 'IPv4');

it('leads to the address that SDP tells, by the one that media is bound to', () => {
  const rule = new PeerRule({ address: '203.0.113.10', bindAddress: '10.0.0.5', ports });
  expect([rule.address, rule.localAddress]).toEqual(['203.0.113.10', '10.0.0.5']);
  expect([rule.allows('203.0.113.10'), rule.allows('10.0.0.5')]).toEqual([true, false]);
  expect([39_999, 40_000, 40_010, 40_011].map((port) => rule.allowsPort(port))).toEqual([false, true, true, false]);
  expect([rule.isPeer('10.0.0.5', 40_000), rule.isPeer('10.0.0.5', 50_000), rule.isPeer('203.0.113.10', 40_000)]).toEqual([
    true,
    false,
    false,
  ]);
});

it('finds where media is within the machine when it is bound to every address', () => {
  const behind = new PeerRule({ address: '203.0.113.10', bindAddress: '0.0.0.0', ports });
  expect(own.map(({ address }) => address)).toContain(behind.localAddress);
  expect(isIPv4(behind.localAddress)).toBe(true);
  for (const { address } of own) expect(new PeerRule({ address, bindAddress: '0.0.0.0', ports }).localAddress).toBe(address);
});

it('knows an IPv6 address however it is written', () => {
  const rule = new PeerRule({ address: '2001:DB8::17', bindAddress: '::1', ports });
  expect([rule.allows('2001:db8:0:0:0:0:0:17'), rule.isIpv6]).toEqual([true, true]);
  expect(rule.isPeer('0:0:0:0:0:0:0:1', 40_000)).toBe(true);
});
