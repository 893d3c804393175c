import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { browserBundle } from '../../../src/web/browser-bundle.mjs';

const inProject = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const grammarFile = inProject('node_modules/sip.js/lib/grammar/pegjs/dist/grammar.js');

async function bundled(entry: string, trimmed: boolean): Promise<string> {
  const { plugins: _plugins, mangleProps: _mangled, ...plain } = browserBundle;
  const options = trimmed ? browserBundle : plain;
  const result = await build({ ...options, entryPoints: [entry], outdir: inProject('dist'), write: false });
  return result.outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? '';
}

interface Grammar {
  parse(input: string, options: { startRule: string; data?: unknown }): unknown;
}

async function load(code: string): Promise<Grammar> {
  return (await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)) as Grammar;
}

/** What sip.js makes of a header: the parsed data, or -1. Shortened names of private members read alike. */
function parsed(grammar: Grammar, input: string, startRule: string): unknown {
  const options: { startRule: string; data?: unknown } = { startRule };
  try {
    grammar.parse(input, options);
  } catch {
    return -1;
  }
  return JSON.stringify(options.data, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.values(value).length === 0 ? {} : { values: Object.values(value) };
  });
}

const headers: readonly (readonly [rule: string, text: string])[] = [
  ['Request_Response', 'INVITE sip:+442079460018@gateway.invalid SIP/2.0'],
  ['Request_Response', 'SIP/2.0 488 Not Acceptable Here'],
  ['Request_Response', 'SIP/3 nonsense'],
  ['Via', 'SIP/2.0/WSS df7jal23ls0d.invalid;rport;branch=z9hG4bK56sdasks;received=192.0.2.5'],
  ['Via', 'SIP/2.0'],
  ['From', '"Ann \\"the\\" Caller" <sip:ann%20b@example.com;transport=ws>;tag=a48s'],
  ['To', 'sip:bob@[2001:db8::1]:5060;tag=9'],
  ['To', '<sip:bob@'],
  ['Contact', '<sip:x@y.invalid;transport=ws>;expires=300;+sip.instance="<urn:uuid:1>", *'],
  ['Contact', '*'],
  ['Record_Route', '<sip:p1.example.com;lr>,<sip:p2.example.com;lr;q=1>'],
  ['CSeq', '4711 INVITE'],
  ['CSeq', 'INVITE 4711'],
  ['Call_ID', 'f81d4fae@foo.example.com'],
  ['Content_Length', '349'],
  ['Content_Type', 'application/sdp;charset="utf-8"'],
  ['Max_Forwards', '70'],
  ['Session_Expires', '1800;refresher=uas'],
  ['Refer_To', '<sip:x@example.com?Replaces=1%3Bto-tag%3D2>'],
  ['Replaces', '1@h;to-tag=2;from-tag=3;early-only'],
  ['Name_Addr_Header', '"Zoë" <sips:z@example.com>'],
  ['SIP_URI', 'sip:alice:secret@example.com:5071;user=phone?subject=x'],
  ['SIP_URI', 'mailto:a@b'],
  ['WWW_Authenticate', 'Digest realm="x", nonce="y", algorithm=MD5, qop="auth"'],
  ['uuid', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
];

describe('the bundle for websites', () => {
  let whole: Grammar;
  let trimmed: Grammar;

  beforeAll(async () => {
    [whole, trimmed] = await Promise.all([load(await bundled(grammarFile, false)), load(await bundled(grammarFile, true))]);
  });

  it('is under 60 KB as a website sends it', async () => {
    const code = await bundled(inProject('src/web/widget/call-button.ts'), true);
    expect(code).toContain('call-button');
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(60 * 1024);
  });

  it.each(headers)('reads %s: %s as sip.js does', (rule, text) => {
    const expected = parsed(whole, text, rule);
    expect(expected).toBeDefined();
    expect(parsed(trimmed, text, rule)).toEqual(expected);
  });

  it('is compared on what can be read and on what cannot', () => {
    const outcomes = headers.map(([rule, text]) => parsed(trimmed, text, rule) === -1);
    expect(outcomes.filter(Boolean).length).toBeGreaterThanOrEqual(4);
    expect(outcomes.filter((failed) => !failed).length).toBeGreaterThanOrEqual(15);
  });
});
