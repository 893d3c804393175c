import { describe, expect, it } from 'vitest';
import { banner } from '../../../src/cli/banner.js';
import { lineForPeople } from '../../../src/cli/log.js';

describe('what the terminal shows', () => {
  it('is one line a log line, time and level first', () => {
    const json = JSON.stringify({ level: 'warn', time: '2026-01-02T03:04:05.678Z', callId: 'c-1', silentMs: 5000, msg: 'media silent' });
    expect(lineForPeople(json)).toBe('03:04:05 warn  media silent  callId=c-1 silentMs=5000\n');
  });

  it('says in demo mode what to open, and that no real call is made', () => {
    const text = banner('1.2.3', {
      http: 'http://127.0.0.1:8081',
      sip: [{ transport: 'udp', host: '127.0.0.1', port: 5000 }],
      demoCarrier: { host: '127.0.0.1', port: 6000 },
    });
    expect(text).toContain('Open http://127.0.0.1:8081 and press the button');
    expect(text).toContain('SIP:          udp 127.0.0.1:5000');
    expect(text).toContain('no real call is made');
    expect(text.split('\n').length).toBeLessThan(10);
  });

  it('has nothing of the demo in it otherwise', () => {
    expect(banner('1.2.3', { http: 'http://127.0.0.1:8081', sip: [] })).not.toMatch(/demo/i);
  });
});
