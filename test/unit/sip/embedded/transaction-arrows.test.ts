import { describe, expect, it } from 'vitest';
import { inviteClient } from '../../../../src/sip/embedded/transaction-invite-client.js';
import { inviteServer } from '../../../../src/sip/embedded/transaction-invite-server.js';
import { nonInviteClient } from '../../../../src/sip/embedded/transaction-non-invite-client.js';
import { nonInviteServer } from '../../../../src/sip/embedded/transaction-non-invite-server.js';

/** The arrows once more, as RFC 3261 §17 and RFC 6026 §7 have them: `state event -> state effects`. */
const machines = {
  'INVITE client': {
    definition: inviteClient,
    events: ['provisional', 'success', 'failure', 'transport-error', 'timer-A', 'timer-B', 'timer-D', 'timer-M'],
    arrows: [
      'calling provisional -> proceeding deliver',
      'calling success -> accepted deliver',
      'calling failure -> completed ack deliver',
      'calling transport-error -> terminated report-transport-error',
      'calling timer-A -> calling retransmit',
      'calling timer-B -> terminated report-timeout',
      'proceeding provisional -> proceeding deliver',
      'proceeding success -> accepted deliver',
      'proceeding failure -> completed ack deliver',
      'proceeding transport-error -> terminated report-transport-error',
      'accepted success -> accepted deliver',
      'accepted timer-M -> terminated',
      'completed failure -> completed ack',
      'completed transport-error -> terminated',
      'completed timer-D -> terminated',
    ],
  },
  'non-INVITE client': {
    definition: nonInviteClient,
    events: ['provisional', 'final', 'transport-error', 'timer-E', 'timer-F', 'timer-K'],
    arrows: [
      'trying provisional -> proceeding deliver',
      'trying final -> completed deliver',
      'trying transport-error -> terminated report-transport-error',
      'trying timer-E -> trying retransmit',
      'trying timer-F -> terminated report-timeout',
      'proceeding provisional -> proceeding deliver',
      'proceeding final -> completed deliver',
      'proceeding transport-error -> terminated report-transport-error',
      'proceeding timer-E -> proceeding retransmit',
      'proceeding timer-F -> terminated report-timeout',
      'completed timer-K -> terminated',
    ],
  },
  'INVITE server': {
    definition: inviteServer,
    events: ['request', 'ack', 'send-provisional', 'send-success', 'send-failure', 'timer-G', 'timer-H', 'timer-I', 'timer-L'],
    arrows: [
      'proceeding request -> proceeding resend',
      'proceeding send-provisional -> proceeding send',
      'proceeding send-success -> accepted send',
      'proceeding send-failure -> completed send',
      'accepted send-success -> accepted send',
      'accepted timer-L -> terminated',
      'completed request -> completed resend',
      'completed ack -> confirmed',
      'completed timer-G -> completed resend',
      'completed timer-H -> terminated report-no-ack',
      'confirmed timer-I -> terminated',
    ],
  },
  'non-INVITE server': {
    definition: nonInviteServer,
    events: ['request', 'send-provisional', 'send-final', 'timer-J'],
    arrows: [
      'trying send-provisional -> proceeding send',
      'trying send-final -> completed send',
      'proceeding request -> proceeding resend',
      'proceeding send-provisional -> proceeding send',
      'proceeding send-final -> completed send',
      'completed request -> completed resend',
      'completed timer-J -> terminated',
    ],
  },
} as const;

type Loose = Readonly<Record<string, Readonly<Record<string, { to: string; effects: readonly string[] } | undefined>>>>;

describe.each(Object.entries(machines))('%s transaction', (_name, { definition, events, arrows }) => {
  const table = definition.arrows as unknown as Loose;
  const states = Object.keys(table);
  const pairs = states.flatMap((state) => events.map((event) => [state, event] as const));

  it.each(pairs)('takes %s on %s where the RFC does', (state, event) => {
    const arrow = table[state]?.[event];
    const expected = arrows.find((each) => each.startsWith(`${state} ${event} ->`));
    const written = arrow === undefined ? undefined : [`${state} ${event} -> ${arrow.to}`, ...arrow.effects].join(' ');
    expect(written).toBe(expected);
  });

  it('has no arrow besides these', () => {
    const count = states.reduce((sum, state) => sum + Object.keys(table[state] ?? {}).length, 0);
    expect(count).toBe(arrows.length);
  });

  it('starts no timer in its final state and reaches that state from every other', () => {
    const timers = definition.timers as Readonly<Record<string, readonly string[]>>;
    expect(timers[definition.final]).toEqual([]);
    for (const state of states) {
      const seen = new Set([state]);
      for (const from of seen) for (const arrow of Object.values(table[from] ?? {})) if (arrow !== undefined) seen.add(arrow.to);
      expect(seen.has(definition.final)).toBe(true);
    }
  });
});
