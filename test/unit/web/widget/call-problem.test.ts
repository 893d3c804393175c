import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { problemOfEnd, problemOfMicrophone, problemOfRefusal } from '../../../../src/web/widget/call-problem.js';
import { english, formatDuration } from '../../../../src/web/widget/texts.js';

const declared = readFileSync(new URL('../../../../src/call/failure-code.ts', import.meta.url), 'utf8');
const failureCodes = [...declared.matchAll(/^ {2}\| '([a-z-]+)'/gm)].flatMap((match) => match[1] ?? []);

describe('what the caller is told', () => {
  it('knows every failure code of the gateway, and has a sentence for it', () => {
    expect(failureCodes.length).toBeGreaterThan(15);
    for (const code of failureCodes) {
      expect(problemOfRefusal(500, code)).toBe(code);
      expect(english.problems).toHaveProperty([code]);
    }
  });

  it('says whole, different sentences', () => {
    const sentences = Object.values(english.problems);
    expect(new Set(sentences).size).toBe(sentences.length);
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].{10,}\.$/);
  });

  it.each([
    [486, 'busy'],
    [600, 'busy'],
    [603, 'rejected'],
    [404, 'number-not-found'],
    [480, 'no-answer'],
    [484, 'number-invalid'],
    [503, 'trunk-congested'],
    [502, 'trunk-error'],
    [420, 'internal'],
  ])('goes by the status %i where the gateway names nothing', (status, problem) => {
    expect(problemOfRefusal(status, undefined)).toBe(problem);
  });

  it('goes by the status when the header holds a word it does not know', () => {
    expect(problemOfRefusal(486, 'toString')).toBe('busy');
    expect(problemOfRefusal(486, ' no-route ')).toBe('no-route');
  });

  it('tells a plain hang-up from an end with a reason', () => {
    expect(problemOfEnd(undefined)).toBeUndefined();
    expect(problemOfEnd('nonsense')).toBeUndefined();
    expect(problemOfEnd('too-long')).toBe('too-long');
  });

  it.each([
    ['NotAllowedError', 'microphone-denied'],
    ['NotFoundError', 'microphone-missing'],
    ['NotReadableError', 'microphone-in-use'],
    ['AbortError', 'microphone-in-use'],
  ])('makes plain words of the microphone’s %s', (name, problem) => {
    expect(problemOfMicrophone(name)).toBe(problem);
  });

  it.each([
    [0, '0:00'],
    [59.9, '0:59'],
    [61, '1:01'],
    [3729, '1:02:09'],
    [-1, '0:00'],
  ])('shows %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
