import type { MachineDefinition, TimerEvent } from './transaction-machine.js';

/**
 * Non-INVITE server transaction (RFC 3261 §17.2.2).
 *
 * ```
 *                 | request received
 *           +-----v-----+  request again: absorbed
 *           |  trying   |
 *           +-----------+
 *   1xx from |       | 200-699 from above: sent
 *    above   |       |
 *  +---------v--+    |   request again: last provisional again
 *  | proceeding |    |
 *  +------------+    |
 *   200-699 |        |
 *           +v-------v--+  J   +------------+
 *           | completed |----->| terminated |
 *           +-----------+      +------------+
 *             request again: response again
 * ```
 */
export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteServerEvent = 'request' | 'send-provisional' | 'send-final' | TimerEvent<'J'>;

export type NonInviteServerEffect = 'send' | 'resend';

export const nonInviteServer: MachineDefinition<NonInviteServerState, NonInviteServerEvent, NonInviteServerEffect> = {
  initial: 'trying',
  final: 'terminated',
  timers: { trying: [], proceeding: [], completed: ['J'], terminated: [] },
  arrows: {
    trying: {
      'send-provisional': { to: 'proceeding', effects: ['send'] },
      'send-final': { to: 'completed', effects: ['send'] },
    },
    proceeding: {
      request: { to: 'proceeding', effects: ['resend'] },
      'send-provisional': { to: 'proceeding', effects: ['send'] },
      'send-final': { to: 'completed', effects: ['send'] },
    },
    completed: {
      request: { to: 'completed', effects: ['resend'] },
      'timer-J': { to: 'terminated', effects: [] },
    },
    terminated: {},
  },
};
