/** Takes secrets out of a SIP message the moment it is kept, so that no story can give them away. */

/** Parameters of credentials that tell who tried to log in and how; the rest proves it, and goes (RFC 7616 §3.4). */
const harmless: ReadonlySet<string> = new Set(['username', 'realm', 'algorithm', 'qop', 'nc', 'uri']);
const secretNames: ReadonlySet<string> = new Set([
  ...['authorization', 'proxy-authorization', 'authentication-info', 'proxy-authentication-info', 'cookie', 'set-cookie'],
]);
/** `name=token` or `name="text"`, and nothing else. */
const parameter = /^\s*([\w-]+)\s*=\s*(?:"[^"\\]*"|[^\s",]+)\s*$/;
const secretWord = /token|secret|password|ticket/;
/** Most messages have nothing of the kind, and are not looked at line by line. */
const mayHoldSecret = /\r\n(?:proxy-auth|auth|cookie|set-cookie|x-)/i;
const endOfHeaders = '\r\n\r\n';
const removed = 'removed="yes"';

/**
 * `text` holds one byte of the message in each character (latin1). Bodies keep their length, so
 * Content-Length stays true; header values lose what is secret and stay of the same grammar.
 */
export function withoutSecrets(text: string): string {
  const end = text.indexOf(endOfHeaders);
  const head = end < 0 ? text : text.slice(0, end);
  const body = end < 0 ? '' : text.slice(end);
  return cleanHead(head) + (body.length <= endOfHeaders.length ? body : cleanBody(head, body));
}

function cleanHead(head: string): string {
  if (!mayHoldSecret.test(head)) return head;
  const kept: string[] = [];
  let secret: string | undefined;
  for (const line of [...head.split('\r\n'), '']) {
    if (secret !== undefined && /^[ \t]/.test(line)) {
      secret += line;
      continue;
    }
    if (secret !== undefined) kept.push(hidden(secret));
    secret = isSecret(nameOf(line)) ? line : undefined;
    if (secret === undefined) kept.push(line);
  }
  return kept.slice(0, -1).join('\r\n');
}

/** Name of a header line in lower case; empty for the start line and for what goes on from the line before. */
function nameOf(line: string): string {
  const colon = line.indexOf(':');
  return colon < 0 || /^[ \t]/.test(line) ? '' : line.slice(0, colon).trimEnd().toLowerCase();
}

const isSecret = (name: string): boolean => secretNames.has(name) || (name.startsWith('x-') && secretWord.test(name));

/** A header line, unfolded, with what is secret in it taken out. */
function hidden(line: string): string {
  const name = nameOf(line);
  const valueAt = line.indexOf(':') + 1;
  const value = line.slice(valueAt);
  const start = line.slice(0, valueAt) + value.slice(0, value.length - value.trimStart().length);
  if (name.endsWith('authorization')) return start + credentials(value.trim());
  return start + (name.endsWith('-info') ? removed : 'removed');
}

/** `Digest username="a", response="…"` becomes `Digest username="a", removed="yes"` (RFC 3261 §20.7, §20.28). */
function credentials(value: string): string {
  const space = value.search(/\s/);
  const scheme = space < 0 ? value : value.slice(0, space);
  // A scheme without parameters may be the secret itself.
  if (space < 0 || scheme.toLowerCase() !== 'digest') return `${space < 0 ? 'Unknown' : scheme} ${removed}`;
  const kept = parametersOf(value.slice(space)).filter((each) => harmless.has(parameter.exec(each)?.[1]?.toLowerCase() ?? ''));
  return `${scheme} ${[...kept.map((each) => each.trim()), removed].join(', ')}`;
}

/** Cut at commas that stand in no quoted string, character by character: whoever wrote this may mean harm. */
function parametersOf(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  // What follows a quote that never ends cannot be told apart, and is left out.
  return quoted ? parts : [...parts, text.slice(start)];
}

const fill = (secret: string): string => 'x'.repeat(secret.length);

function cleanBody(head: string, body: string): string {
  if (head.startsWith('INFO ')) return keysHidden(head, body);
  if (!/^(?:a=crypto:|a=ice-pwd:|k=)/m.test(body)) return body;
  return body
    .replace(/^(a=crypto:\d+ [^\s]+ inline:)([^\s|]+)/gm, (_all, before: string, key: string) => before + fill(key))
    .replace(/^(a=ice-pwd:)([^\r\n]+)/gm, (_all, before: string, password: string) => before + fill(password))
    .replace(/^(k=)([^\r\n]+)/gm, (_all, before: string, key: string) => before + fill(key));
}

/** Keys that were pressed may be somebody's PIN: an INFO shows that there was one, and not which. */
function keysHidden(head: string, body: string): string {
  if (/^content-type[ \t]*:[ \t]*application\/dtmf-relay/im.test(head)) {
    return body.replace(/(^|\n)([ \t]*signal[ \t]*=[ \t]*)([^\r\n]+)/gi, (_all, line: string, name: string, key: string) => {
      return line + name + '?'.repeat(key.length);
    });
  }
  return body.replace(/[^\s]/g, '?');
}
