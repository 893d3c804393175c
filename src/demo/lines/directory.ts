import { type RunningLine, runLine } from '../line.js';
import { announcement } from './announcement.js';
import { callBack } from './call-back.js';
import { echo } from './echo.js';
import { busy, declined, nobodyHome } from './unanswered.js';
import { voiceMenu } from './voice-menu.js';

const directory: ReadonlyMap<string, () => RunningLine> = new Map([
  ['1001', () => runLine(voiceMenu)],
  ['1002', () => runLine(echo)],
  ['1003', () => runLine(nobodyHome)],
  ['1004', () => runLine(busy)],
  ['1005', () => runLine(declined)],
  ['1006', () => runLine(callBack)],
  ['1007', () => runLine(announcement)],
]);

/** Every number that the demo carrier knows. */
export const knownNumbers: readonly string[] = [...directory.keys()];

/** What a number does; undefined for a number nobody has. */
export function lineOf(number: string): RunningLine | undefined {
  return directory.get(number)?.();
}
