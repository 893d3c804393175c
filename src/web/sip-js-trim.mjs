/**
 * Leaves out of the bundle what the widget never uses of sip.js: its own WebRTC handler (the widget
 * has one), answers to password challenges (a page has no password), subscriptions, the texts of its
 * log, which is off, the texts of its errors, and its generated parser, for which `sip-grammar.ts` stands.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whole modules, by the end of their path, and what stands in their place. */
const replaced = {
  '/platform/web/session-description-handler/session-description-handler-factory-default.js':
    'export const defaultSessionDescriptionHandlerFactory = () => undefined;',
  // A challenge is then handed on as the refusal it is (RFC 3261 §22.1).
  '/core/messages/digest-authentication.js': 'export class DigestAuthentication { authenticate() { return false; } }',
  '/core/user-agents/subscribe-user-agent-client.js': 'export class SubscribeUserAgentClient {}',
  '/core/log/logger-factory.js': `const none = () => {};
    const logger = { error: none, warn: none, log: none, debug: none };
    export class LoggerFactory { getLogger() { return logger; } }`,
};

/** A statement that only logs, on a line of its own. It stays a statement, because an `if` may stand before it. */
const logStatement = /^[ \t]*(?:[\w$]+\.)*logger\.(?:log|debug|warn|error)\(.*\);$/gm;

/** @param {string} code a module of sip.js as published */
export function withoutLogging(code) {
  return code.replace(logStatement, ';');
}

/** What an error of sip.js says; nobody reads it, for the widget tells the person in words of its own. */
const errorText = /(new (?:Type|Range)?Error\()(?:`[^`]*`|"[^"]*")\)/g;

/** @param {string} code a module of sip.js as published */
export function withoutErrorTexts(code) {
  return code.replace(errorText, '$1"sip.js")');
}

/**
 * Methods of calls that the widget never comes to: it transfers nothing, sends no messages, makes no
 * reliable responses (it does not say that it could) and answers no challenges. What such a request asks
 * is refused.
 *
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
const unused = {
  '/api/session.js': {
    ...{ refer: '', _refer: '', referToString: '', referExtraHeaders: '', message: '' },
    ...{ onReferRequest: 'request.reject();', onNotifyRequest: 'request.reject();', onMessageRequest: 'request.reject();' },
  },
  '/api/inviter.js': { notifyReferer: '' },
  '/api/invitation.js': { sendProgressReliable: '', sendProgressReliableWaitForPrack: '', handlePrackOfferAnswer: '' },
  '/api/user-agent.js': { attemptReconnection: '' },
  '/core/user-agents/user-agent-client.js': { authenticationGuard: 'return true;' },
  '/core/user-agents/user-agent-server.js': { redirect: '' },
  '/core/dialogs/session-dialog.js': { refer: '', message: '', notify: '' },
};

/**
 * @param {string} code a module of sip.js as published: methods stand four spaces in, and end so
 * @param {Readonly<Record<string, string>>} methods what is in place of the body of each
 */
export function withoutMethods(code, methods) {
  let left = code;
  for (const [name, body] of Object.entries(methods)) {
    const method = new RegExp(`^ {4}${name}\\([^\\n]*\\) \\{\\n[\\s\\S]*?\\n {4}\\}$`, 'm');
    if (!method.test(left)) throw new Error(`sip.js has no method ${name} any more: look at what stands for it`);
    left = left.replace(method, () => `    ${name}(request) { ${body} }`);
  }
  return left;
}

/** What is said of a request nobody sends to a page; the stack answers it as one it does not know. */
const requestCase = (/** @type {string} */ method) => new RegExp(`^ {12}case C\\.${method}:\\n[\\s\\S]*?^ {16}break;\\n`, 'm');
const requestHandler = (/** @type {string} */ name) => new RegExp(`^ {12}${name}: [\\s\\S]*?^ {12}\\},?\\n`, 'm');

/**
 * Passages within methods, and what stands in their place: requests that no page is sent, INVITE with
 * Replaces, settings of its log and of earlier releases, long texts of the log.
 *
 * @type {Readonly<Record<string, readonly (readonly [RegExp, string])[]>>}
 */
const passages = {
  '/core/dialogs/session-dialog.js': [
    ...['MESSAGE', 'NOTIFY', 'PRACK', 'REFER'].map((method) => /** @type {const} */ ([requestCase(method), ''])),
    [/^ +let msg = ".*";\n(?: +msg \+= ".*";\n)+/m, ''],
  ],
  '/api/inviter.js': [[/^ {24}if \(this\.earlyMedia\) \{\n +const message = [\s\S]*?^ {24}\}\n/m, '']],
  '/core/user-agent-core/user-agent-core.js': [
    ...['MESSAGE', 'NOTIFY', 'REFER', 'REGISTER', 'SUBSCRIBE'].map((method) => /** @type {const} */ ([requestCase(method), ''])),
    [/(?<=default:\n) +throw new Error\(`Unexpected out of dialog.*$/m, 'this.replyStateless(message, { statusCode: 405 });'],
  ],
  '/api/user-agent.js': [
    ...['onMessage', 'onNotify', 'onRefer', 'onRegister', 'onSubscribe'].map((name) => /** @type {const} */ ([requestHandler(name), ''])),
    [/^ {8}this\.loggerFactory\.builtinEnabled[\s\S]*?(?=^ {8}\/\/ Initialize Transport$)/m, ''],
    [/^ {8}if \(this\.options\.hackIpInContact[\s\S]*?^ {8}\}\n/m, ''],
    [/^ {16}if \(this\.options\.sipExtensionReplaces[\s\S]*?^ {16}\}\n/m, ''],
  ],
};

/**
 * @param {string} code a module of sip.js as published
 * @param {readonly (readonly [RegExp, string])[]} replacements
 */
export function withoutPassages(code, replacements) {
  return replacements.reduce((left, [passage, instead]) => {
    if (!passage.test(left)) throw new Error(`sip.js has no passage ${passage} any more: look at what stands for it`);
    return left.replace(passage, () => instead);
  }, code);
}

/** Stands in place of the parser that sip.js generates from its grammar. */
const grammar = fileURLToPath(new URL('./sip-grammar.ts', import.meta.url));

/** @type {import('esbuild').Plugin} */
export const trimSipJs = {
  name: 'trim-sip-js',
  setup(build) {
    build.onLoad({ filter: /[\\/]sip\.js[\\/]lib[\\/].*\.js$/ }, async ({ path }) => {
      const place = path.replaceAll('\\', '/');
      const [, instead] = Object.entries(replaced).find(([end]) => place.endsWith(end)) ?? [];
      if (place.endsWith('/grammar/pegjs/dist/grammar.js')) {
        return { contents: await readFile(grammar, 'utf8'), loader: 'ts', resolveDir: dirname(grammar) };
      }
      if (instead !== undefined) return { contents: instead };
      const code = await readFile(path, 'utf8');
      const [, methods = {}] = Object.entries(unused).find(([end]) => place.endsWith(end)) ?? [];
      const [, replacements = []] = Object.entries(passages).find(([end]) => place.endsWith(end)) ?? [];
      return { contents: withoutErrorTexts(withoutLogging(withoutPassages(withoutMethods(code, methods), replacements))) };
    });
  },
};
