import { exchange } from '../../src/sip/embedded/dialog-exchange.js';
import type { DialogState } from '../../src/sip/embedded/dialog-state.js';
import type { OutgoingInvite } from '../../src/sip/embedded/dialog-uac.js';
import { IncomingInvite } from '../../src/sip/embedded/dialog-uas.js';
import type { InboundCall, OutboundCall, Reoffer } from '../../src/sip/port.js';
import type { FakeClock } from './fake-clock.js';

/** Session descriptions in force while a call rings, as one end sees it. */
export interface Sessions {
  ours: string | undefined;
  theirs: string | undefined;
}

/** What both ends of a ringing call know of each other, which only a test may. */
export interface Ringing {
  /** An UPDATE of the test is under way: nobody may answer the call now. */
  updating: boolean;
  /** How often something came of one. */
  updates: number;
}

interface Chance {
  readonly clock: FakeClock;
  readonly random: () => number;
  readonly newSession: () => string;
}

type Updated = { readonly kind: 'agreed'; readonly sdp: string } | { readonly kind: 'refused' } | { readonly kind: 'unknown' };

/** The ports send no UPDATE before the answer; peers do. */
async function update(end: OutgoingInvite | IncomingInvite, state: DialogState, sdp: string): Promise<Updated> {
  const body = { type: 'application/sdp', content: sdp };
  const context = end instanceof IncomingInvite ? end['context'] : end['context'];
  const result = await exchange(context, { state, contactUser: undefined }, 'UPDATE', { body });
  if (result.kind === 'failed') return { kind: 'unknown' };
  const { response } = result;
  return response.status < 300 ? { kind: 'agreed', sdp: response.body.toString() } : { kind: 'refused' };
}

function decide(offer: Reoffer, sessions: Sessions, { random, newSession }: Chance): void {
  if (random() < 0.2) {
    offer.reject(488);
    return;
  }
  sessions.ours = newSession();
  sessions.theirs = offer.sdp;
  offer.accept(sessions.ours);
}

async function updateNow(
  end: OutgoingInvite | IncomingInvite,
  state: DialogState,
  facts: { readonly sessions: Sessions; readonly ringing: Ringing; readonly giveUp: () => void },
  { newSession }: Chance,
): Promise<void> {
  const { sessions, ringing, giveUp } = facts;
  if (ringing.updating) return;
  ringing.updating = true;
  const offered = newSession();
  const result = await update(end, state, offered);
  if (result.kind === 'unknown') giveUp();
  if (result.kind === 'agreed') {
    ringing.updates += 1;
    sessions.ours = offered;
    sessions.theirs = result.sdp;
  }
  ringing.updating = false;
}

/** The calling end while it rings: takes offers of PRACK and UPDATE, and may send an UPDATE. */
export function hearRinging(call: OutboundCall, sessions: Sessions, ringing: Ringing, chance: Chance): void {
  const { clock, random } = chance;
  call.onOffer((offer) => clock.after(random() * 800, () => decide(offer, sessions, chance)));
  if (random() > 0.2) return;
  call.onProgress(({ fork }) => {
    const invite = call as OutgoingInvite;
    const state = invite['early'].get(fork)?.state;
    if (state !== undefined) void updateNow(invite, state, { sessions, ringing, giveUp: () => call.cancel() }, chance);
  });
}

/** The called end: says what chance says, may send an UPDATE, and then hands over to `answer`. */
export function ring(call: InboundCall, sessions: Sessions, ringing: Ringing, chance: Chance, answer: () => void): void {
  const { clock, random, newSession } = chance;
  const own = newSession();
  sessions.ours = own;
  call.onOffer((offer) => clock.after(random() * 800, () => decide(offer, sessions, chance)));
  call.onAnswer?.((sdp) => {
    sessions.theirs = sdp;
  });
  for (let i = Math.floor(random() * 4); i > 0; i -= 1) {
    const status = ([180, 181, 182, 183] as const)[Math.floor(random() * 4)] ?? 180;
    const describes = random() < 0.5 && (call.offer !== undefined || call.takesReliable === true);
    clock.after(random() * 3000, () => call.progress(status, describes ? { sdp: own } : {}));
  }
  let answered = false;
  if (random() < 0.2) {
    clock.after(1000 + random() * 3000, () => {
      const invite = call as IncomingInvite;
      if (answered || call.cancelled.aborted) return;
      void updateNow(invite, invite['state'], { sessions, ringing, giveUp: () => call.reject(500) }, chance);
    });
  }
  const answerWhenQuiet = (): void => {
    if (ringing.updating) {
      clock.after(500, answerWhenQuiet);
      return;
    }
    answered = true;
    answer();
  };
  clock.after(random() * 6000, answerWhenQuiet);
}
