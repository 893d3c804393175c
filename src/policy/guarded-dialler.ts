import type { Dialler, DialRequest, DialResult, TrunkTarget } from '../call/ports.js';
import type { FraudGuard, GuardedLeg } from './guard.js';

/**
 * A dialler that asks the guard first. Whatever leads to a telephone goes through it: calls of pages,
 * calls forwarded to another telephone, transfers, and each further trunk that is tried.
 */
export class GuardedDialler implements Dialler<TrunkTarget> {
  constructor(
    private readonly inner: Dialler<TrunkTarget>,
    private readonly guard: Pick<FraudGuard, 'admit'>,
  ) {}

  dial(request: DialRequest<TrunkTarget>): DialResult {
    const { callId, target, account, address } = request;
    const verdict = this.guard.admit({
      ...{ callId, number: target.number, trunk: target.trunk },
      ...(account === undefined ? {} : { account }),
      ...(address === undefined ? {} : { address }),
    });
    if (verdict.kind === 'refused') return verdict;
    const result = this.inner.dial(request);
    if (result.kind === 'dialling') return watched(result, verdict.leg);
    verdict.leg.over();
    return result;
  }
}

function watched(result: Extract<DialResult, { readonly kind: 'dialling' }>, leg: GuardedLeg): DialResult {
  // A port's outcome never rejects.
  void result.leg.outcome.then(({ kind }) => (kind === 'answered' ? leg.answered() : leg.over()));
  const release = (): void => {
    leg.over();
    result.release();
  };
  return { ...result, release };
}
