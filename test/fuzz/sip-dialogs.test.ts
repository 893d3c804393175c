import { afterEach, expect, it, vi } from 'vitest';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import type { DialogEnd, InboundCall, OfferOutcome, Reoffer, SipDialog } from '../../src/sip/port.js';
import { FakeClock } from '../support/fake-clock.js';
import { seededRandom } from '../support/lossy-relay.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { hearRinging, type Ringing, ring, type Sessions } from '../support/random-ringing.js';
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
  readonly ringing: Ringing;
  /** The offer came with the answer. */
  late?: boolean;
  near?: End;
  far?: End;
  outcome?: string;
}

/** How many things each end does with a call that is up. */
const actions = 5;

/** Everything chance decides on, in the order of the seed. */
interface Scene {
  readonly caller: EmbeddedSip;
  readonly target: string;
  readonly clock: FakeClock;
  readonly random: () => number;
  /** Calls that ring, by Call-ID. */
  readonly pairs: Map<string, Pair>;
}

function busy(end: End, { clock, random }: Scene): End {
  for (let i = 0; i < actions; i += 1) clock.after(random() * busyMs, () => end.act());
  return end;
}

/** Starts a call, with an offer or without, and gives both ends a few things to do at random moments. */
function start(scene: Scene): Pair {
  const { caller, target, clock, random } = scene;
  const ours: Sessions = { ours: random() < 0.75 ? newSession() : undefined, theirs: undefined };
  const reliable = (['supported', 'required', 'off'] as const)[Math.floor(random() * 3)] ?? 'off';
  const call = caller.call({
    requestUri: target,
    from: { uri: 'sip:a@example.com' },
    ...(ours.ours === undefined ? {} : { offer: ours.ours }),
    reliable,
  });
  const pair: Pair = { ringing: { updating: false, updates: 0 } };
  scene.pairs.set(call.callIdHeader, pair);
  hearRinging(call, ours, pair.ringing, { clock, random, newSession });
  if (random() < 0.1) clock.after(random() * 6000, () => call.cancel());
  void call.outcome.then((outcome) => {
    pair.outcome = outcome.kind;
    if (outcome.kind !== 'answered') return;
    const { answerWith, dialog, sdp } = outcome;
    const take = (said: string): void => {
      pair.near = busy(new End(dialog, clock, random, { ours: said, theirs: ours.theirs ?? sdp }), scene);
    };
    if (answerWith === undefined) {
      take(ours.ours ?? 'nothing');
      return;
    }
    take('nothing yet');
    pair.late = true;
    // Now and then never: the stack hangs up then.
    if (random() < 0.95) {
      clock.after(random() * 5000, () => {
        const answer = newSession();
        if (pair.near?.ends.length === 0) pair.near.ours = answer;
        answerWith(answer);
      });
    }
  });
  return pair;
}

/** Rings at the one called, and answers. */
function arrive(call: InboundCall, scene: Scene): void {
  const { clock, random } = scene;
  const pair = scene.pairs.get(call.callIdHeader);
  if (pair === undefined) throw new Error('a call nobody placed');
  const theirs: Sessions = { ours: undefined, theirs: call.offer };
  ring(call, theirs, pair.ringing, { clock, random, newSession }, () => {
    const answer = theirs.ours ?? newSession();
    const dialog = call.answer(answer);
    if (!call.cancelled.aborted)
      pair.far = busy(new End(dialog, clock, random, { ours: answer, theirs: theirs.theirs ?? 'nothing' }), scene);
  });
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
  const scene: Scene = { caller, target: uriOf(callee), clock, random, pairs: new Map() };
  callee.onCall((call) => arrive(call, scene));
  const kinds = new Set<string>();
  let lasting = 0;
  let updates = 0;
  let late = 0;
  for (let done = 0; done < calls; done += together) {
    const pairs = Array.from({ length: together }, () => start(scene));
    await clock.advanceAsync(busyMs + quietMs);
    lasting += pairs.filter(agreed).length;
    for (const { near } of pairs) void near?.dialog.bye();
    await clock.advanceAsync(endMs);
    for (const kind of pairs.flatMap(endsOf)) kinds.add(kind);
    for (const stack of [caller, callee]) {
      expect(stack.liveObjects()).toMatchObject({ dialog: 0, invite: 0, transaction: 0, sip_timer: 0 });
    }
    updates += pairs.reduce((sum, { ringing }) => sum + ringing.updates, 0);
    late += pairs.filter((pair) => pair.late).length;
    scene.pairs.clear();
  }
  expect(lasting).toBeGreaterThan(calls / 20);
  expect(updates).toBeGreaterThan(calls / 100);
  expect(late).toBeGreaterThan(calls / 20);
  expect([...kinds].sort()).toEqual(['ack-timeout', 'dialog-gone', 'local', 'remote', 'session-timer']);
  await Promise.all([caller.stop(), callee.stop()]);
});
