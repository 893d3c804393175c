import { afterEach, expect, it, vi } from 'vitest';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { DialogEnd, OfferOutcome, Reoffer, SipDialog } from '../../src/sip/port.js';
import { FakeClock } from '../support/fake-clock.js';
import { seededRandom } from '../support/lossy-relay.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { startStack, uriOf } from '../support/sip-rigs.js';

/** On each network. */
const calls = 5000;
/** Calls that run at the same time. */
const together = 100;
const busyMs = 100_000;
/** Until nothing is under way any more. */
const quietMs = 70_000;
/** After it a call must be over whatever was lost: a session timer, and a BYE nobody answers. */
const endMs = 180_000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** One end of a call, doing what chance says with it. */
class End {
  readonly ends: DialogEnd[] = [];
  /** Session descriptions in force, as this end sees it. */
  ours: string;
  theirs: string;
  asked = 0;
  readonly outcomes: OfferOutcome[] = [];

  constructor(
    readonly dialog: SipDialog,
    private readonly clock: FakeClock,
    private readonly random: () => number,
    sessions: { readonly ours: string; readonly theirs: string },
  ) {
    this.ours = sessions.ours;
    this.theirs = sessions.theirs;
    dialog.onEnd((end) => this.ends.push(end));
    dialog.onRequest((request) => request.respond(random() < 0.8 ? 200 : 500));
    dialog.onOffer((offer) => this.sometime(() => this.decide(offer)));
    dialog.onAck((answer) => {
      if (answer !== undefined) this.theirs = answer;
    });
  }

  private decide(offer: Reoffer): void {
    if (this.ends.length > 0 || this.random() < 0.3) {
      offer.reject(488);
      return;
    }
    this.ours = newSession();
    this.theirs = offer.sdp ?? this.theirs;
    offer.accept(this.ours);
  }

  /** Now, a little later, or never. */
  private sometime(run: () => void): void {
    const chance = this.random();
    if (chance < 0.6) run();
    else if (chance < 0.95) this.clock.after(this.random() * 5000, run);
  }

  act(): void {
    const chance = this.random();
    if (chance < 0.3) this.offer(newSession());
    else if (chance < 0.5) this.offer(undefined);
    else if (chance < 0.8) void this.dialog.request(chance < 0.65 ? 'INFO' : 'UPDATE').catch(() => {});
    else if (chance < 0.9) void this.dialog.bye();
  }

  private agree(ours: string, theirs: string | undefined): void {
    this.ours = ours;
    this.theirs = theirs ?? this.theirs;
  }

  private offer(offered: string | undefined): void {
    this.asked += 1;
    void this.dialog.offer(offered).then((outcome) => {
      this.outcomes.push(outcome);
      const { status, answerWith } = outcome;
      if (status >= 300) return;
      if (answerWith === undefined) {
        this.agree(offered ?? this.ours, outcome.sdp);
        return;
      }
      this.sometime(() => {
        const answer = newSession();
        this.agree(answer, outcome.sdp);
        answerWith(answer);
      });
    });
  }
}

let serial = 0;

function newSession(): string {
  serial += 1;
  return `v=0\r\no=- ${serial} 1 IN IP4 192.0.2.1\r\n`;
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
  far: Map<string, (dialog: SipDialog, answer: string) => void>,
  clock: FakeClock,
  random: () => number,
): Pair {
  const pair: Pair = {};
  const busy = (end: End): End => {
    for (let i = 0; i < 6; i += 1) clock.after(random() * busyMs, () => end.act());
    return end;
  };
  const offer = newSession();
  const call = caller.call({ requestUri: target, from: { uri: 'sip:a@example.com' }, offer });
  far.set(call.callIdHeader, (dialog, answer) => {
    pair.far = busy(new End(dialog, clock, random, { ours: answer, theirs: offer }));
  });
  if (random() < 0.1) clock.after(random() * 1000, () => call.cancel());
  void call.outcome.then((outcome) => {
    pair.outcome = outcome.kind;
    if (outcome.kind === 'answered') pair.near = busy(new End(outcome.dialog, clock, random, { ours: offer, theirs: outcome.sdp }));
  });
  return pair;
}

/** Both ends still up and nothing under way: they must mean the same session. True when it was so. */
function agreed({ near, far }: Pair): boolean {
  if (near === undefined || far === undefined || near.ends.length + far.ends.length > 0) return false;
  expect([near.ours, near.theirs]).toEqual([far.theirs, far.ours]);
  return true;
}

/** Says how the ends of a call ended: once each, with every offer settled. */
function endsOf({ near, far, outcome }: Pair): readonly string[] {
  expect(outcome).toBeDefined();
  return [near, far].flatMap((end) => {
    if (end === undefined) return [];
    expect(end.ends).toHaveLength(1);
    expect(end.outcomes).toHaveLength(end.asked);
    return end.ends.map(({ by }) => by);
  });
}

it.each([
  ['a quiet network', 0, 5],
  ['one that loses a fifth and lets datagrams overtake each other', 0.2, 400],
])('brings two ends to agree and leaves nothing behind, whatever they do, on %s', async (_, loss, maxDelayMs) => {
  const clock = new FakeClock();
  const random = seededRandom(20_261_122);
  new MemoryNetwork({ loss, maxDelayMs }, { clock, random });
  const options = { sessionTimer: { expiresSeconds: 90, minSeconds: 90 } };
  const [caller, callee] = await Promise.all([startStack(options, { clock, random }), startStack(options, { clock, random })]);
  const far = new Map<string, (dialog: SipDialog, answer: string) => void>();
  callee.onCall((call) => {
    const seen = far.get(call.callIdHeader);
    clock.after(random() * 1000, () => {
      const answer = newSession();
      const dialog = call.answer(answer);
      if (!call.cancelled.aborted) seen?.(dialog, answer);
    });
  });
  const kinds = new Set<string>();
  let lasting = 0;
  for (let done = 0; done < calls; done += together) {
    const pairs = Array.from({ length: together }, () => start(caller, uriOf(callee), far, clock, random));
    await clock.advanceAsync(busyMs + quietMs);
    lasting += pairs.filter(agreed).length;
    for (const { near } of pairs) void near?.dialog.bye();
    await clock.advanceAsync(endMs);
    for (const kind of pairs.flatMap(endsOf)) kinds.add(kind);
    for (const stack of [caller, callee]) {
      expect(stack.liveObjects()).toMatchObject({ dialog: 0, invite: 0, transaction: 0, sip_timer: 0 });
    }
    far.clear();
  }
  expect(lasting).toBeGreaterThan(calls / 20);
  expect([...kinds].sort()).toEqual(['ack-timeout', 'dialog-gone', 'local', 'remote', 'session-timer']);
  await Promise.all([caller.stop(), callee.stop()]);
});
