/** What an operator is shown of a trunk. Plain data; times in milliseconds since the Unix epoch. */

export interface PeerView {
  readonly uri: string;
  readonly health: 'up' | 'resting' | 'down';
  /** Until when a peer rests. */
  readonly untilMs?: number;
}

export interface RegistrationView {
  readonly registered: boolean;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** URI of the peer it is with. */
  readonly peer?: string;
  readonly lastFailure?: string;
  readonly lastFailureAtMs?: number;
}

export interface TrunkView {
  readonly id: string;
  readonly peers: readonly PeerView[];
  readonly registration?: RegistrationView;
  readonly callsInUse: number;
  readonly maxCalls?: number;
}
