import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { describeWithPeers } from '../support/peers.js';
import { type Situation, SituationRig, type Way } from '../support/sip-situation.js';

interface Row extends Situation {
  readonly title: string;
  readonly disposition?: string;
  /** The first INVITE of each call is refused before it is a call, so one that SIPp gives up then has no record. */
  readonly refusedFirst?: boolean;
}

/** What carriers do to a call, and what has to come of it; each side is a scenario of SIPp's. */
const situations: readonly Row[] = [
  { title: 'the caller hangs up', caller: 'uac-hangs-up', phone: 'uas-rings-and-answers' },
  { title: 'the called side hangs up', caller: 'uac-is-hung-up', phone: 'uas-hangs-up-first' },
  { title: 'the caller gives up while it rings', caller: 'uac-cancels', phone: 'uas-rings-until-cancelled', disposition: 'cancelled' },
  { title: 'the answer crosses the CANCEL', caller: 'uac-cancels', phone: 'uas-answers-the-cancel', disposition: 'cancelled' },
  { title: 'several phones ring with media of their own and two answer', caller: 'uac-hangs-up', phone: 'uas-forks' },
  { title: 'the call is forwarded and queued first', caller: 'uac-hangs-up', phone: 'uas-tells-the-queue' },
  { title: 'the called side sends its provisional responses reliably', caller: 'uac-hangs-up', phone: 'uas-rings-reliably' },
  {
    title: 'both sides use reliable provisional responses',
    caller: 'uac-requires-100rel',
    phone: 'uas-rings-reliably',
  },
  {
    title: 'the caller demands reliable provisional responses and the called side has none',
    caller: 'uac-requires-100rel',
    phone: 'uas-rings-and-answers',
  },
  { title: 'the caller makes no offer', caller: 'uac-late-offer', phone: 'uas-rings-and-answers' },
  {
    title: 'the caller holds with sendonly and the called side is told',
    caller: 'uac-holds',
    callerFill: { hold: 'sendonly' },
    phone: 'uas-is-held',
    phoneFill: { seen: 'sendonly', answer: 'recvonly' },
  },
  {
    title: 'the caller holds with inactive',
    caller: 'uac-holds',
    callerFill: { hold: 'inactive' },
    phone: 'uas-is-held',
    phoneFill: { seen: 'inactive', answer: 'inactive' },
  },
  {
    title: 'the called side holds and the caller is told',
    caller: 'uac-is-held',
    callerFill: { seen: 'sendonly', answer: 'recvonly' },
    phone: 'uas-holds',
    phoneFill: { hold: 'sendonly' },
  },
  {
    title: 'the called side is busy with an offer of its own when it is told of the hold',
    caller: 'uac-holds',
    // Longer than the owner of the Call-ID waits before it offers again (RFC 3261 §14.1).
    callerFill: { hold: 'sendonly', heldMs: '4500' },
    phone: 'uas-is-busy-with-its-own-offer',
  },
  { title: 'the caller changes its codec', caller: 'uac-changes-codec', phone: 'uas-rings-and-answers' },
  { title: 'a re-INVITE comes without an offer', caller: 'uac-offers-nothing-new', phone: 'uas-rings-and-answers' },
  { title: 'the called side refreshes with UPDATE', caller: 'uac-hangs-up', phone: 'uas-updates' },
  {
    title: 'the session timer of the caller is too short',
    caller: 'uac-timer-too-small',
    phone: 'uas-rings-and-answers',
    refusedFirst: true,
  },
  { title: 'our session timer is too short for the called side', caller: 'uac-hangs-up', phone: 'uas-timer-too-small' },
  {
    title: 'the called side has forgotten the call',
    caller: 'uac-holds-and-is-hung-up',
    phone: 'uas-forgets-the-call',
    disposition: 'failed',
  },
  {
    title: 'the called side transfers the caller to another number',
    caller: 'uac-hangs-up',
    callerFill: { holdMs: '2500' },
    phone: 'uas-transfers',
    phoneCalls: 2,
  },
  {
    title: 'the called side redirects to a premium number',
    caller: 'uac-is-refused',
    callerFill: { status: '502' },
    phone: 'uas-redirects',
    disposition: 'failed',
  },
];

const timeout = 60_000;

for (const way of ['udp', 'tcp', 'tls'] as const satisfies readonly Way[]) {
  describeWithPeers(`Between two SIPps over ${way}`, ['sipp'], () => {
    let rig: SituationRig;
    beforeAll(async () => {
      rig = await SituationRig.start({ way });
    });
    afterAll(() => rig?.dispose());

    for (const { title, disposition = 'completed', refusedFirst: _, ...situation } of situations) {
      it(title, { timeout }, async () => {
        const before = rig.gateway.cdrs().length;
        await rig.play(situation);
        expect(await rig.gateway.cdr(before + 1)).toMatchObject({ disposition });
        await rig.gateway.waitUntilCallsAreGone();
      });
    }
  });
}

describeWithPeers('Between two SIPps over UDP that loses a fifth of all datagrams each way', ['sipp'], () => {
  const calls = 6;

  // SIPp takes some repetitions for something new and gives such a call up, so its own verdict is no
  // measure here: every call has one record, and of none anything stays. Side by side, since what
  // takes long is waiting for what was lost.
  for (const { title, refusedFirst = false, ...situation } of situations) {
    const least = refusedFirst ? calls / 2 : calls;
    it.concurrent(`ends every call: ${title}`, { timeout: 330_000 }, async ({ expect: check }) => {
      const rig = await SituationRig.start({ way: 'lossy udp' });
      try {
        const { caller, end } = await rig.begin(situation, calls);
        try {
          await caller.ended(80_000);
          await eventually(() => (rig.gateway.cdrs().length >= least ? true : undefined), {
            what: `${least} records`,
            withinMs: 40_000,
            explain: () => `${rig.gateway.cdrs().length} records\n${caller.describe()}`,
          });
          // What SIPp has given up without a word ends a minute after its last packet; a request that is
          // never answered takes 64·T1, and so does the BYE after it.
          await rig.gateway.waitUntilCallsAreGone(140_000);
        } finally {
          await end();
        }
        const records = rig.gateway.cdrs().length;
        check([records >= least, records <= calls], `${records} records`).toEqual([true, true]);
      } finally {
        await rig.dispose();
      }
    });
  }
});
