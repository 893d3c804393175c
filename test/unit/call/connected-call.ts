import { connected, type StateOf } from '../../../src/call/state.js';

/** A connected call in which nothing out of the ordinary has happened. */
export function connectedCall(change: Partial<StateOf<'connected'>> = {}): StateOf<'connected'> {
  return { ...connected('browser-to-trunk'), ...change };
}
