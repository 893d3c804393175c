/** Names of a call's states; the states themselves are in `machine.ts`. */
export type CallStateName = 'routing' | 'preparing' | 'dialling' | 'ringing' | 'answering' | 'connecting' | 'connected' | 'ending' | 'ended';
