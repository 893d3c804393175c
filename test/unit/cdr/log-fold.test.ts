import { describe, expect, it } from 'vitest';
import type { Log, LogFields } from '../../../src/base/log.js';
import { logFold } from '../../../src/cdr/log-fold.js';
import { completedCall, factAt } from '../../support/call-facts.js';

interface Line {
  readonly level: string;
  readonly fields: LogFields;
  readonly message: string;
}

function linesOf(facts: typeof completedCall): Line[] {
  const lines: Line[] = [];
  const logWith = (bound: LogFields): Log => {
    const at = (level: string) => (fields: LogFields, message: string) =>
      void lines.push({ level, fields: { ...bound, ...fields }, message });
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: (more) => logWith({ ...bound, ...more }) };
  };
  const fold = logFold(logWith({}));
  for (const fact of facts) fold(fact);
  return lines;
}

describe('log lines of a call', () => {
  it('come one a fact, each with the id of the call', () => {
    const lines = linesOf(completedCall);
    expect(lines).toHaveLength(completedCall.length);
    expect(new Set(lines.map(({ fields }) => fields['callId']))).toEqual(new Set(['c-1']));
  });

  it('never hold a whole number', () => {
    const text = JSON.stringify(linesOf(completedCall));
    expect(text).toContain('+15*******56');
    expect(text).not.toContain('5550123456');
  });

  it('warn of silence with its cause and of digits that did not arrive', () => {
    const warnings = linesOf(completedCall).filter(({ level }) => level === 'warn');
    expect(warnings.map(({ message }) => message)).toEqual(['digit not sent', 'media silent']);
    expect(warnings[1]?.fields).toMatchObject({ cause: 'source-mismatch', kind: 'trunk' });
  });

  it('say what became of digits and never which they were', () => {
    const digits = completedCall.filter(({ type }) => type.startsWith('digit'));
    const lines = linesOf(digits);
    expect(lines.map(({ message }) => message)).toEqual([
      ...['digit seen', 'digit sent', 'digit seen', 'digit sent', 'digit acknowledged'],
      ...['digit seen', 'digit not sent'],
    ]);
    expect(lines.flatMap(({ fields }) => Object.keys(fields))).not.toContain('digit');
  });

  it('warn of media that failed with its cause and a sentence', () => {
    const detail = 'no check arrived';
    const lines = linesOf([factAt(1, { type: 'media-failed', leg: 'a', kind: 'browser', cause: 'ice-failed', detail })]);
    expect(lines).toMatchObject([{ level: 'warn', message: 'media failed', fields: { cause: 'ice-failed', detail } }]);
  });

  it('warn when a call ended by a fault of trunk or gateway, and not when it was busy', () => {
    const ended = (failure: 'busy' | 'trunk-timeout') =>
      factAt(1, { type: 'ended', by: 'gateway', disposition: 'x', failure, q850: 17, talkMs: 0, totalMs: 1 });
    expect(linesOf([ended('busy'), ended('trunk-timeout')]).map(({ level }) => level)).toEqual(['info', 'warn']);
  });
});
