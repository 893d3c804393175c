import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { resolveSecrets } from '../../../src/config/secrets.js';

const files: Readonly<Record<string, string>> = { '/run/token': 'from-a-file\n', '/cert': 'CERT', '/key': 'KEY', '/empty': '\n' };
const readFile = (path: string): string => {
  const text = files[path];
  if (text === undefined) throw new Error('no such file');
  return text;
};

function resolve(yaml: string, environment: Record<string, string> = {}) {
  const result = loadConfig(yaml, {});
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return resolveSecrets(result.config, { environment, readFile });
}

describe('secrets', () => {
  it('come from variables and files, without the line end of the file', () => {
    const yaml = 'admin: { token: { file: /run/token } }\nusers: [{ name: bob, password: { env: BOB } }]';
    const { secrets, faults } = resolve(yaml, { BOB: 'from-a-variable' });
    expect(faults).toEqual([]);
    expect([secrets.adminToken, secrets.userPassword('bob')]).toEqual(['from-a-file', 'from-a-variable']);
  });

  it('include certificates', () => {
    expect(resolve('http: { tls: { cert: /cert, key: { file: /key } } }').secrets.httpTls).toEqual({ cert: 'CERT', key: 'KEY' });
  });

  it('that cannot be had are all reported, by place', () => {
    const yaml =
      'admin: { token: { file: /none } }\nusers: [{ name: bob, password: { env: BOB } }]\nsip: { tls: { cert: /empty, key: { file: /key } } }';
    expect(resolve(yaml).faults).toEqual([
      { path: 'users[0].password', problem: 'the variable BOB is not set', remedy: 'set BOB in the environment of the gateway' },
      { path: 'admin.token', problem: 'the file /none cannot be read (no such file)', remedy: 'correct the path or its permissions' },
      { path: 'sip.tls.cert', problem: 'the file /empty is empty', remedy: 'put the value into it' },
    ]);
  });

  it('show nothing when they are printed', () => {
    const { secrets } = resolve('admin: { token: { file: /run/token } }');
    expect([inspect(secrets, { depth: 9, showHidden: true }), JSON.stringify({ secrets }), String(secrets)].join()).not.toContain(
      'from-a-file',
    );
  });
});
