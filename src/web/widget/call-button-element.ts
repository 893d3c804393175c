/**
 * `<call-button>` as the code of a website sees it: types for the npm import. The element itself comes
 * with the script; nothing here is of Lit or sip.js, so a website needs neither for its types.
 */
import type { CallButtonEvents } from './call-button-events.js';
import type { CheckResults } from './pre-call-check.js';
import type { Texts } from './texts.js';

export type { CallButtonEvents, CheckResults, Texts };

/** The element with what can be set and asked of it; each property is an attribute too, but `menu` and `words`. */
export interface CallButtonElement extends HTMLElement {
  gateway: string | undefined;
  to: string | undefined;
  label: string | undefined;
  user: string | undefined;
  display: string | undefined;
  site: string | undefined;
  ticketUrl: string | undefined;
  ticket: string | undefined;
  icePolicy: string | undefined;
  tel: string | undefined;
  noRating: boolean;
  offersCheck: boolean;
  menu: unknown;
  words: Partial<Texts> | undefined;
  call(): void;
  hangup(): void;
  answer(): void;
  reject(): void;
  mute(on?: boolean): void;
  hold(on?: boolean): void;
  setVolume(volume: number): void;
  check(): Promise<CheckResults>;
  rate(stars: number, comment?: string): boolean;
  sendDigits(digits: string): boolean;
  press(digits: string, where?: string): boolean;
  addEventListener<K extends keyof CallButtonEventMap>(
    type: K,
    listener: (this: CallButtonElement, event: CallButtonEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

/** Events by name; `detail` says what happened. */
export type CallButtonEventMap = { readonly [K in keyof CallButtonEvents]: CustomEvent<CallButtonEvents[K]> };
