/**
 * Leaves out of the bundle what the widget never uses of sip.js: its own WebRTC handler (the widget
 * has one), answers to password challenges (a page has no password), subscriptions, the texts of its
 * log, which is off, and the grammar's complaints, which sip.js throws away.
 */
import { readFile } from 'node:fs/promises';

/** Whole modules, by the end of their path, and what stands in their place. */
const replaced = {
  '/platform/web/session-description-handler/session-description-handler-factory-default.js':
    'export const defaultSessionDescriptionHandlerFactory = () => undefined;',
  // A challenge is then handed on as the refusal it is (RFC 3261 §22.1).
  '/core/messages/digest-authentication.js': 'export class DigestAuthentication { authenticate() { return false; } }',
  '/core/user-agents/subscribe-user-agent-client.js': 'export class SubscribeUserAgentClient {}',
};

/** A statement that only logs, on a line of its own. It stays a statement, because an `if` may stand before it. */
const logStatement = /^[ \t]*(?:[\w$]+\.)*logger\.(?:log|debug|warn|error)\(.*\);$/gm;

/** @param {string} code a module of sip.js as published */
export function withoutLogging(code) {
  return code.replace(logStatement, ';');
}

/** What the parser would have liked to find, by its place in the list of constants; the places stay. */
const expectation = /^\s*peg\$(?:literal|class|any|other)Expectation\(.*\)(,?)$/gm;
const messageBuilder = /static buildMessage\(expected, found\) \{.*?\n {4}\}\n/s;
const expectationNoted = 'peg$fail(peg$consts[bc[ip + 1]]);';

/** @param {string} code the generated parser of sip.js */
export function withoutComplaints(code) {
  return code
    .replace(expectation, '0$1')
    .replace(messageBuilder, 'static buildMessage() { return "no match"; }\n')
    .replace(expectationNoted, '');
}

/** @type {import('esbuild').Plugin} */
export const trimSipJs = {
  name: 'trim-sip-js',
  setup(build) {
    build.onLoad({ filter: /[\\/]sip\.js[\\/]lib[\\/].*\.js$/ }, async ({ path }) => {
      const place = path.replaceAll('\\', '/');
      const [, instead] = Object.entries(replaced).find(([end]) => place.endsWith(end)) ?? [];
      if (instead !== undefined) return { contents: instead };
      const code = await readFile(path, 'utf8');
      return { contents: place.endsWith('/grammar/pegjs/dist/grammar.js') ? withoutComplaints(code) : withoutLogging(code) };
    });
  },
};
