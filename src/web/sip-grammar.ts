/**
 * What the widget's bundle has in place of the parser that sip.js generates from its grammar: the
 * same results for every rule the widget's calls come to (RFC 3261 §25.1), at a fifth of its size.
 * A test holds the two against each other. What is of no use here but must not make sip.js throw a
 * message away (challenges, of which a page answers none) reads as nothing.
 */
import { NameAddrHeader, URI } from 'sip.js';

interface Options {
  readonly startRule: string;
  data?: unknown;
}

type Parameters = Record<string, string | number | undefined>;

interface ListedAddress {
  readonly position: number;
  readonly offset: number;
  readonly parsed: NameAddrHeader;
}

/** sip.js catches whatever is thrown. */
class Mismatch extends Error {}

const token = "[\\w.!%*+`'~-]+";
const quoted = '"(?:[^"\\\\]|\\\\[\\s\\S])*"';
/** Host name, IPv4 address, or IPv6 address in brackets. */
const host = '\\[[\\da-fA-F:.]+\\]|[\\w-]+(?:\\.[\\w-]+)*\\.?';
const parameter = `\\s*;\\s*(${token})(?:\\s*=\\s*(${quoted}|\\[[\\da-fA-F:.]+\\]|${token}))?`;

const uriPattern = new RegExp(
  `^(sips?):(?:([\\w.!~*'()&=+$,;?/%:-]+)@)?(${host})(?::(\\d{1,5}))?((?:;[^;?\\s<>"@]+)*)(?:\\?([^\\s<>"]*))?$`,
  'i',
);
const addressPattern = new RegExp(`^(?:(${quoted}|${token}(?:\\s+${token})*)?\\s*<([^>]+)>|([^\\s<>";,]+))((?:${parameter})*)$`);
const viaPattern = new RegExp(`^(SIP\\s*/\\s*2\\.0\\s*/\\s*(${token}))\\s+(${host})(?:\\s*:\\s*(\\d{1,5}))?((?:${parameter})*)$`, 'i');
const callIdPattern = /^[\w.!%*+`'~()<>:\\"/[\]?{}-]+(?:@[\w.!%*+`'~()<>:\\"/[\]?{}-]+)?$/;
const listItem = /(?:"(?:[^"\\]|\\[\s\S])*"|<[^>]*>|[^",<])+/g;

function matched(pattern: RegExp, text: string): RegExpExecArray {
  const match = pattern.exec(text);
  if (match === null) throw new Mismatch();
  return match;
}

/** Parameters by name in small letters, in their order; one without a value stands as undefined. */
function parametersOf(text: string | undefined): Parameters {
  const parameters: Parameters = {};
  for (const [, name = '', value] of (text ?? '').matchAll(new RegExp(parameter, 'g'))) parameters[name.toLowerCase()] = value;
  return parameters;
}

function uriParameters(text: string): Parameters {
  const parameters: Parameters = {};
  for (const part of text.split(';').slice(1)) {
    const at = part.indexOf('=');
    const name = (at < 0 ? part : part.slice(0, at)).toLowerCase();
    const value = at < 0 ? undefined : part.slice(at + 1);
    if (name === '' || value === '') throw new Mismatch();
    parameters[name] = name === 'transport' || name === 'user' ? value?.toLowerCase() : value;
  }
  return parameters;
}

function uriHeaders(text: string | undefined): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const part of text?.split('&') ?? []) {
    const [, name = '', value = ''] = matched(/^([^=]+)=(.*)$/, part);
    headers[name.toLowerCase()] = [...(headers[name.toLowerCase()] ?? []), value];
  }
  return headers;
}

function uriOf(text: string): URI {
  const [, scheme = '', user, hostText = '', port, parameters = '', headers] = matched(uriPattern, text);
  return new URI(
    scheme,
    // sip.js types it as text and means that it may be left out.
    (user === undefined ? undefined : decodeURIComponent(user)) as string,
    hostText,
    port === undefined ? undefined : Number(port),
    uriParameters(parameters) as Record<string, string>,
    uriHeaders(headers),
  );
}

