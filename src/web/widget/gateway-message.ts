/**
 * How far a digit of the page has come. `left` is the last that the page knows by itself; `seen` and
 * later are what the gateway told.
 */
export type DigitState = 'pressed' | 'left' | 'seen' | 'sent' | 'acknowledged' | 'failed';

/** What became of a digit of the page, as the gateway tells it. */
export interface GatewayReceipt {
  readonly type: 'dtmf-receipt';
  /** Number of the digit in the call, as the call's record has it. */
  readonly id: number;
  /** `•` while the gateway keeps digits to itself. */
  readonly digit: string;
  readonly state: Exclude<DigitState, 'pressed' | 'left'>;
  readonly as?: string;
  readonly durationMs?: number;
  readonly packets?: number;
  readonly why?: string;
}

/** A digit of the telephone. */
export interface GatewayDigit {
  readonly type: 'dtmf';
  readonly id: number;
  readonly digit: string;
  readonly durationMs: number;
}

const states: ReadonlySet<unknown> = new Set(['seen', 'sent', 'acknowledged', 'failed']);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Reads one message of the data channel; undefined for what is not known here, which is not a fault. */
export function readGatewayMessage(data: unknown): GatewayReceipt | GatewayDigit | undefined {
  if (typeof data !== 'string') return undefined;
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, id, digit, state, as, durationMs, packets, why } = message as Readonly<Record<string, unknown>>;
  if (!isCount(id) || typeof digit !== 'string' || !/^[0-9*#A-D•]$/.test(digit)) return undefined;
  if (type === 'dtmf') return isCount(durationMs) ? { type, id, digit, durationMs } : undefined;
  if (type !== 'dtmf-receipt' || !states.has(state)) return undefined;
  return {
    type,
    id,
    digit,
    state: state as GatewayReceipt['state'],
    ...(typeof as === 'string' ? { as } : {}),
    ...(isCount(durationMs) ? { durationMs } : {}),
    ...(isCount(packets) ? { packets } : {}),
    ...(typeof why === 'string' ? { why } : {}),
  };
}
