import type { MachineDefinition, TimerEvent } from './transaction-machine.js';

/**
 * INVITE client transaction (RFC 3261 §17.1.1, with the Accepted state of RFC 6026 §8.4).
 *
 * ```
 *                    | INVITE sent, A and B set
 *              +-----v-----+  A: send again, doubling     B, transport error
 *              |  calling  |------------------------------------------------+
 *              +-----------+                                                |
 *      1xx |    | 2xx    | 300-699: ACK                                     |
 *   +------v---------+   |                                                  |
 *   |   proceeding   |   |          transport error (flow gone)             |
 *   +----------------+-- | -------------------------------------------------+
 *      2xx |    | 300-699: ACK                                              |
 *   +------v---+  +------v----+                                             |
 *   | accepted |  | completed | 300-699 again: ACK again                    |
 *   +----------+  +-----------+                                             |
 *          | M           | D                                                |
 *          |      +------v-----+                                            |
 *          +----->| terminated |<-------------------------------------------+
 *                 +------------+
 * ```
 * In `accepted` every 2xx, repeated or of another fork, goes up: its ACK is the dialog's (§13.2.2.4).
 */
export type InviteClientState = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';

export type InviteClientEvent = 'provisional' | 'success' | 'failure' | 'transport-error' | TimerEvent<'A' | 'B' | 'D' | 'M'>;

export type InviteClientEffect = 'retransmit' | 'ack' | 'deliver' | 'report-timeout' | 'report-transport-error';

export const inviteClient: MachineDefinition<InviteClientState, InviteClientEvent, InviteClientEffect> = {
  initial: 'calling',
  final: 'terminated',
  timers: { calling: ['A', 'B'], proceeding: [], accepted: ['M'], completed: ['D'], terminated: [] },
  arrows: {
    calling: {
      provisional: { to: 'proceeding', effects: ['deliver'] },
      success: { to: 'accepted', effects: ['deliver'] },
      failure: { to: 'completed', effects: ['ack', 'deliver'] },
      'timer-A': { to: 'calling', effects: ['retransmit'] },
      'timer-B': { to: 'terminated', effects: ['report-timeout'] },
      'transport-error': { to: 'terminated', effects: ['report-transport-error'] },
    },
    proceeding: {
      provisional: { to: 'proceeding', effects: ['deliver'] },
      success: { to: 'accepted', effects: ['deliver'] },
      failure: { to: 'completed', effects: ['ack', 'deliver'] },
      'transport-error': { to: 'terminated', effects: ['report-transport-error'] },
    },
    accepted: {
      success: { to: 'accepted', effects: ['deliver'] },
      'timer-M': { to: 'terminated', effects: [] },
    },
    completed: {
      failure: { to: 'completed', effects: ['ack'] },
      'timer-D': { to: 'terminated', effects: [] },
      'transport-error': { to: 'terminated', effects: [] },
    },
    terminated: {},
  },
};
