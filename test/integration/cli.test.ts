import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { freePort } from '../support/free-ports.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let folder: string;
beforeEach(() => {
  if (!existsSync(main)) throw new Error('dist/ is not built; run npm run build');
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
  return { status, stdout, stderr };
}

function file(yaml: string): string {
  const path = join(folder, 'gateway.yaml');
  writeFileSync(path, yaml);
  return path;
}

describe('check-config', () => {
  it('takes the sample file', () => {
    const sample = fileURLToPath(new URL('../../config/gateway.example.yaml', import.meta.url));
    expect(run(['check-config', sample])).toMatchObject({ status: 0, stdout: `${sample}: no faults\n` });
  });

  it('lists every fault with its remedy and leaves with 1', () => {
    const path = file('http: { prot: 1 }\nmenus: {}\nadmin: { token: hush }\n');
    expect(run(['check-config', path])).toEqual({
      status: 1,
      stderr: '',
      stdout: [
        `${path}: 3 faults`,
        '  http.prot: unknown key; did you mean "port"?',
        '  admin.token: is a secret written into the file; put it in a variable or a file: { env: NAME } or { file: PATH }',
        '  menus: not available in this version; remove it',
        '',
      ].join('\n'),
    });
  });

  it('tells which secrets cannot be had here, which is no fault of the file', () => {
    const path = file('admin: { token: { env: NOT_SET_ANYWHERE } }\n');
    expect(run(['check-config', path])).toMatchObject({
      status: 0,
      stdout: `${path}: no faults\n  not here: admin.token: the variable NOT_SET_ANYWHERE is not set; set NOT_SET_ANYWHERE in the environment of the gateway\n`,
    });
  });

  it('says so when there is no such file', () => {
    const { status, stdout } = run(['check-config', join(folder, 'none.yaml')]);
    expect([status, stdout]).toEqual([1, expect.stringContaining('cannot be read (ENOENT')]);
  });
});

describe('the command line', () => {
  it('shows what is in force, with overrides and without secrets', () => {
    const path = file('admin: { token: { env: HUSH } }\n');
    const { status, stdout } = run(['print-config', '--config', path], { GATEWAY_HTTP__PORT: '9999', HUSH: 'sesame' });
    expect(status).toBe(0);
    expect(stdout).toContain('port: 9999');
    expect(stdout).toContain('token: "***"');
    expect(stdout).not.toMatch(/sesame|HUSH/);
  });

  it('explains itself', () => {
    expect(run(['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('check-config FILE') });
    expect(run(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([[['fly']], [[]], [['serve', 'gateway.yaml']], [['serve', '--port', '1']]])('refuses %j and says how it is used', (args) => {
    expect(run(args)).toMatchObject({ status: 2, stderr: expect.stringContaining('webrtc-pstn-gateway serve [--config FILE]') });
  });
});

describe('serve', () => {
  it('logs JSON lines with time and level, blanks secrets and what log.redact names', async () => {
    const yaml = `http: { port: ${await freePort()} }\nsip: { listen: ["udp:127.0.0.1:0"] }\nmedia: { workers: 1 }\nlog: { redact: [http] }\n`;
    const child = new Child({ command: process.execPath, args: [main, 'serve', '--config', file(yaml)] });
    try {
      await child.waitForOutput(/"msg":"ready"/, 10_000);
      const ready = JSON.parse(child.stdout.split('\n').find((line) => line.includes('"msg":"ready"')) ?? '{}') as Record<string, unknown>;
      expect(ready).toMatchObject({ level: 'info', http: '***', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
    } finally {
      await child.stop();
    }
  });

  it('refuses a faulty file before anything listens', () => {
    expect(run(['serve', '--config', file('http: { prot: 1 }\n')])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('http.prot: unknown key; did you mean "port"?'),
    });
  });

  it('refuses to start without its secrets', () => {
    expect(run(['serve', '--config', file('admin: { token: { env: NOT_SET_ANYWHERE } }\n')])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('admin.token: the variable NOT_SET_ANYWHERE is not set'),
    });
  });

  it('runs from a file, answers health, and leaves with 0 and nothing listening on SIGTERM', async () => {
    const [port, sip] = [await freePort(), await freePort()];
    const path = file(`http: { port: ${port} }\nsip: { listen: ["udp:127.0.0.1:${sip}"] }\nmedia: { workers: 1 }\n`);
    const child = new Child({ command: process.execPath, args: [main, 'serve', '--config', path] });
    try {
      await child.waitForOutput(/"msg":"ready"/, 10_000);
      expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()).toEqual({ status: 'ready' });
      expect(run(['health', '--config', path]).status).toBe(0);
      child.signal('SIGTERM');
      expect(await child.waitForExit(10_000)).toEqual({ code: 0, signal: null });
      expect(run(['health', '--config', path]).status).toBe(1);
    } finally {
      await child.stop('SIGKILL');
    }
  });

  it('runs the demo without a file: page, carrier and a banner that says what to open', async () => {
    const port = await freePort();
    const env = { GATEWAY_HTTP__PORT: String(port), GATEWAY_MEDIA__WORKERS: '1' };
    const child = new Child({ command: process.execPath, args: [main, 'serve'], env });
    try {
      await child.waitForOutput(new RegExp(`Open http://127\\.0\\.0\\.1:${port} and press the button`), 10_000);
      expect(child.stdout).toMatch(/demo carrier: +udp 127\.0\.0\.1:\d+/);
      const page = await fetch(`http://127.0.0.1:${port}/`);
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      const carrier = Number(/demo carrier: +udp 127\.0\.0\.1:(\d+)/.exec(child.stdout)?.[1]);
      expect(carrier).toBeGreaterThan(0);
      const second = run(['serve'], env);
      expect(second).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`port ${port} on 127.0.0.1 is taken by another program; choose another`),
      });
      child.signal('SIGINT');
      expect(await child.waitForExit(10_000)).toEqual({ code: 0, signal: null });
    } finally {
      await child.stop('SIGKILL');
    }
  });
});
