import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../src/base/errors.js';
import {
  isWildcardContact,
  readCallId,
  readContacts,
  readContentType,
  readCSeq,
  readFrom,
  readMaxForwards,
  readRoutes,
  readTo,
  readTokens,
  readVias,
} from '../../../../src/sip/embedded/header-readers.js';
import type { SipMessage } from '../../../../src/sip/embedded/message.js';
import type { SipParseErrorInfo } from '../../../../src/sip/embedded/parse-error.js';
import { parseMessage } from '../../../../src/sip/embedded/parser.js';
import { responseTo, serialize } from '../../../../src/sip/embedded/serializer.js';
import { parseSipUri } from '../../../../src/sip/uri.js';
import { invalidMessages } from '../../../vectors/rfc4475/invalid.js';
import { semanticMessages } from '../../../vectors/rfc4475/semantic.js';
import { sdp, type TortureMessage } from '../../../vectors/rfc4475/torture-message.js';
import { validMessages } from '../../../vectors/rfc4475/valid.js';
import { ipv6Messages } from '../../../vectors/rfc5118/messages.js';

const all = [...validMessages, ...invalidMessages, ...semanticMessages, ...ipv6Messages];
const passing = all.filter(({ expected }) => expected.kind === 'accepted');
const failing = all.filter(({ expected }) => expected.kind !== 'accepted');

function refusal(bytes: Buffer): SipParseErrorInfo {
  try {
    parseMessage(bytes);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(GatewayError);
    return (thrown as GatewayError<SipParseErrorInfo>).info;
  }
  throw new Error('the message was accepted');
}

/** Everything the typed readers make of a message. */
function meaning(message: SipMessage): object {
  const { headers } = message;
  return {
    start: message.kind === 'request' ? [message.method, message.requestUri] : [message.status, message.reason],
    vias: readVias(headers),
    from: readFrom(headers),
    to: readTo(headers),
    callId: readCallId(headers),
    cseq: readCSeq(headers),
    contacts: readContacts(headers),
    wildcard: isWildcardContact(headers),
    routes: readRoutes(headers),
    maxForwards: readMaxForwards(headers),
    contentType: readContentType(headers),
    headers: [...headers].filter(({ name }) => name.toLowerCase() !== 'content-length').map(({ name, value }) => [name, value]),
    body: message.body.toString('latin1'),
  };
}

