import { describe, expect, it } from 'vitest';
import { exercisesOf } from '../../../src/conformance/exercise.js';
import { timelineOf } from '../../../src/conformance/timeline.js';
import { readVectors } from '../../../src/conformance/vectors.js';
import { sequenceDelta, timestampDelta } from '../../../src/media/rtp/serial-number.js';

const exercises = exercisesOf(readVectors());

describe('what is played of a vector', () => {
  it('is every vector once, and the paths', () => {
    const files = readVectors();
    const count = files.reduce((sum, { send, receive, path }) => sum + send.length + receive.length + path.length, 0);
    expect(exercises.length).toBe(count);
    expect(exercises.filter(({ lossy }) => lossy).length).toBeGreaterThan(0);
  });

  it.each(exercises)('has the packets of $rule: $name ($clockRateHz Hz), with audio before and after', (exercise) => {
    const { packets, firstMs, lastMs } = timelineOf(exercise);
    const events = packets.filter(({ kind }) => kind === 'event');
    expect(events.map(({ atMs, payload }) => ({ atMs: atMs - firstMs, payload: payload?.toString('hex') }))).toEqual(
      exercise.packets.map(({ atMs, payload }) => ({ atMs, payload: payload.toString('hex') })),
    );
    expect(packets.filter(({ kind, atMs }) => kind === 'audio' && atMs < firstMs)).toHaveLength(25);
    expect(packets.filter(({ kind, atMs }) => kind === 'audio' && atMs > lastMs)).toHaveLength(40);
    expect(packets.every(({ atMs }, n) => atMs >= (packets[n - 1]?.atMs ?? 0))).toBe(true);
  });

  it.each(exercises.filter(({ flawless }) => flawless))('is one unbroken stream where the sender is flawless: $rule: $name', (exercise) => {
    const { packets } = timelineOf(exercise);
    const steps = packets.slice(1).map(({ sequence }, n) => sequenceDelta(packets[n]?.sequence ?? 0, sequence));
    expect(new Set(steps)).toEqual(new Set([1]));
    const audio = packets.filter(({ kind }) => kind === 'audio');
    const [first, last] = [audio[0], audio.at(-1)];
    if (first === undefined || last === undefined) throw new Error('there is no audio');
    const unitsPerMs = exercise.clockRateHz / 1000;
    expect(timestampDelta(first.timestamp, last.timestamp)).toBe((last.atMs - first.atMs) * unitsPerMs);
  });

  it('has a frame of the tone behind each event packet where the vector wants it, and no number twice', () => {
    const exercise = exercises.find(({ tone }) => tone);
    if (exercise === undefined) throw new Error('no vector has a tone');
    const { packets } = timelineOf(exercise);
    const beside = packets.filter(({ kind }) => kind !== 'audio').map(({ kind }) => kind);
    expect(beside.every((kind, n) => kind === (n % 2 === 0 ? 'event' : 'tone'))).toBe(true);
    expect(new Set(packets.map(({ sequence }) => sequence)).size).toBe(packets.length);
  });

  it('loses, reorders and doubles about as many packets as a path says, and the same ones each time', () => {
    const [path] = readVectors().flatMap((file) => file.path);
    const [exercise, again] = [exercises, exercisesOf(readVectors())].map((all) => all.find(({ name }) => name === path?.name));
    expect(exercise).toEqual(again);
    const sequences = exercise?.packets.map(({ sequence }) => sequence) ?? [];
    const sent = Math.max(...sequences) + 1;
    const arrived = new Set(sequences);
    expect(sent - arrived.size).toBeGreaterThan(0);
    expect((sent - arrived.size) / sent).toBeLessThan(0.12);
    expect(sequences.length).toBeGreaterThan(arrived.size);
    expect(sequences.some((sequence, n) => sequence < (sequences[n - 1] ?? 0))).toBe(true);
  });
});
