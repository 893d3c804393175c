import { afterEach, expect, it, vi } from 'vitest';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { DialogEnd, OfferOutcome, SipDialog } from '../../src/sip/port.js';
import { FakeClock } from '../support/fake-clock.js';
import { seededRandom } from '../support/lossy-relay.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { startStack, uriOf } from '../support/sip-rigs.js';

const sdp = 'v=0\r\n';
/** On each network. */
const calls = 5000;
/** Calls that run at the same time. */
const together = 100;
const busyMs = 100_000;
/** After it a call must be over whatever was lost: a session timer, and a BYE nobody answers. */
const endMs = 180_000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** One end of a call, doing what chance says with it. */
class End {
  readonly ends: DialogEnd[] = [];
  asked = 0;
  readonly outcomes: OfferOutcome[] = [];

  constructor(
    readonly dialog: SipDialog,
    private readonly clock: FakeClock,
    private readonly random: () => number,
  ) {
    dialog.onEnd((end) => this.ends.push(end));
    dialog.onRequest((request) => request.respond(random() < 0.8 ? 200 : 500));
    dialog.onOffer((offer) => {
      const decide = (): void => (random() < 0.7 ? offer.accept(sdp) : offer.reject(488));
      this.sometime(decide);
    });
  }

  /** Now, a little later, or never. */
  private sometime(run: () => void): void {
    const chance = this.random();
    if (chance < 0.6) run();
    else if (chance < 0.95) this.clock.after(this.random() * 5000, run);
  }

  act(): void {
    const chance = this.random();
    if (chance < 0.3) this.offer(sdp);
    else if (chance < 0.5) this.offer(undefined);
    else if (chance < 0.8) void this.dialog.request(chance < 0.65 ? 'INFO' : 'UPDATE').catch(() => {});
    else if (chance < 0.9) void this.dialog.bye();
  }

  private offer(offered: string | undefined): void {
    this.asked += 1;
    void this.dialog.offer(offered).then((outcome) => {
      this.outcomes.push(outcome);
      const { answerWith } = outcome;
      if (answerWith !== undefined) this.sometime(() => answerWith(sdp));
    });
  }
}

interface Pair {
  near?: End;
  far?: End;
  outcome?: string;
}

/** Starts a call and gives both ends a few things to do at random moments. */
function start(
  caller: EmbeddedSip,
  target: string,
  far: Map<string, (dialog: SipDialog) => void>,
  clock: FakeClock,
  random: () => number,
): Pair {
  const pair: Pair = {};
  const busy = (end: End): End => {
    for (let i = 0; i < 6; i += 1) clock.after(random() * busyMs, () => end.act());
    return end;
  };
  const call = caller.call({ requestUri: target, from: { uri: 'sip:a@example.com' }, offer: sdp });
  far.set(call.callIdHeader, (dialog) => {
    pair.far = busy(new End(dialog, clock, random));
  });
  if (random() < 0.1) clock.after(random() * 1000, () => call.cancel());
  void call.outcome.then((outcome) => {
    pair.outcome = outcome.kind;
    if (outcome.kind === 'answered') pair.near = busy(new End(outcome.dialog, clock, random));
  });
  return pair;
}

it.each([
  ['a quiet network', 0, 5],
  ['one that loses a fifth and lets datagrams overtake each other', 0.2, 400],
])(
  'leaves no call, no offer and no timer behind, whatever the two ends do, on %s',
  async (_, loss, maxDelayMs) => {
    const clock = new FakeClock();
    const random = seededRandom(20_261_122);
    new MemoryNetwork({ loss, maxDelayMs }, { clock, random });
    const sessionTimer = { expiresSeconds: 90, minSeconds: 90 };
    const [caller, callee] = await Promise.all([
      startStack({ sessionTimer }, { clock, random }),
      startStack({ sessionTimer }, { clock, random }),
    ]);
    const far = new Map<string, (dialog: SipDialog) => void>();
    callee.onCall((call) => {
      const seen = far.get(call.callIdHeader);
      clock.after(random() * 1000, () => {
        const dialog = call.answer(sdp);
        if (!call.cancelled.aborted) seen?.(dialog);
      });
    });
    const kinds = new Map<string, number>();
    for (let done = 0; done < calls; done += together) {
      const pairs = Array.from({ length: together }, () => start(caller, uriOf(callee), far, clock, random));
      await clock.advanceAsync(busyMs);
      for (const { near } of pairs) void near?.dialog.bye();
      await clock.advanceAsync(endMs);
      for (const { near, far: other, outcome } of pairs) {
        expect(outcome).toBeDefined();
        for (const end of [near, other]) {
          if (end === undefined) continue;
          expect(end.ends).toHaveLength(1);
          expect(end.outcomes).toHaveLength(end.asked);
          kinds.set(end.ends[0]?.by ?? '', (kinds.get(end.ends[0]?.by ?? '') ?? 0) + 1);
        }
      }
      for (const stack of [caller, callee])
        expect(stack.liveObjects()).toMatchObject({ dialog: 0, invite: 0, transaction: 0, sip_timer: 0 });
      far.clear();
    }
    expect([...kinds.keys()]).toEqual(expect.arrayContaining(['local', 'remote', 'ack-timeout', 'dialog-gone', 'session-timer']));
    await Promise.all([caller.stop(), callee.stop()]);
  },
  120_000,
);
