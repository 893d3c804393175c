import type { InboundCall, OutboundCall, SipDialog, SipPort } from '../../src/sip/port.js';

/** What became of the calls that went through. */
export interface BackToBackCounts {
  received: number;
  answered: number;
  refused: number;
  cancelled: number;
  endedByCaller: number;
  endedOtherwise: number;
}

/** Joins every call that comes in to one it makes, session descriptions untouched: both roles of a SIP stack, nothing else. */
export function joinBackToBack(sip: SipPort, target: string, number: string): BackToBackCounts {
  const counts: BackToBackCounts = { received: 0, answered: 0, refused: 0, cancelled: 0, endedByCaller: 0, endedOtherwise: 0 };
  sip.onCall((caller) => {
    counts.received += 1;
    const called = sip.call({
      requestUri: `sip:${number}@${target}`,
      from: caller.from,
      via: { proxy: `sip:${target}` },
      ...(caller.offer === undefined ? {} : { offer: caller.offer }),
    });
    called.onProgress(({ status }) => {
      if (status === 180) caller.progress(180);
    });
    caller.cancelled.addEventListener('abort', () => called.cancel());
    void settle(caller, called, counts);
  });
  return counts;
}

async function settle(caller: InboundCall, called: OutboundCall, counts: BackToBackCounts): Promise<void> {
  const outcome = await called.outcome;
  if (outcome.kind === 'answered') {
    counts.answered += 1;
    join(caller.answer(outcome.sdp), outcome.dialog, counts);
  } else if (caller.cancelled.aborted) {
    counts.cancelled += 1;
  } else {
    counts.refused += 1;
    caller.reject(outcome.kind === 'rejected' ? outcome.status : 504);
  }
}

function join(callerSide: SipDialog, calledSide: SipDialog, counts: BackToBackCounts): void {
  callerSide.onEnd(({ by }) => {
    if (by === 'remote') counts.endedByCaller += 1;
    else counts.endedOtherwise += 1;
    void calledSide.bye();
  });
  calledSide.onEnd(({ by }) => {
    if (by !== 'local') void callerSide.bye();
  });
}