function vector(name: string): TortureMessage {
  const found = all.find((message) => message.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

describe('the torture messages of RFC 4475', () => {
  it('are all here: 13 valid, 19 of bad syntax, 17 of odd meaning', () => {
    expect([validMessages.length, invalidMessages.length, semanticMessages.length]).toEqual([13, 19, 17]);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  it.each(passing)('$name is accepted and survives being written and read again', ({ bytes }) => {
    const message = parseMessage(bytes);
    expect(meaning(parseMessage(serialize(message)))).toEqual(meaning(message));
  });

  it.each(failing)('$name is refused, and an answer is possible exactly when the way back is known', ({ bytes, expected }) => {
    const info = refusal(bytes);
    if (expected.kind === 'accepted') throw new Error('wrong list');
    expect(info.reason).toBe(expected.reason);
    if (expected.kind === 'dropped') {
      expect(info.partial).toBeUndefined();
      return;
    }
    expect(info.status).toBe(expected.status);
    expect(info.partial !== undefined).toBe(expected.answerable);
    if (info.partial === undefined) return;
    const answer = serialize(responseTo(info.partial, info.status, info.reason)).toString();
    expect(answer.startsWith(`SIP/2.0 ${expected.status} `)).toBe(true);
    expect(answer).toMatch(/^Via: /m);
    expect(answer).toMatch(/^CSeq: /m);
  });
});

describe('what is read from torture messages', () => {
  it('wsinv: white space and folding nearly everywhere', () => {
    const message = parseMessage(vector('wsinv').bytes);
    const { headers } = message;
    expect(readTo(headers)).toEqual({ uri: 'sip:vivekg@chair-dnrc.example.com', parameters: new Map([['tag', '1918181833n']]) });
    expect(readFrom(headers).displayName).toBe('J Rosenberg \\"');
    expect(readFrom(headers).parameters.get('tag')).toBe('98asjd8');
    expect(readMaxForwards(headers)).toBe(68);
    expect(readCSeq(headers)).toEqual({ number: 9, method: 'INVITE' });
    expect(readVias(headers).map(({ transport, host, parameters }) => [transport, host, parameters.get('branch')])).toEqual([
      ['UDP', '192.0.2.2', '390skdjuw'],
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ]);
    expect(headers.get('Subject')).toBe('');
    expect(headers.get('newfangledheader')).toBe('newfangled value continued newfangled value');
    expect(headers.get('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
    expect(readContacts(headers)[0]).toEqual({
      displayName: 'Quoted string ""',
      uri: 'sip:jdrosen@example.com',
      parameters: new Map([
        ['newparam', 'newvalue'],
        ['secondparam', ''],
        ['q', '0.33'],
      ]),
    });
    expect(readRoutes(headers)[0]?.uri).toBe('sip:services.example.com;lr;unknownwith=value;unknown-no-value');
    expect(message.body.length).toBe(150);
  });

  it('intmeth: every character that may stand in each place', () => {
    const message = parseMessage(vector('intmeth').bytes);
    const { headers } = message;
    expect(message.kind === 'request' && message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    const uri = message.kind === 'request' ? parseSipUri(message.requestUri) : undefined;
    expect(uri?.user).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    expect(uri?.password).toBe("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    expect(readTo(headers).displayName).toBe('BEL:\x07 NUL:\x00 DEL:\x7f');
    expect(readFrom(headers).displayName).toBe("token1~` token2'+_ token3*%!.-");
    expect(readFrom(headers).parameters.get("fromparam''~+*_!.-%")).toBe('работающий');
    expect(readFrom(headers).parameters.get('tag')).toBe("_token~1'+`*%!-.");
    expect(headers.get("extensionHeader-!.%*+_`'~")).toBe('\ufeff大停電');
  });

  it('esc02: an escape in a method or header name is no escape', () => {
    const message = parseMessage(vector('esc02').bytes);
    expect(message.kind === 'request' && message.method).toBe('RE%47IST%45R');
    expect(readContacts(message.headers).map(({ uri }) => uri)).toEqual(['sip:alias1@host1.example.com', 'sip:alias3@host3.example.com']);
    expect(readTo(message.headers).displayName).toBe('%Z%45');
  });

  it('dblreq: what follows the first message of a datagram is dropped', () => {
    const message = parseMessage(vector('dblreq').bytes);
    expect(message.kind === 'request' && message.method).toBe('REGISTER');
    expect(message.body.length).toBe(0);
  });

  it('longreq: 34 Via values in all spellings of the name', () => {
    const vias = readVias(parseMessage(vector('longreq').bytes).headers);
    expect(vias).toHaveLength(34);
    expect(vias[33]?.parameters.get('received')).toBe('192.0.2.5');
  });

  it('semiuri: a semicolon before the @ belongs to the user', () => {
    const message = parseMessage(vector('semiuri').bytes);
    const uri = message.kind === 'request' ? parseSipUri(message.requestUri) : undefined;
    expect([uri?.user, uri?.host, uri?.parameters.size]).toEqual(['user;par=u%40example.net', 'example.com', 0]);
  });

  it('transports: unknown ones are kept', () => {
    const vias = readVias(parseMessage(vector('transports').bytes).headers);
    expect(vias.map(({ transport }) => transport)).toEqual(['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP']);
  });

  it('mpart01: a binary body is not touched', () => {
    const message = parseMessage(vector('mpart01').bytes);
    expect(message.body.includes(Buffer.from(Array.from({ length: 256 }, (_, i) => i)))).toBe(true);
    expect(readContentType(message.headers)?.parameters.get('boundary')).toBe('7a9cbec02ceef655');
  });

  it('unreason and noreason: a reason phrase may be anything or nothing', () => {
    const odd = parseMessage(vector('unreason').bytes);
    expect(odd.kind === 'response' && odd.reason).toBe('= 2**3 * 5**2 но сто девяносто девять - простое');
    expect(odd.body.toString()).toBe(sdp('192.0.2.198').replaceAll('\n', '\r\n'));
    const none = parseMessage(vector('noreason').bytes);
    expect(none.kind === 'response' && [none.status, none.reason]).toEqual([100, '']);
  });

  it('bext01: the extensions asked for can be listed for a 420', () => {
    const { headers } = parseMessage(vector('bext01').bytes);
    expect(readTokens(headers, 'Require')).toEqual(['nothingSupportsThis', 'nothingSupportsThisEither']);
  });

  it('cparam01 and cparam02: a parameter outside the brackets is the header’s, inside it is the URI’s', () => {
    const [bare] = readContacts(parseMessage(vector('cparam01').bytes).headers);
    expect(bare).toEqual({ uri: 'sip:+19725552222@gw1.example.net', parameters: new Map([['unknownparam', '']]) });
    const [bracketed] = readContacts(parseMessage(vector('cparam02').bytes).headers);
    expect(bracketed).toEqual({ uri: 'sip:+19725552222@gw1.example.net;unknownparam', parameters: new Map() });
  });

  it('IPv6: an address with and without brackets in received, and no port inside the brackets', () => {
    const received = (name: string) => readVias(parseMessage(vector(name).bytes).headers)[0]?.parameters.get('received');
    expect(received('via-received-param-with-delim')).toBe('[2001:db8::9:255]');
    expect(received('via-received-param-no-delim')).toBe('2001:db8::9:255');
    const ambiguous = parseMessage(vector('port-ambiguous').bytes);
    const uri = ambiguous.kind === 'request' ? parseSipUri(ambiguous.requestUri) : undefined;
    expect([uri?.host, uri?.port]).toEqual(['2001:db8::10:5070', undefined]);
  });
});
