import { afterEach, expect, it, vi } from 'vitest';
import { openMicrophone } from '../../../../src/web/widget/microphone.js';

const stream = {} as MediaStream;

/** A browser that refuses the device named so, with this error. */
function browserWith(errorName: string, refused: 'chosen' | 'any'): MediaStreamConstraints[] {
  const asked: MediaStreamConstraints[] = [];
  const getUserMedia = async (wanted: MediaStreamConstraints): Promise<MediaStream> => {
    asked.push(wanted);
    const chosen = typeof wanted.audio === 'object' && wanted.audio.deviceId !== undefined;
    if (chosen || refused === 'any') throw new DOMException('no', errorName);
    return stream;
  };
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia } });
  return asked;
}
const devicesOf = (asked: readonly MediaStreamConstraints[]): unknown[] =>
  asked.map(({ audio }) => (typeof audio === 'object' ? audio.deviceId : audio));

afterEach(() => vi.unstubAllGlobals());

it.each(['OverconstrainedError', 'NotFoundError', 'NotReadableError'])(
  'opens the browser’s own choice when the one that was chosen fails with %s',
  async (name) => {
    const asked = browserWith(name, 'chosen');
    expect(await openMicrophone('gone')).toEqual({ kind: 'open', stream });
    expect(devicesOf(asked)).toEqual([{ exact: 'gone' }, undefined]);
  },
);

it('does not ask a person twice who has said no', async () => {
  const asked = browserWith('NotAllowedError', 'any');
  expect(await openMicrophone('chosen')).toEqual({ kind: 'refused', problem: 'microphone-denied' });
  expect(asked).toHaveLength(1);
});

it('says that there is none when none is left', async () => {
  const asked = browserWith('NotFoundError', 'any');
  expect(await openMicrophone('gone')).toEqual({ kind: 'refused', problem: 'microphone-missing' });
  expect(asked).toHaveLength(2);
});
