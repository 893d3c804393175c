import type { OutboundCall, OutboundOptions, Progress, SipPort } from '../../src/sip/port.js';
import type { SipWire } from '../support/sip-wire.js';

/** Two started ports that can call each other. */
export interface SipRig {
  readonly caller: SipPort;
  readonly callee: SipPort;
  /** How the caller reaches the callee. */
  readonly toCallee: Pick<OutboundOptions, 'requestUri' | 'via'>;
  stop(): Promise<void>;
  /** For what no port says of its own accord; absent where nobody else can write into a dialog. */
  readonly wire?: SipWire;
  /** Lets time pass until the condition holds; fails when it does not. */
  until(condition: () => boolean): Promise<void>;
}

/** A call from the rig's caller, and what came of it before the answer. */
export interface Placed {
  readonly call: OutboundCall;
  readonly heard: readonly Progress[];
}
