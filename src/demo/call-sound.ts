import type { Clock } from '../base/clock.js';
import type { LineEvent } from './line.js';
import type { CallSound } from './line-call.js';
import { MediaEndpoint } from './media-endpoint.js';
import type { Prompts } from './prompts.js';

/** The media endpoint of a call and the names that its line uses for it. */
export interface OpenSound extends CallSound {
  readonly endpoint: MediaEndpoint;
}

/** Opens the sound of a call; what happens on it goes to `onEvent`. */
export async function openSound(
  address: string,
  deps: { readonly clock: Clock; readonly prompts: Prompts; readonly onEvent: (event: LineEvent) => void },
): Promise<OpenSound> {
  const { clock, prompts, onEvent } = deps;
  const endpoint = await MediaEndpoint.open(address, {
    clock,
    onDigit: (digit) => onEvent({ type: 'pressed', digit }),
    onSaid: () => onEvent({ type: 'said' }),
    onKeyed: () => onEvent({ type: 'keyed' }),
  });
  return {
    endpoint,
    say: (names) => endpoint.say(names.map((name) => prompts[name])),
    startEcho: () => endpoint.startEcho(),
    press: (digits) => endpoint.press(digits),
  };
}
