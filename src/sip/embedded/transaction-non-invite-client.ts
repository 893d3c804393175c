import type { MachineDefinition, TimerEvent } from './transaction-machine.js';

/**
 * Non-INVITE client transaction (RFC 3261 §17.1.2).
 *
 * ```
 *                  | request sent, E and F set
 *            +-----v-----+  E: send again, doubling up to T2
 *            |  trying   |---------------------------------------+
 *            +-----------+          F, transport error           |
 *         1xx |       | 200-699                                  |
 *   +---------v--+    |        E: send again every T2            |
 *   | proceeding |---------------------------------------------->|
 *   +------------+    |          F, transport error              |
 *     200-699 |       |                                          |
 *            +v-------v--+   K    +------------+                 |
 *            | completed |------->| terminated |<----------------+
 *            +-----------+        +------------+
 * ```
 */
export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteClientEvent = 'provisional' | 'final' | 'transport-error' | TimerEvent<'E' | 'F' | 'K'>;

export type NonInviteClientEffect = 'retransmit' | 'deliver' | 'report-timeout' | 'report-transport-error';

export const nonInviteClient: MachineDefinition<NonInviteClientState, NonInviteClientEvent, NonInviteClientEffect> = {
  initial: 'trying',
  final: 'terminated',
  flatRetransmission: 'proceeding',
  timers: { trying: ['E', 'F'], proceeding: ['E', 'F'], completed: ['K'], terminated: [] },
  arrows: {
    trying: {
      provisional: { to: 'proceeding', effects: ['deliver'] },
      final: { to: 'completed', effects: ['deliver'] },
      'timer-E': { to: 'trying', effects: ['retransmit'] },
      'timer-F': { to: 'terminated', effects: ['report-timeout'] },
      'transport-error': { to: 'terminated', effects: ['report-transport-error'] },
    },
    proceeding: {
      provisional: { to: 'proceeding', effects: ['deliver'] },
      final: { to: 'completed', effects: ['deliver'] },
      'timer-E': { to: 'proceeding', effects: ['retransmit'] },
      'timer-F': { to: 'terminated', effects: ['report-timeout'] },
      'transport-error': { to: 'terminated', effects: ['report-transport-error'] },
    },
    completed: {
      'timer-K': { to: 'terminated', effects: [] },
    },
    terminated: {},
  },
};