/** Parameters of an address without brackets are the header's (RFC 3261 §20). */
function addressOf(text: string): NameAddrHeader {
  const [, name, bracketed, bare = '', parameters] = matched(addressPattern, text.trim());
  const displayName = name?.startsWith('"') === true ? name.slice(1, -1) : name;
  return new NameAddrHeader(uriOf(bracketed ?? bare), displayName as string, parametersOf(parameters) as Record<string, string>);
}

/** Each address of a list, with where it begins and ends: sip.js cuts the list there. */
function addressesOf(text: string): readonly ListedAddress[] {
  const list: ListedAddress[] = [];
  let end = 0;
  for (const { 0: item, index } of text.matchAll(listItem)) {
    if (!/^[\s,]*$/.test(text.slice(end, index))) throw new Mismatch();
    const lead = item.length - item.trimStart().length;
    list.push({ position: index + lead, offset: index + item.trimEnd().length, parsed: addressOf(item) });
    end = index + item.length;
  }
  if (end < text.length || list.length === 0) throw new Mismatch();
  return list;
}

function viaOf(text: string): object {
  const [, protocol = '', transport = '', hostText, port, parameters] = matched(viaPattern, text);
  const { ttl, maddr, received, branch, rport } = parametersOf(parameters);
  return {
    protocol: protocol.slice(0, 3),
    transport,
    host: hostText,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(ttl === undefined ? {} : { ttl: Number(ttl) }),
    ...{ maddr, received, branch, rport },
  };
}

function firstLineOf(text: string): object {
  const response = /^SIP\/2\.0 (\d{3}) (.*)$/i.exec(text);
  if (response !== null) return { sip_version: text.slice(0, 7), status_code: Number(response[1]), reason_phrase: response[2] };
  const [, method, uri = ''] = matched(new RegExp(`^(${token}) (\\S+) SIP/2\\.0$`, 'i'), text);
  return { method, uri: uriOf(uri) };
}

function replacesOf(text: string): object {
  const [callId = '', ...rest] = text.split(';');
  const parameters = parametersOf(`;${rest.join(';')}`);
  const [from, to] = [parameters['from-tag'], parameters['to-tag']];
  if (from === undefined || to === undefined) throw new Mismatch();
  const early = 'early-only' in parameters ? { early_only: true } : {};
  return { call_id: matched(callIdPattern, callId)[0], replaces_from_tag: from, replaces_to_tag: to, ...early };
}

const numberOf = (text: string): number => Number(matched(/^\d+$/, text)[0]);

function sequenceOf(text: string): object {
  const [, value, method] = matched(new RegExp(`^(\\d+)\\s+(${token})$`), text);
  return { value: Number(value), method };
}

const typed = (text: string): string => matched(new RegExp(`^${token}\\s*/\\s*${token}(?:${parameter})*$`), text)[0];

const rules: Readonly<Record<string, (text: string) => unknown>> = {
  request_response: firstLineOf,
  via: viaOf,
  from: addressOf,
  to: addressOf,
  refer_to: addressOf,
  referred_by: addressOf,
  name_addr_header: addressOf,
  record_route: addressesOf,
  contact: (text) => (text.trim() === '*' ? {} : addressesOf(text)),
  call_id: (text) => matched(callIdPattern, text)[0],
  content_length: numberOf,
  max_forwards: numberOf,
  content_type: typed,
  content_disposition: (text) => ({ type: matched(new RegExp(`^(${token})(?:${parameter})*$`), text)[1]?.toLowerCase() }),
  cseq: sequenceOf,
  replaces: replacesOf,
  event: (text) => ({ event: matched(new RegExp(`^(${token})(?:${parameter})*$`), text)[1]?.toLowerCase() }),
  sip_uri: uriOf,
  absoluteuri: (text) => ({ scheme: matched(/^([a-z][\w+.-]*):(?:\/\/)?[^\s/]\S*$/i, text)[1] }),
  uuid: (text) => matched(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i, text)[0],
  www_authenticate: () => ({}),
  proxy_authenticate: () => ({}),
};

/** Leaves what was read in `options.data`; throws when the text does not follow the rule. */
export function parse(input: string, options: Options): void {
  const rule = rules[options.startRule.toLowerCase()];
  if (rule === undefined) throw new Mismatch();
  options.data = rule(input);
}
