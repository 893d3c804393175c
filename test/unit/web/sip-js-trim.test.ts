import { describe, expect, it } from 'vitest';
import { withoutErrorTexts, withoutLogging, withoutMethods, withoutPassages } from '../../../src/web/sip-js-trim.mjs';

describe('the part of sip.js in the bundle', () => {
  it('is without statements that only log, and else untouched', () => {
    const code = ['  this.logger.log("a", b.c("("));', '  if (x)', '    logger.warn("y; z()");', '  done();'].join('\n');
    expect(withoutLogging(code)).toBe([';', '  if (x)', ';', '  done();'].join('\n'));
  });

  it.each([
    'const level = this.logger.level;',
    'this.logger = userAgent.getLogger("sip.Session");',
    'return logger.error(x);',
    'logger.log("begins",',
    'logger.log(a); next();  // and goes on',
    'catalogger.log(x) || y();',
  ])('keeps %s', (code) => {
    expect(withoutLogging(code)).toBe(code);
  });

  it('throws the same errors without their texts', () => {
    const code = 'throw new Error(state + " is wrong"); throw new TypeError(`no host`); new Failure("kept");';
    expect(withoutErrorTexts(code)).toBe('throw new Error(state + " is wrong"); throw new TypeError("sip.js"); new Failure("kept");');
  });

  it('has nothing in the methods the widget never comes to, and says when one is gone', () => {
    const code = [
      'class A {',
      '    one(a, b = {}) {',
      '        if (a) {',
      '            b();',
      '        }',
      '    }',
      '    two() {',
      '        c();',
      '    }',
      '}',
    ];
    const trimmed = withoutMethods(code.join('\n'), { one: 'request.reject();' });
    expect(trimmed).toBe(['class A {', '    one(request) { request.reject(); }', '    two() {', '        c();', '    }', '}'].join('\n'));
    expect(() => withoutMethods(code.join('\n'), { three: '' })).toThrow(/no method three/);
  });

  it('has something else in place of passages nobody needs, and says when one is gone', () => {
    const code = 'a();\nb("$&");\nc();';
    expect(
      withoutPassages(code, [
        [/^b.*\n/m, ''],
        [/c\(\);/, 'd("$&");'],
      ]),
    ).toBe('a();\nd("$&");');
    expect(() => withoutPassages(code, [[/^e/m, '']])).toThrow(/no passage \/\^e\/m/);
  });
});
