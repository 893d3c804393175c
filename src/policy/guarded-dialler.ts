import type { Dialler, DialRequest, DialResult, TrunkTarget } from '../call/ports.js';
import type { FraudGuard, GuardedLeg } from './guard.js';

/**
 * A dialler that asks the guard first. Whatever leads to a telephone goes through it: calls of pages,
 * calls forwarded to another telephone, transfers, redirections, and each further trunk that is tried.
 */
export class GuardedDialler implements Dialler<TrunkTarget> {
  constructor(
    private readonly inner: Dialler<TrunkTarget>,
    private readonly guard: Pick<FraudGuard, 'admit'>,
  ) {}

  dial(request: DialRequest<TrunkTarget>): DialResult {
    const verdict = this.ask(request, request.target.number);
    if (verdict.kind === 'refused') return verdict;
    let { leg } = verdict;
    // The number that is called instead has its own price and its own limits.
    const admits = (number: string): boolean => {
      leg.over();
      const instead = this.ask(request, number);
      if (instead.kind === 'allowed') leg = instead.leg;
      return instead.kind === 'allowed';
    };
    const result = this.inner.dial({ ...request, admits });
    if (result.kind === 'dialling') return watched(result, () => leg);
    leg.over();
    return result;
  }

  private ask({ callId, target, account, address }: DialRequest<TrunkTarget>, number: string): ReturnType<FraudGuard['admit']> {
    return this.guard.admit({
      ...{ callId, number, trunk: target.trunk },
      ...(account === undefined ? {} : { account }),
      ...(address === undefined ? {} : { address }),
    });
  }
}

/** `leg` is the one that is out by then. */
function watched(result: Extract<DialResult, { readonly kind: 'dialling' }>, leg: () => GuardedLeg): DialResult {
  // A port's outcome never rejects.
  void result.leg.outcome.then((outcome) => {
    if (outcome.kind !== 'answered') {
      leg().over();
      return;
    }
    leg().answered();
    // Its time is over with its BYE: a page that does not confirm the end of the call adds nothing to the cost.
    outcome.dialog.onEnd(() => leg().over());
  });
  const release = (): void => {
    leg().over();
    result.release();
  };
  return { ...result, release, movedTo: (callId) => leg().movedTo(callId) };
}
