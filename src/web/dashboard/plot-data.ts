import type { StoryMedia, StorySample } from '../../story/call-story.js';

/** One line of a plot. */
export interface PlotLine {
  readonly label: string;
  readonly leg: 'a' | 'b';
  /** Drawn with dashes. */
  readonly dashed: boolean;
  readonly values: readonly (number | null)[];
}

/** What one plot draws; `seconds` since the beginning of the call, the same in all plots of a call. */
export interface Plot {
  readonly name: string;
  readonly unit: string;
  readonly seconds: readonly number[];
  readonly lines: readonly PlotLine[];
}

/** Samples this near to each other belong to one moment. */
const togetherMs = 250;

/** The moments of all legs; those that lie together are one. */
function momentsOf(media: readonly StoryMedia[]): readonly number[] {
  const all = media.flatMap(({ samples }) => samples.map(({ atMs }) => atMs)).sort((one, other) => one - other);
  const moments: number[] = [];
  for (const atMs of all) if (atMs - (moments.at(-1) ?? Number.NEGATIVE_INFINITY) >= togetherMs) moments.push(atMs);
  return moments;
}

function valuesAt(samples: readonly StorySample[], moments: readonly number[], pick: (sample: StorySample) => number | undefined) {
  let next = 0;
  return moments.map((moment) => {
    let value: number | undefined;
    for (let sample = samples[next]; sample !== undefined && sample.atMs < moment + togetherMs; sample = samples[next]) {
      value = pick(sample);
      next += 1;
    }
    return value ?? null;
  });
}

/** What is at the far end of a leg. */
export const farEnd = ({ kind }: Pick<StoryMedia, 'kind'>): string => (kind === 'browser' ? 'page' : 'telephone');

/** The plots of a call: packets each way, loss, jitter, round trip. Those with nothing to draw are left out. */
export function plotsOf(media: readonly StoryMedia[]): readonly Plot[] {
  const moments = momentsOf(media);
  const seconds = moments.map((atMs) => atMs / 1000);
  const line = (one: StoryMedia, label: string, pick: (sample: StorySample) => number | undefined, dashed = false): PlotLine => {
    return { label, leg: one.leg, dashed, values: valuesAt(one.samples, moments, pick) };
  };
  const plots: readonly Plot[] = [
    {
      ...{ name: 'Packets', unit: 'packets/s', seconds },
      lines: media.flatMap((one) => [
        line(one, `from ${farEnd(one)}`, ({ received }) => received),
        line(one, `to ${farEnd(one)}`, ({ sent }) => sent, true),
      ]),
    },
    { name: 'Loss', unit: '%', seconds, lines: media.map((one) => line(one, `from ${farEnd(one)}`, ({ lostPercent }) => lostPercent)) },
    { name: 'Jitter', unit: 'ms', seconds, lines: media.map((one) => line(one, `from ${farEnd(one)}`, ({ jitterMs }) => jitterMs)) },
    {
      name: 'Round trip',
      unit: 'ms',
      seconds,
      lines: media.map((one) => line(one, `to ${farEnd(one)}`, ({ roundTripMs }) => roundTripMs)),
    },
  ];
  return plots
    .map((plot) => ({ ...plot, lines: plot.lines.filter(({ values }) => values.some((value) => value !== null)) }))
    .filter(({ lines }) => lines.length > 0);
}

/** Whether so few values are known that a line would not show them: of a short call the round trip is known once, at its end. */
export const isSparse = (values: ArrayLike<number | null | undefined>): boolean =>
  Array.from(values).filter((value) => value !== null && value !== undefined).length < 3;

/** The figures of a leg over the whole call. */
export interface LegFigures {
  readonly leg: 'a' | 'b';
  readonly farEnd: string;
  readonly codec: string;
  readonly score: number | undefined;
  readonly lostPercent: number | undefined;
  readonly jitterMs: number | undefined;
  readonly roundTripMs: number | undefined;
}

function mean(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Averages, which say the same as the plots to those who do not see them. */
export function legFigures(media: readonly StoryMedia[]): readonly LegFigures[] {
  return media.map((one) => ({
    leg: one.leg,
    farEnd: farEnd(one),
    codec: one.codec ?? '–',
    score: mean(one.samples.map(({ score }) => score)),
    lostPercent: mean(one.samples.map(({ lostPercent }) => lostPercent)),
    jitterMs: mean(one.samples.map(({ jitterMs }) => jitterMs)),
    roundTripMs: mean(one.samples.map(({ roundTripMs }) => roundTripMs)),
  }));
}
