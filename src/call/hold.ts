/**
 * Who holds a connected call, and what each side has been told of it. Pure.
 *
 * What a far end says in an offer is its own will. What it says in an answer is its will only in so
 * far as our offer left it a choice: `recvonly` after our `sendonly` says that it listens and
 * nothing about whether it would speak (RFC 3264 §6.1). Kept apart, so that telling one side about
 * the other never comes back as news, and both can return to `sendrecv` after both held (§8.4).
 */
import { type LegName, type MediaDirection, otherLeg } from '../media/plane.js';

/** One leg of a call as far as hold goes. */
export interface LegHold {
  /** What the far end wants of its own accord, as it would write it. */
  readonly wish: MediaDirection;
  /** What it has last heard from us, as we write it. */
  readonly told: MediaDirection;
  /** Whose offer its last description belongs to: its own, or ours with this direction. */
  readonly offer: 'theirs' | MediaDirection;
  /** An offer of ours that is not answered yet. */
  readonly asking?: MediaDirection;
}

/** Both legs. */
export type Hold = Readonly<Record<LegName, LegHold>>;

const talking: LegHold = { wish: 'sendrecv', told: 'sendrecv', offer: 'theirs' };

/** Nobody holds. */
export const notHeld: Hold = { a: talking, b: talking };

const sends = (direction: MediaDirection): boolean => direction === 'sendrecv' || direction === 'sendonly';
const receives = (direction: MediaDirection): boolean => direction === 'sendrecv' || direction === 'recvonly';

function directionOf(doesSend: boolean, doesReceive: boolean): MediaDirection {
  if (doesSend) return doesReceive ? 'sendrecv' : 'sendonly';
  return doesReceive ? 'recvonly' : 'inactive';
}

/** The far end of `leg` makes an offer; the description that follows is its own will. */
export function farOffers(hold: Hold, leg: LegName): Hold {
  return { ...hold, [leg]: { ...hold[leg], offer: 'theirs' } };
}

/** The far end of `leg` asks us for an offer (RFC 3261 §14.1); ours says what the other side does. */
export function farAsksForOffer(hold: Hold, leg: LegName): Hold {
  const want = wanted(hold, leg);
  return { ...hold, [leg]: { ...hold[leg], offer: want, told: want } };
}

/** What the far end of `leg` does is `direction` from now on. */
export function farSays(hold: Hold, leg: LegName, direction: MediaDirection): Hold {
  const { wish, told, offer } = hold[leg];
  if (offer === 'theirs') {
    // Our answer follows its offer, so it has heard all that its offer left room for.
    const heard = directionOf(receives(direction) || sends(told), sends(direction) || receives(told));
    return { ...hold, [leg]: { ...hold[leg], wish: direction, told: heard } };
  }
  const will = directionOf(receives(offer) ? sends(direction) : sends(wish), sends(offer) ? receives(direction) : receives(wish));
  return { ...hold, [leg]: { ...hold[leg], wish: will } };
}

/** What the far end of `leg` should hear from us: what the other one does. */
export const wanted = (hold: Hold, leg: LegName): MediaDirection => hold[otherLeg(leg)].wish;

/** Legs that have to be told something, one offer at a time each. */
export function owed(hold: Hold): readonly LegName[] {
  return (['a', 'b'] as const).filter((leg) => hold[leg].asking === undefined && hold[leg].told !== wanted(hold, leg));
}

/** An offer of ours on `leg` says what the other side does. */
export function asks(hold: Hold, leg: LegName): Hold {
  const want = wanted(hold, leg);
  return { ...hold, [leg]: { ...hold[leg], told: want, asking: want } };
}

/** Our offer on `leg` came to something. A refused one is not made again: the far end knows what it does. */
export function asked(hold: Hold, leg: LegName, accepted: boolean): Hold {
  const { asking, ...rest } = hold[leg];
  return { ...hold, [leg]: asking !== undefined && accepted ? { ...rest, offer: asking } : rest };
}

/** Somebody new sits on `leg`, who has agreed to talk. */
export const seatedAnew = (hold: Hold, leg: LegName): Hold => ({ ...hold, [leg]: talking });

/** One side holds: silence is then no fault. */
export const isHeld = (hold: Hold): boolean => hold.a.wish !== 'sendrecv' || hold.b.wish !== 'sendrecv';
