import { describe, expect, it } from 'vitest';
import { EchoBuffer } from '../../../src/demo/echo-buffer.js';
import { muSilence, Playback } from '../../../src/demo/playback.js';
import { loadPrompts, promptNames } from '../../../src/demo/prompts.js';
import { decodeG711 } from '../../../src/media/codec/g711.js';
import { totalLevel } from '../../../src/media/codec/tone-meter.js';

const read = (source: Playback | EchoBuffer, count: number): readonly number[] | undefined => {
  const target = Buffer.alloc(count + 2, 0xaa);
  if (!source.read(target, 1, count)) return undefined;
  expect([target[0], target[count + 1]]).toEqual([0xaa, 0xaa]);
  return [...target.subarray(1, count + 1)];
};

describe('Playback', () => {
  it('joins prompts without a gap and fills the last frame with silence', () => {
    const playback = new Playback();
    playback.say([Buffer.from([1, 2, 3]), Buffer.alloc(0), Buffer.from([4, 5, 6, 7])]);
    expect(read(playback, 4)).toEqual([1, 2, 3, 4]);
    expect(playback.playing).toBe(true);
    expect(read(playback, 4)).toEqual([5, 6, 7, muSilence]);
    expect(playback.playing).toBe(false);
    expect(read(playback, 4)).toBeUndefined();
  });

  it('drops what was being said when something else is', () => {
    const playback = new Playback();
    playback.say([Buffer.from([1, 2, 3, 4])]);
    read(playback, 2);
    playback.say([Buffer.from([8, 9])]);
    expect(read(playback, 2)).toEqual([8, 9]);
    expect(playback.playing).toBe(false);
  });
});

describe('EchoBuffer', () => {
  const write = (echo: EchoBuffer, ...bytes: readonly number[]): void =>
    echo.write(Buffer.from([99, ...bytes]), 1, bytes.length, undefined);

  it('waits for its lead, then gives sound back in order, and waits again when it runs dry', () => {
    const echo = new EchoBuffer({ leadBytes: 4, mostBytes: 8 });
    write(echo, 1, 2);
    expect(read(echo, 2)).toBeUndefined();
    write(echo, 3, 4);
    expect(read(echo, 2)).toEqual([1, 2]);
    expect(read(echo, 2)).toEqual([3, 4]);
    expect(read(echo, 2)).toBeUndefined();
    write(echo, 5, 6);
    expect(read(echo, 2)).toBeUndefined();
    write(echo, 7, 8);
    expect(read(echo, 2)).toEqual([5, 6]);
  });

  it('drops the oldest sound when more comes than goes', () => {
    const echo = new EchoBuffer({ leadBytes: 2, mostBytes: 4 });
    write(echo, 1, 2, 3, 4, 5, 6);
    expect(read(echo, 4)).toEqual([3, 4, 5, 6]);
  });

  it('puts sound through a table when it comes in another law', () => {
    const echo = new EchoBuffer({ leadBytes: 1, mostBytes: 4 });
    const table = Uint8Array.from({ length: 256 }, (_, byte) => 255 - byte);
    echo.write(Buffer.from([0, 1]), 0, 2, table);
    expect(read(echo, 2)).toEqual([255, 254]);
  });
});

describe('The prompts', () => {
  const prompts = loadPrompts();

  it.each(promptNames)('"%s" is audible, not overdriven and not endless', (name) => {
    const samples = decodeG711('PCMU', prompts[name]);
    expect(samples.length).toBeGreaterThan(0.3 * 8_000);
    expect(samples.length).toBeLessThan(15 * 8_000);
    expect(totalLevel(samples)).toBeGreaterThan(-22);
    expect(totalLevel(samples)).toBeLessThan(-9);
    expect(samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0)).toBeLessThan(32_767 * 10 ** (-2.5 / 20));
  });
});
