import { demoNumbers } from './numbers.js';
import { storyOf } from './story.js';

/** The part of `<call-button>` that this page uses; a website of anybody's would do the same. */
interface CallButtonElement extends HTMLElement {
  to: string;
  label: string;
}

interface StateDetail {
  readonly state: string;
  readonly peer: string | undefined;
}

const phone = document.querySelector<CallButtonElement>('#phone');
const log = document.querySelector<HTMLOListElement>('#log');
const numbers = document.querySelector<HTMLFieldSetElement>('#numbers');
const restStates: ReadonlySet<string> = new Set(['idle', 'ended']);
let failure: string | undefined;

function choose(number: string): void {
  const chosen = demoNumbers.find((one) => one.number === number);
  if (phone === null || chosen === undefined) return;
  phone.to = chosen.number;
  phone.label = chosen.label;
}

function fillChoices(fieldset: HTMLFieldSetElement): void {
  for (const { number, title, about } of demoNumbers) {
    const choice = element('label', 'choice');
    const input = element('input');
    input.type = 'radio';
    input.name = 'number';
    input.value = number;
    input.checked = number === demoNumbers[0]?.number;
    input.addEventListener('change', () => choose(number));
    const words = element('span');
    words.append(element('strong', '', title), element('small', '', about));
    choice.append(input, element('span', 'number', number), words);
    fieldset.append(choice);
  }
}

function element<K extends keyof HTMLElementTagNameMap>(name: K, className = '', text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

function addEntry(kind: 'plain' | 'good' | 'bad' | 'digit', words: readonly (Node | string)[]): void {
  if (log === null) return;
  log.querySelector('.empty')?.remove();
  const entry = element('li', kind);
  if (kind === 'digit') entry.append(element('span', 'dot'));
  const body = element('div');
  body.append(...words);
  const time = element(
    'time',
    '',
    new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }),
  );
  entry.append(body, time);
  log.append(entry);
  log.scrollTop = log.scrollHeight;
}

/** Keys pressed soon after one another stand in one line. */
let digitLine: { readonly from: 'phone' | 'you'; readonly body: HTMLElement } | undefined;

function addDigit(from: 'phone' | 'you', digit: string): void {
  if (digitLine?.from !== from) {
    const body = element('span');
    addEntry('digit', [from === 'phone' ? 'The phone pressed ' : 'You pressed ', body]);
    digitLine = { from, body };
  }
  digitLine?.body.append(element('kbd', '', digit));
}

function onState({ state, peer }: StateDetail): void {
  digitLine = undefined;
  if (numbers !== null) numbers.disabled = !restStates.has(state);
  const told = storyOf(state, peer ?? '', failure);
  failure = undefined;
  if (told === undefined) return;
  addEntry(told.kind, told.hint === undefined ? [told.text] : [told.text, element('span', 'hint', told.hint)]);
}

if (numbers !== null) fillChoices(numbers);
phone?.addEventListener('call-state', (event) => onState((event as CustomEvent<StateDetail>).detail));
phone?.addEventListener('dtmf', (event) => addDigit('phone', (event as CustomEvent<{ readonly digit: string }>).detail.digit));
phone?.addEventListener('dtmf-sent', (event) => addDigit('you', (event as CustomEvent<{ readonly digit: string }>).detail.digit));
phone?.addEventListener('error', (event) => {
  if (event instanceof CustomEvent) failure = (event.detail as { readonly message: string }).message;
});
