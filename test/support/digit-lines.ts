import type { CallFactBody } from '../../src/call/facts.js';

/** Facts of digits, a line each. */
export function digitLines(facts: readonly CallFactBody[]): string[] {
  return facts.flatMap((fact) => {
    switch (fact.type) {
      case 'digit':
        return [`${fact.id} seen ${fact.from} ${fact.by} ${fact.digit ?? '•'}`];
      case 'digit-sent':
        return [`${fact.id} sent ${fact.to} ${fact.as}`];
      case 'digit-acknowledged':
        return [`${fact.id} acknowledged`];
      case 'digit-failed':
        return [`${fact.id} failed ${fact.why}${fact.sipStatus === undefined ? '' : ` ${fact.sipStatus}`}`];
      case 'secure-digits':
        return [`secure ${fact.open ? 'open' : 'closed'} ${fact.by}`];
      default:
        return [];
    }
  });
}
