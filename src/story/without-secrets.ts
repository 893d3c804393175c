/** Takes secrets out of a SIP message the moment it is kept, so that no story can give them away. */

/** Parameters of credentials that tell who tried to log in and how; the rest proves it, and goes (RFC 7616 §3.4). */
const harmlessParameters = /^\s*(?:username|realm|algorithm|qop|nc|uri)\s*=/i;
const mayHoldSecret =
  /^(?:(?:proxy-)?authorization|(?:proxy-)?authentication-info|cookie|x-[^:\r\n]*(?:token|secret|password|ticket)[^:\r\n]*)[ \t]*:/im;
const secretHeader =
  /^((?:proxy-)?authorization|(?:proxy-)?authentication-info|cookie|x-[^:\r\n]*(?:token|secret|password|ticket)[^:\r\n]*)([ \t]*:[ \t]*)([^\r\n]*(?:\r\n[ \t]+[^\r\n]*)*)/gim;
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
  return head.replace(secretHeader, (_all, name: string, colon: string, value: string) => {
    if (/authorization$/i.test(name)) return `${name}${colon}${credentials(value)}`;
    return `${name}${colon}${/info$/i.test(name) ? removed : 'removed'}`;
  });
}

/** `Digest username="a", response="…"` becomes `Digest username="a", removed="yes"` (RFC 3261 §20.7, §20.28). */
function credentials(value: string): string {
  const scheme = /^[^\s]*/.exec(value)?.[0] ?? '';
  if (!/^digest$/i.test(scheme)) return `${scheme} ${removed}`;
  const kept = (value.slice(scheme.length).match(/[^,"]*(?:"(?:[^"\\]|\\.)*")?[^,"]*/g) ?? []).filter((each) =>
    harmlessParameters.test(each),
  );
  return `${scheme} ${[...kept.map((each) => each.trim()), removed].join(', ')}`;
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
