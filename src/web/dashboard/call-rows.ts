import type { CallDto, LegDto } from '../../admin/views.js';
import { digitsSaid, type Said, scoreSaid, silenceSaid, stateSaid } from './words.js';

/** One side of a live call, to read. */
export interface SideRow {
  readonly who: string;
  /** The page or trunk, and what it speaks. */
  readonly where: string;
  readonly codec: string;
  readonly quality: Said;
}

/** A live call, to read. */
export interface CallRow {
  readonly id: string;
  readonly caller: SideRow;
  readonly called: SideRow;
  readonly state: Said;
  readonly digits: Said;
  readonly startedMs: number;
  readonly answeredMs: number | undefined;
  readonly warnings: readonly string[];
}

const qualityOf = (leg: LegDto | undefined): Said => {
  const said = scoreSaid(leg?.score);
  return leg?.score === undefined ? said : { ...said, text: `${leg.score.toFixed(1)} ${said.text}` };
};

function sideRow(who: string, where: string, leg: LegDto | undefined): SideRow {
  return { who, where, codec: leg?.codec ?? '–', quality: qualityOf(leg) };
}

/** Both legs of a call: who calls on the left, who is called on the right. */
export function callRow(call: CallDto): CallRow {
  const { direction, trunk, user, origin, legs = [] } = call;
  const legOf = (name: 'a' | 'b'): LegDto | undefined => legs.find(({ leg }) => leg === name);
  const trunkWords = trunk === undefined ? 'Telephone' : `Trunk ${trunk}`;
  const fromTrunk = direction.startsWith('trunk');
  const toTrunk = direction.endsWith('trunk');
  const callerWhere = fromTrunk ? trunkWords : `Page${origin === undefined ? '' : ` ${origin.replace(/^https?:\/\//, '')}`}`;
  return {
    id: call.id,
    caller: sideRow(call.from, callerWhere, legOf('a')),
    called: sideRow(call.to, toTrunk ? trunkWords : `Page${user === undefined ? '' : ` of ${user}`}`, legOf('b')),
    state: stateSaid(call.state),
    digits: digitsSaid(call.digits),
    startedMs: Date.parse(call.startedAt),
    answeredMs: call.answeredAt === undefined ? undefined : Date.parse(call.answeredAt),
    warnings: call.silent.map(silenceSaid),
  };
}

/** Those rows in which every word of the filter stands somewhere. */
export function filterCalls(rows: readonly CallRow[], filter: string): readonly CallRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(({ id, caller, called, state, warnings }) => {
    const text = [id, ...[caller, called].flatMap(({ who, where, codec }) => [who, where, codec]), state.text, ...warnings]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
