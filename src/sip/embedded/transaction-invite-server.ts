import type { MachineDefinition, TimerEvent } from './transaction-machine.js';

/**
 * INVITE server transaction (RFC 3261 §17.2.1, with the Accepted state of RFC 6026 §8.5).
 *
 * ```
 *                     | INVITE received, 100 sent
 *               +-----v------+  INVITE again: last provisional again
 *               | proceeding |  1xx from above: sent
 *               +------------+
 *   2xx from above |      | 300-699 from above: sent, G and H set
 *        +---------v-+  +-v---------+  INVITE again, G: response again
 *        | accepted  |  | completed |-------------------------------+
 *        +-----------+  +-----------+          H: no ACK came       |
 *  2xx again: sent |      | ACK                                     |
 *  ACK: goes up    |    +-v---------+                               |
 *                  |    | confirmed |                               |
 *                  |    +-----------+                               |
 *                  | L    | I                                       |
 *                 +v------v----+                                    |
 *                 | terminated |<-----------------------------------+
 *                 +------------+
 * ```
 * A transport error ends nothing here: the peer's retransmission may find another way (RFC 6026 §8.8).
 */
export type InviteServerState = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';

export type InviteServerEvent =
  | 'request'
  | 'ack'
  | 'send-provisional'
  | 'send-success'
  | 'send-failure'
  | TimerEvent<'G' | 'H' | 'I' | 'L'>;

export type InviteServerEffect = 'send' | 'resend' | 'report-no-ack';

export const inviteServer: MachineDefinition<InviteServerState, InviteServerEvent, InviteServerEffect> = {
  initial: 'proceeding',
  final: 'terminated',
  timers: { proceeding: [], accepted: ['L'], completed: ['G', 'H'], confirmed: ['I'], terminated: [] },
  arrows: {
    proceeding: {
      request: { to: 'proceeding', effects: ['resend'] },
      'send-provisional': { to: 'proceeding', effects: ['send'] },
      'send-success': { to: 'accepted', effects: ['send'] },
      'send-failure': { to: 'completed', effects: ['send'] },
    },
    accepted: {
      'send-success': { to: 'accepted', effects: ['send'] },
      'timer-L': { to: 'terminated', effects: [] },
    },
    completed: {
      request: { to: 'completed', effects: ['resend'] },
      ack: { to: 'confirmed', effects: [] },
      'timer-G': { to: 'completed', effects: ['resend'] },
      'timer-H': { to: 'terminated', effects: ['report-no-ack'] },
    },
    confirmed: {
      'timer-I': { to: 'terminated', effects: [] },
    },
    terminated: {},
  },
};
