import type { TrunkDto } from '../../admin/views.js';
import type { CallRecord } from '../../cdr/record.js';
import { dispositionSaid, type Said } from './words.js';

/** What became of the calls of a day. */
export interface DayFigures {
  readonly answered: number;
  /** Busy, declined, given up, or nobody was there. */
  readonly unanswered: number;
  readonly failed: number;
}

export function dayFigures(records: readonly Pick<CallRecord, 'answeredAt' | 'disposition'>[]): DayFigures {
  const isFailed = ({ disposition }: Pick<CallRecord, 'disposition'>): boolean => dispositionSaid(disposition).tone === 'bad';
  const failed = records.filter(isFailed).length;
  const answered = records.filter((record) => record.answeredAt !== undefined && !isFailed(record)).length;
  return { answered, failed, unanswered: records.length - answered - failed };
}

const isUp = ({ peers, registration }: TrunkDto): boolean =>
  peers.some(({ health }) => health === 'up') && (registration === undefined || registration.registered);

/** `2 of 3 up`. */
export function trunksSaid(trunks: readonly TrunkDto[]): Said {
  const up = trunks.filter(isUp).length;
  if (trunks.length === 0) return { text: 'none', tone: 'plain' };
  return { text: `${up} of ${trunks.length}`, tone: up === trunks.length ? 'good' : up === 0 ? 'bad' : 'warn' };
}

/** How one trunk is. */
export function trunkSaid(trunk: TrunkDto): Said {
  const { peers, registration } = trunk;
  if (!peers.some(({ health }) => health === 'up')) return { text: 'no peer is up', tone: 'bad' };
  if (registration !== undefined && !registration.registered) return { text: 'not registered', tone: 'bad' };
  return peers.every(({ health }) => health === 'up') ? { text: 'up', tone: 'good' } : { text: 'up, not all peers', tone: 'warn' };
}
