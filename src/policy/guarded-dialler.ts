import type { DialRequest, DialResult, NumberToRefer, ReferTo, TrunkDialling, TrunkTarget } from '../call/ports.js';
import type { FraudGuard, GuardedLeg } from './guard.js';

/**
 * A dialler that asks the guard first. Whatever leads to a telephone goes through it: calls of pages,
 * calls forwarded to another telephone, transfers, redirections, and each further trunk that is tried.
 */
export class GuardedDialler implements TrunkDialling {
  constructor(
    private readonly inner: TrunkDialling,
    private readonly guard: Pick<FraudGuard, 'admit'>,
  ) {}

  dial(request: DialRequest<TrunkTarget>): DialResult {
    const verdict = this.askFor(request, request.target.number);
    if (verdict.kind === 'refused') return verdict;
    let { leg } = verdict;
    // The number that is called instead has its own price and its own limits.
    const admits = (number: string): boolean => {
      leg.over();
      const instead = this.askFor(request, number);
      if (instead.kind === 'allowed') leg = instead.leg;
      return instead.kind === 'allowed';
    };
    const result = this.inner.dial({ ...request, admits });
    if (result.kind === 'dialling') return watched(result, () => leg);
    leg.over();
    return result;
  }

  /** Counted as a call that was begun. How long it lasts the carrier alone knows: no budget sees it. */
  referTo(request: NumberToRefer): ReferTo {
    const verdict = this.ask(request);
    if (verdict.kind === 'refused') return verdict;
    verdict.leg.over();
    return this.inner.referTo(request);
  }

  private askFor({ target, ...request }: DialRequest<TrunkTarget>, number: string): ReturnType<FraudGuard['admit']> {
    return this.ask({ ...request, number, trunk: target.trunk });
  }

  private ask({ callId, number, trunk, account, address }: NumberToRefer): ReturnType<FraudGuard['admit']> {
    return this.guard.admit({
      ...{ callId, number, trunk },
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
