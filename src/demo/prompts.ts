import { readFileSync } from 'node:fs';
import type { Digit } from '../media/dtmf/digit.js';

/** Everything the demo's voice can say; each is a µ-law file made by `prompts/render.sh`. */
export const promptNames = [
  ...(['welcome', 'menu', 'about', 'tune-next', 'tune', 'type-digits', 'start-over', 'you-typed', 'no-digits', 'more'] as const),
  ...(['not-a-choice', 'still-there', 'goodbye', 'echo', 'call-back', 'called-back', 'announcement', 'picked-up'] as const),
  ...(['digit-0', 'digit-1', 'digit-2', 'digit-3', 'digit-4', 'digit-5', 'digit-6', 'digit-7', 'digit-8', 'digit-9'] as const),
  ...(['digit-star', 'digit-hash'] as const),
] as const;

export type PromptName = (typeof promptNames)[number];

/** Sound of each prompt: µ-law, 8 kHz, no header. */
export type Prompts = Readonly<Record<PromptName, Buffer>>;

/** Reads every prompt; one that is missing is a broken build and ends the program. */
export function loadPrompts(): Prompts {
  const read = (name: PromptName): Buffer => readFileSync(new URL(`./prompts/${name}.ulaw`, import.meta.url));
  return Object.fromEntries(promptNames.map((name) => [name, read(name)])) as Record<PromptName, Buffer>;
}

const spoken: Readonly<Partial<Record<Digit, PromptName>>> = {
  ...{ '0': 'digit-0', '1': 'digit-1', '2': 'digit-2', '3': 'digit-3', '4': 'digit-4' },
  ...{ '5': 'digit-5', '6': 'digit-6', '7': 'digit-7', '8': 'digit-8', '9': 'digit-9' },
  ...{ '*': 'digit-star', '#': 'digit-hash' },
};

/** The prompts that speak a key's name; none for A to D, which no telephone has. */
export function spokenDigit(digit: Digit): readonly PromptName[] {
  const prompt = spoken[digit];
  return prompt === undefined ? [] : [prompt];
}
