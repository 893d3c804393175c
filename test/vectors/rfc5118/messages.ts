/** Messages of RFC 5118: IPv6 addresses in SIP. */
import { crlf, leftAbove, refused, type TortureMessage, valid } from '../rfc4475/torture-message.js';

function register(requestUri: string, via: string, contact: string): Buffer {
  return crlf(`REGISTER ${requestUri} SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: ${via}
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: ${contact}
CSeq: 98176 REGISTER
Content-Length: 0

`);
}

const via = 'SIP/2.0/UDP [2001:db8::9:1]:5060;branch=z9hG4bKas3-111';
const contact = '"Caller" <sip:caller@[2001:db8::1]>';

export const ipv6Messages: readonly TortureMessage[] = [
  valid('4.1', 'ipv6-good', 'Valid SIP Message with an IPv6 Reference', register('sip:[2001:db8::10]', via, contact)),
  refused(
    '4.2',
    'ipv6-bad',
    'Invalid SIP Message with an IPv6 Reference',
    'Malformed Request-URI',
    register('sip:2001:db8::10', via, contact),
  ),
  leftAbove(
    '4.3',
    'port-ambiguous',
    'Port Ambiguous in a SIP URI',
    'no port: 5070 is part of the address',
    register('sip:[2001:db8::10:5070]', via, contact),
  ),
  valid('4.4', 'port-unambiguous', 'Port Unambiguous in a SIP URI', register('sip:[2001:db8::10]:5070', via, contact)),
  valid(
    '4.5',
    'via-received-param-with-delim',
    'IPv6 Reference Delimiters in Via Header',
    register('sip:[2001:db8::10]', `SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111`, contact),
  ),
  valid(
    '4.5',
    'via-received-param-no-delim',
    'IPv6 Reference Delimiters in Via Header',
    register('sip:[2001:db8::10]', `SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3`, contact),
  ),
  valid(
    '4.8',
    'mult-ip-in-header',
    'Multiple IP Addresses in SIP Headers',
    register('sip:user@example.com', `${via}, SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKas3-112`, contact),
  ),
  valid(
    '4.9',
    'ipv4-mapped-ipv6',
    'IPv4-Mapped IPv6 Addresses',
    register('sip:user@example.com', 'SIP/2.0/UDP [::ffff:192.0.2.2]:5060;branch=z9hG4bKas3-111', '<sip:caller@[::ffff:192.0.2.10]>'),
  ),
  valid(
    '4.10',
    'ipv6-bug-abnf-3-colons',
    'IPv6 Reference Bug in RFC 3261 ABNF',
    register('sip:user@example.com', via, '<sip:user@[2001:db8:::192.0.2.1]>'),
  ),
  valid(
    '4.10',
    'ipv6-correct-abnf-2-colons',
    'IPv6 Reference Bug in RFC 3261 ABNF',
    register('sip:user@example.com', via, '<sip:user@[2001:db8::192.0.2.1]>'),
  ),
];
