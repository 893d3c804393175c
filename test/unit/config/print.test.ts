import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.js';
import { printConfig } from '../../../src/config/print.js';

describe('the configuration in force', () => {
  const yaml = 'admin: { token: { env: VERY_PRIVATE } }\nusers: [{ name: bob, password: { file: /run/very-private } }]';
  const loaded = loadConfig(yaml, { GATEWAY_HTTP__PORT: '9000' });
  const text = loaded.ok ? printConfig(loaded.config) : '';

  it('has defaults and overrides in it', () => {
    expect(parse(text)).toMatchObject({ http: { host: '127.0.0.1', port: 9000 }, policy: { maxCalls: 100 } });
  });

  it('shows neither secrets nor where they come from', () => {
    expect(parse(text)).toMatchObject({ admin: { token: '***' }, users: [{ name: 'bob', password: '***' }] });
    expect(text.toLowerCase()).not.toContain('private');
  });
});
