import { describe, expect, it } from 'vitest';
import { LocalDescription, networkAddress, newSdpSessionId } from '../../../../src/media/sdp/local-description.js';
import { integerIn, seededRandom } from '../seeded-random.js';

describe('LocalDescription', () => {
  it('writes a whole description around the lines', () => {
    const description = new LocalDescription({ sessionId: '12345678901234567890', address: '192.0.2.1' });
    expect(description.write(['t=0 0'])).toBe('v=0\r\no=- 12345678901234567890 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n');
  });

  it('raises the version if and only if something changed (O3)', () => {
    const random = seededRandom(6);
    const description = new LocalDescription({ sessionId: '9', address: '::1' });
    let [last, version, text] = [-1, 0, ''];
    for (let round = 0; round < 500; round += 1) {
      const choice = integerIn(random, 0, 2);
      const next = description.write([`a=${choice}`]);
      if (choice === last) expect(next).toBe(text);
      else version += 1;
      expect(next).toContain(`o=- 9 ${version} IN IP6 ::1\r\n`);
      [last, text] = [choice, next];
    }
    expect(version).toBeGreaterThan(100);
    expect(version).toBeLessThan(500);
  });

  it('names the kind of address', () => {
    expect([networkAddress('192.0.2.1'), networkAddress('2001:db8::1')]).toEqual(['IN IP4 192.0.2.1', 'IN IP6 2001:db8::1']);
  });

  it('draws session ids that nobody can guess', () => {
    const ids = Array.from({ length: 100 }, newSdpSessionId);
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(BigInt(id) < 2n ** 62n).toBe(true);
  });
});
