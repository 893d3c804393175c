import { describe, expect, it } from 'vitest';
import { redaction } from '../../../src/cli/redaction.js';

describe('redaction of log fields', () => {
  it('blanks out secrets and digits at the top and one level below', () => {
    const redact = redaction([]);
    const fields = { token: 't', digits: '12', peer: { password: 'p', host: 'h' }, list: [{ token: 1 }], callId: 'c-1' };
    expect(redact(fields)).toEqual({
      token: '***',
      digits: '***',
      peer: { password: '***', host: 'h' },
      list: [{ token: 1 }],
      callId: 'c-1',
    });
    expect(fields.peer.password, 'what was given is left as it is').toBe('p');
  });

  it('blanks out what the operator names, by dotted paths and with * for any name', () => {
    const redact = redaction(['origin', 'peer.host', '*.address']);
    expect(redact({ origin: 'o', peer: { host: 'h', address: 'a', port: 1 }, other: { host: 'h', address: 'a' } })).toEqual({
      origin: '***',
      peer: { host: '***', address: '***', port: 1 },
      other: { host: 'h', address: '***' },
    });
  });

  it('gives back the very fields when there is nothing to hide', () => {
    const fields = { callId: 'c-1', peer: { host: 'h' }, error: new Error('x'), nothing: null };
    expect(redaction(['origin'])(fields)).toBe(fields);
  });
});
