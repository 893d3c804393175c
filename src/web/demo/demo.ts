import { demoNumbers } from './numbers.js';
import { storyOf } from './story.js';

/** The part of `<call-button>` that this page uses; a website of anybody's would do the same. */
interface CallButtonElement extends HTMLElement {
  to: string;
  label: string;
  menu: unknown;
}

interface ReceiptDetail {
  readonly press: number;
  readonly digit: string;
  readonly state: string;
  readonly as?: string;
  readonly durationMs?: number;
}

interface StateDetail {
  readonly state: string;
  readonly peer: string | undefined;
}

const phone = document.querySelector<CallButtonElement>('#phone');
const log = document.querySelector<HTMLOListElement>('#log');
const numbers = document.querySelector<HTMLFieldSetElement>('#numbers');
const menuText = phone?.querySelector('script[slot=menu]')?.textContent ?? '';
const menuNumber = demoNumbers[0]?.number;
const restStates: ReadonlySet<string> = new Set(['idle', 'ended']);
let failure: string | undefined;

function choose(number: string): void {
  const chosen = demoNumbers.find((one) => one.number === number);
  if (phone === null || chosen === undefined) return;
  phone.to = chosen.number;
  phone.label = chosen.label;
  phone.menu = number === menuNumber ? menuText : undefined;
}

/** Shows a text of the page's source as it stands there, without the indentation of its place. */
function showSource(text: string, place: Element | null): void {
  const lines = text.replace(/^\s*\n|\s+$/g, '').split('\n');
  const indent = Math.min(...lines.map((line) => line.length - line.trimStart().length));
  if (place !== null) place.textContent = lines.map((line) => line.slice(indent)).join('\n');
}

/** The shortcuts are made for the voice menu, whatever number is chosen. */
function chooseMenuNumber(): void {
  const input = numbers?.disabled === false ? numbers.querySelector<HTMLInputElement>(`input[value="${menuNumber}"]`) : null;
  if (input === null || input === undefined) return;
  input.checked = true;
  choose(input.value);
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

function addDigit(from: 'phone' | 'you', digit: string): HTMLElement {
  if (digitLine?.from !== from) {
    const body = element('span');
    addEntry('digit', [from === 'phone' ? 'The phone pressed ' : 'You pressed ', body]);
    digitLine = { from, body };
  }
  const key = element('kbd', '', digit);
  digitLine?.body.append(key);
  return key;
}

/** Keys of this call by the number of their press: what becomes of each is shown on it. */
const keysPressed = new Map<number, HTMLElement>();

function onReceipt({ press, digit, state, as, durationMs }: ReceiptDetail): void {
  const key = keysPressed.get(press) ?? addDigit('you', digit);
  keysPressed.set(press, key);
  key.className = state;
  key.textContent = digit;
  key.title = [state, as, durationMs === undefined ? undefined : `${durationMs} ms`].filter((word) => word !== undefined).join(', ');
}

function onError({ code, message }: { readonly code: string; readonly message: string }): void {
  if (code !== 'digits-not-sent' && code !== 'ivr-invalid') failure = message;
  else addEntry('bad', [message]);
}

function onState({ state, peer }: StateDetail): void {
  digitLine = undefined;
  if (state === 'microphone' || state === 'incoming') keysPressed.clear();
  if (numbers !== null) numbers.disabled = !restStates.has(state);
  const told = storyOf(state, peer ?? '', failure);
  failure = undefined;
  if (told === undefined) return;
  addEntry(told.kind, told.hint === undefined ? [told.text] : [told.text, element('span', 'hint', told.hint)]);
}

if (numbers !== null) fillChoices(numbers);
showSource(menuText, document.querySelector('#menu-source'));
document.querySelector('.try')?.addEventListener('click', chooseMenuNumber);
phone?.addEventListener('call-state', (event) => onState((event as CustomEvent<StateDetail>).detail));
phone?.addEventListener('dtmf', (event) => addDigit('phone', (event as CustomEvent<{ readonly digit: string }>).detail.digit));
phone?.addEventListener('dtmf-receipt', (event) => onReceipt((event as CustomEvent<ReceiptDetail>).detail));
phone?.addEventListener('error', (event) => {
  if (event instanceof CustomEvent) onError(event.detail as { readonly code: string; readonly message: string });
});
