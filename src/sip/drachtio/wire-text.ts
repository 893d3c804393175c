/** Between the messages of the server, which are text, and ours. */
import type { HeaderLine, SipRequestMessage, SipResponseMessage } from '../embedded/message.js';
import { HeaderFields } from '../embedded/message.js';
import { isSipParseError, type SipParseErrorInfo } from '../embedded/parse-error.js';
import { parseMessage } from '../embedded/parser.js';
import type { LibraryHeaders, LibraryResponse } from './library.js';

const empty = Buffer.alloc(0);

/** A request the server passed on, or what is wrong with it. */
export function readRequest(raw: string | undefined): SipRequestMessage | SipParseErrorInfo {
  const malformed: SipParseErrorInfo = { code: 'sip-malformed', status: 400, reason: 'Malformed request' };
  try {
    const message = parseMessage(Buffer.from(raw ?? '', 'utf8'));
    return message.kind === 'request' ? message : malformed;
  } catch (thrown) {
    return isSipParseError(thrown) ? thrown.info : malformed;
  }
}

/** A response the server passed on; one that cannot be read keeps its status and loses the rest. */
export function readResponse(response: LibraryResponse): SipResponseMessage {
  try {
    const message = parseMessage(Buffer.from(response.msg.raw ?? '', 'utf8'));
    if (message.kind === 'response') return message;
  } catch (thrown) {
    if (!isSipParseError(thrown)) throw thrown;
  }
  return { kind: 'response', status: response.status, reason: response.reason, headers: new HeaderFields(), body: empty };
}

/** The same name in another spelling, so that a record can hold a header twice. */
function spellings(name: string): readonly string[] {
  const lower = name.toLowerCase();
  const mixed = [...lower].map((letter, index) => (index % 2 === 0 ? letter.toUpperCase() : letter)).join('');
  return [name, lower, name.toUpperCase(), mixed];
}

/** Header lines as the library takes them. A name that comes again is spelled another way, or joined by a comma. */
export function toLibraryHeaders(lines: Iterable<HeaderLine>): LibraryHeaders {
  const record: LibraryHeaders = {};
  for (const { name, value } of lines) {
    const free = spellings(name).find((each) => record[each] === undefined);
    if (free !== undefined) record[free] = value;
    else record[name] = `${record[name]}, ${value}`;
  }
  return record;
}
