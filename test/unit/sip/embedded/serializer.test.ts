import { describe, expect, it } from 'vitest';
import { HeaderFields, type SipRequestMessage } from '../../../../src/sip/embedded/message.js';
import { parseMessage } from '../../../../src/sip/embedded/parser.js';
import { responseTo, serialize } from '../../../../src/sip/embedded/serializer.js';
import { carrierInvite } from '../../../vectors/carrier-invite.js';

function invite(): SipRequestMessage {
  const message = parseMessage(carrierInvite);
  if (message.kind !== 'request') throw new Error('the vector is a request');
  return message;
}

function options(name = 'X', value = 'y', changes: Partial<SipRequestMessage> = {}): SipRequestMessage {
  return {
    kind: 'request',
    method: 'OPTIONS',
    requestUri: 'sip:b@example.com',
    headers: new HeaderFields().add(name, value),
    body: Buffer.alloc(0),
    ...changes,
  };
}

describe('serialize', () => {
  it('gives a carrier INVITE back byte for byte', () => {
    expect(serialize(invite()).toString()).toBe(carrierInvite.toString());
  });

  it('counts the body in bytes and ignores a Content-Length that was set', () => {
    const body = Buffer.from('été');
    const text = serialize(options('content-length', '99', { body })).toString();
    expect(text).toBe('OPTIONS sip:b@example.com SIP/2.0\r\nContent-Length: 5\r\n\r\nété');
  });

  it.each([
    ['a line feed in a value', options('X', 'a\nVia: b'), 'X'],
    ['a carriage return in a value', options('X', 'a\rb'), 'X'],
    ['an end of headers in a value', options('Subject', '\r\n\r\nBYE'), 'Subject'],
    ['a colon in a name', options('X: a\r\nY', 'b'), 'header name'],
    ['an empty name', options('', 'b'), 'header name'],
    ['a space in the method', options('X', 'y', { method: 'OPTIONS sip:x' }), 'method'],
    ['a space in the Request-URI', options('X', 'y', { requestUri: 'sip:b SIP/2.0' }), 'Request-URI'],
    ['a line break in the Request-URI', options('X', 'y', { requestUri: 'sip:b\r\nX:' }), 'Request-URI'],
    ['a line break in the reason', { ...responseTo(invite(), 486), reason: 'Busy\r\nX: y' }, 'reason'],
    ['a status out of range', { ...responseTo(invite(), 486), status: 4860 }, 'status'],
  ])('refuses %s', (_, message, field) => {
    expect(() => serialize(message)).toThrowError(expect.objectContaining({ info: { code: 'sip-unserializable', field } }));
  });
});

describe('responseTo', () => {
  const names = (message: { headers: HeaderFields }) => [...message.headers].map(({ name }) => name);

  it('copies what every response has, in the order of the request, and the Record-Route of an INVITE', () => {
    const response = responseTo(invite(), 180, undefined, 'mytag');
    expect(names(response)).toEqual(['Record-Route', 'Via', 'Via', 'From', 'To', 'Call-ID', 'CSeq']);
    expect([response.reason, response.headers.get('To')]).toEqual(['Ringing', '<sip:+15550123456@198.51.100.7;user=phone>;tag=mytag']);
  });

  it('leaves Record-Route out of what cannot create a dialog', () => {
    expect(names(responseTo(invite(), 100))).not.toContain('Record-Route');
    expect(names(responseTo(invite(), 486))).not.toContain('Record-Route');
    expect(names(responseTo({ ...invite(), method: 'BYE' }, 200))).not.toContain('Record-Route');
  });

  it('keeps a tag that is there, and adds none when none is given', () => {
    const tagged = invite();
    tagged.headers.set('To', 'sip:b@example.com ; tag=old');
    expect(responseTo(tagged, 200, 'OK', 'new').headers.get('To')).toBe('sip:b@example.com ; tag=old');
    expect(responseTo(invite(), 100).headers.get('To')).toBe('<sip:+15550123456@198.51.100.7;user=phone>');
  });

  it('takes a tag parameter of the URI for what it is', () => {
    const request = invite();
    request.headers.set('To', '<sip:b@example.com;tag=uri>');
    expect(responseTo(request, 200, 'OK', 'new').headers.get('To')).toBe('<sip:b@example.com;tag=uri>;tag=new');
  });

  it('copies Timestamp, and writes a message that can be parsed', () => {
    const request = invite();
    request.headers.add('Timestamp', '54');
    const again = parseMessage(serialize(responseTo(request, 100)));
    expect([again.kind === 'response' && again.status, again.headers.get('timestamp')]).toEqual([100, '54']);
  });
});
