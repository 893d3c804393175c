import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeJwt, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { freePort } from '../support/free-ports.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const secret = 'a-secret-of-the-shop-back-end';
const pair = generateKeyPairSync('ed25519');

let folder: string;
beforeEach(() => {
  if (!existsSync(main)) throw new Error('dist/ is not built; run npm run build');
  folder = mkdtempSync(join(tmpdir(), 'token-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, 'token', ...args], { env: { ...process.env, ...env } });
    const heard = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      heard.stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      heard.stderr += chunk.toString();
    });
    child.on('close', (status) => resolve({ status, ...heard }));
  });
}

const shop = `
sites:
  - key: pk_shop
    secret: { env: SHOP_SECRET }
    origins: ["https://shop.example"]
    destinations: [{ name: sales, number: "+442079460018" }]
`;

function file(yaml: string): string {
  const path = join(folder, 'gateway.yaml');
  writeFileSync(path, yaml);
  return path;
}

function withKey(): string {
  const key = join(folder, 'ticket-key.pem');
  writeFileSync(key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file(`${shop}\nauth: { tickets: { keys: [{ kid: one, key: { file: ${key} } }] } }\n`);
}

describe('the command token', () => {
  it('prints a ticket that the configured key signed, and on the other output what it is good for', async () => {
    const args = ['--config', withKey(), '--site', 'pk_shop', '--visitor', 'ann', '--max-seconds', '60'];
    const { status, stdout, stderr } = await run(args, { SHOP_SECRET: secret });
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^for one call to sales, by a page of https:\/\/shop\.example, until 20/),
    });
    const { payload } = await jwtVerify(stdout.trim(), pair.publicKey, { audience: 'webrtc-pstn-gateway' });
    expect(payload).toMatchObject({ site: 'pk_shop', to: 'sales', sub: 'ann', max_seconds: 60, origin: ['https://shop.example'] });
    expect(stdout + stderr).not.toContain('442079460018');
  });

  it('has the running gateway sign where that alone knows its key', async () => {
    const port = await freePort();
    const path = file(
      `http: { port: ${port} }\nsip: { listen: ["udp:127.0.0.1:0"] }\nmedia: { workers: 1 }\npolicy: { destinations: { allow: ["+44"] } }\n${shop}`,
    );
    const env = { SHOP_SECRET: secret };
    expect(await run(['--config', path, '--site', 'pk_shop'], env)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining(`no gateway answers on 127.0.0.1 port ${port}`),
    });
    const child = new Child({ command: process.execPath, args: [main, 'serve', '--config', path], env });
    try {
      await child.waitForOutput(/"msg":"ready"/, 10_000);
      const { status, stdout } = await run(['--config', path, '--site', 'pk_shop', '--to', 'sales'], env);
      expect([status, decodeJwt(stdout.trim())]).toEqual([0, expect.objectContaining({ site: 'pk_shop', to: 'sales' })]);
    } finally {
      await child.stop();
    }
  });

  const refusals: readonly (readonly [what: string, args: readonly string[], status: number, why: string])[] = [
    ['without a website', [], 2, 'name the website with --site'],
    ['of a website that is none', ['--site', 'pk_none'], 1, 'no site has this key'],
    ['for a destination that is none', ['--site', 'pk_shop', '--to', 'nobody'], 1, 'neither a destination of the site'],
    ['for a page of another website', ['--site', 'pk_shop', '--origin', 'https://evil.example'], 1, 'none of the origins'],
    ['that lasts for no time at all', ['--site', 'pk_shop', '--valid-seconds', 'long'], 1, 'validSeconds must be a whole number'],
  ];

  it.each(refusals)('makes none %s, and says why', async (_what, args, status, why) => {
    const outcome = await run(['--config', withKey(), ...args], { SHOP_SECRET: secret });
    expect(outcome).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(why) });
  });
});
