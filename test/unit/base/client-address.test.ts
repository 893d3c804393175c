import { describe, expect, it } from 'vitest';
import { clientAddress, proxyFilter } from '../../../src/base/client-address.js';

const proxies = ['127.0.0.1', '10.0.0.0/8', '2001:db8:5::/48'];
const from = (peer: string, forwardedFor?: string | readonly string[], trusted: readonly string[] = proxies): string =>
  clientAddress(peer, forwardedFor, proxyFilter(trusted));

describe('the address of a visitor', () => {
  it.each([
    ['is that of the connection', '192.0.2.1', undefined, '192.0.2.1'],
    ['is not what a stranger writes of himself', '192.0.2.1', '198.51.100.7', '192.0.2.1'],
    ['is what our proxy says', '10.1.2.3', '192.0.2.1', '192.0.2.1'],
    ['is what our first proxy says, through a second', '127.0.0.1', '192.0.2.1, 10.1.2.3', '192.0.2.1'],
    ['is not what a visitor wrote before our proxy did', '10.1.2.3', '198.51.100.7, 192.0.2.1', '192.0.2.1'],
    ['is that of the proxy when it says nothing', '10.1.2.3', undefined, '10.1.2.3'],
    ['is that of the proxy when it says no address', '10.1.2.3', '198.51.100.7, unknown', '10.1.2.3'],
    ['is read without a port', '10.1.2.3', '192.0.2.1:4711', '192.0.2.1'],
    ['is read out of brackets', '10.1.2.3', '[2001:db8::1]:4711', '2001:db8::1'],
    ['is plain where IPv4 comes as IPv6', '::ffff:10.1.2.3', '::ffff:192.0.2.1', '192.0.2.1'],
    ['comes from proxies with IPv6 too', '2001:db8:5::9', '2001:db8::1', '2001:db8::1'],
    ['is the first of all when all are proxies of ours', '10.1.2.3', '10.9.9.9', '10.9.9.9'],
  ])('%s', (_what, peer, told, expected) => {
    expect(from(peer, told)).toBe(expected);
  });

  it('is read out of several lines as out of one', () => {
    expect(from('10.1.2.3', ['198.51.100.7', '192.0.2.1, 10.9.9.9'])).toBe('192.0.2.1');
  });

  it('is that of the connection where no proxy is trusted, nor one that cannot be read', () => {
    expect(from('127.0.0.1', '192.0.2.1', [])).toBe('127.0.0.1');
    expect(from('127.0.0.1', '192.0.2.1', ['localhost'])).toBe('127.0.0.1');
  });
});
