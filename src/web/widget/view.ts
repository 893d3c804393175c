import { html, nothing, type TemplateResult } from 'lit';
import type { CallSnapshot } from './call-snapshot.js';
import { checkView } from './check-view.js';
import { digitStrip, keypad } from './digits-view.js';
import * as icons from './icons.js';
import type { IvrMenu } from './ivr-menu.js';
import { type Ending, takesDigits, type ViewState } from './machine.js';
import { type MenuActions, menuView } from './menu-view.js';
import { type RatingActions, ratingView } from './rating-view.js';
import { type SettingsActions, settingsView } from './settings-view.js';
import { filled, formatDuration, type Texts } from './texts.js';

/** Everything the view shows; nothing is read from anywhere else. */
export interface ViewModel extends CallSnapshot {
  readonly texts: Texts;
  readonly label: string;
  readonly keypadOpen: boolean;
  readonly settingsOpen: boolean;
  /** Stars that were chosen for the last call, and not sent. */
  readonly stars: number;
  /** Number to be called by telephone when nothing else works. */
  readonly tel: string | undefined;
  /** Whether a check is offered before a call. */
  readonly offersCheck: boolean;
  /** The website's menu, and the places of the entries opened in it. */
  readonly menu: IvrMenu | undefined;
  readonly menuPath: readonly number[];
}

/** What the person can do; the element implements it. */
export interface ViewActions extends SettingsActions, RatingActions {
  call(): void;
  hangUp(): void;
  answer(): void;
  decline(): void;
  dismiss(): void;
  toggleMute(): void;
  toggleHold(): void;
  toggleKeypad(): void;
  toggleSettings(): void;
  /** A key went down in the card: Escape closes what is open in it. */
  leave(event: KeyboardEvent): void;
  check(): void;
  key(digit: string): void;
  readonly menu: MenuActions;
}

export function render(model: ViewModel, actions: ViewActions): TemplateResult {
  switch (model.state.name) {
    case 'idle':
      return idleView(model, actions);
    case 'incoming':
      return incomingView(model, actions);
    case 'ended':
      return endedView(model, model.state, actions);
    default:
      return callView(model, actions);
  }
}

function idleView(model: ViewModel, actions: ViewActions): TemplateResult {
  return html`<button class="press" part="button" type="button" @click=${() => actions.call()}>${icons.phoneIcon}<span>${model.label}</span></button>
    ${checkPart(model, actions)} ${siteMenu(model, actions)}`;
}

/** What was found stays in sight until the next call. */
function checkPart({ offersCheck, check, texts }: ViewModel, actions: ViewActions): TemplateResult | typeof nothing {
  if (check === undefined && !offersCheck) return nothing;
  const button = html`<button class="link" part="check-button" type="button" @click=${() => actions.check()}>${texts.check}</button>`;
  return html`<div class="before">${offersCheck ? button : nothing}${check === undefined ? nothing : checkView(check, texts)}</div>`;
}

function siteMenu({ menu, menuPath, texts }: ViewModel, actions: ViewActions): TemplateResult | typeof nothing {
  return menu === undefined ? nothing : menuView(menu, menuPath, texts, actions.menu);
}

/** The sentence under the name, also read out by screen readers. */
export function statusText({ state, texts }: Pick<ViewModel, 'state' | 'texts'>): string {
  switch (state.name) {
    case 'idle':
      return '';
    case 'microphone':
      return texts.askingMicrophone;
    case 'dialling':
      return `${texts.dialling}…`;
    case 'ringing':
      return `${texts.ringing}…`;
    case 'early-media':
      return texts.earlyMedia;
    case 'incoming':
      return texts.incoming;
    case 'answering':
      return `${texts.answering}…`;
    case 'resuming':
      return texts.linkLost;
    case 'connected':
      if (state.link === 'lost') return texts.linkLost;
      if (state.held === undefined) return texts.connected;
      return state.held === 'remote' ? texts.held : texts.heldByYou;
    case 'ended':
      return endingText(state.ending, texts);
  }
}

export function endingText(ending: Ending, texts: Texts): string {
  switch (ending.kind) {
    case 'local':
      return texts.youHungUp;
    case 'remote':
      return texts.theyHungUp;
    case 'missed':
      return texts.callerGaveUp;
    case 'elsewhere':
      return texts.takenElsewhere;
    case 'declined':
      return texts.declined;
    case 'problem':
      return texts.problems[ending.problem];
  }
}

function callView(model: ViewModel, actions: ViewActions): TemplateResult {
  const { state, texts, label } = model;
  const connected = state.name === 'connected';
  const peer = 'peer' in state && state.peer !== '' ? state.peer : label;
  return html`<div class="card" part="card" tabindex="-1" role="group" aria-label=${peer} @keydown=${(event: KeyboardEvent) => actions.leave(event)}>
    <div class="head">
      <span class="disc ${connected ? 'live' : 'waiting'}">${state.name === 'microphone' ? icons.microphoneIcon : icons.phoneIcon}</span>
      <span class="who">
        <span class="name"><bdi>${peer}</bdi></span>
        <span class="status" part="status">${shownStatus(model)}</span>
      </span>
      ${connected ? meters(model, state.sinceMs) : nothing}
    </div>
    ${warnings(model)}
    ${state.name === 'microphone' ? html`<p class="hint">${texts.microphoneHint}</p>` : nothing}
    <div class="controls" part="controls">${takesDigits(state) ? talkControls(model, actions) : nothing} ${hangUpControl(model, actions)}</div>
    ${model.settingsOpen && takesDigits(state) ? settingsView(model, actions) : nothing} ${digitsView(model, actions)} ${siteMenu(model, actions)}
  </div>`;
}

/** Loud enough to be speech. */
const speakingLevel = 0.15;

/** What is most on a person's mind; screen readers hear the plain state elsewhere. */
function shownStatus(model: ViewModel): string {
  const { state, texts, muted, level } = model;
  if (!muted || state.name !== 'connected' || state.link === 'lost' || state.held !== undefined) return statusText(model);
  return level > speakingLevel ? texts.mutedSpeaking : texts.muted;
}

function meters({ nowMs, quality, texts }: ViewModel, sinceMs: number): TemplateResult {
  const named = quality === undefined ? '' : (texts.quality[quality.score - 1] ?? '');
  return html`${
    quality === undefined
      ? nothing
      : html`<span class="quality ${quality.score < 3 ? 'poor' : ''}" part="quality" role="img" aria-label=${named} title=${named}>${icons.barsIcon(quality.score - 1)}</span>`
  }<span class="timer" part="timer" role="timer">${formatDuration((nowMs - sinceMs) / 1000)}</span>`;
}

/** Sentences on what may be wrong with the sound, and what helps. */
export function warningText({
  state,
  quality,
  notice,
  muted,
  texts,
}: Pick<ViewModel, 'state' | 'quality' | 'notice' | 'muted' | 'texts'>): string {
  if (state.name !== 'connected') return notice === 'sound-blocked' ? texts.notices[notice] : '';
  const hint = muted && quality?.hint === 'microphone-silent' ? undefined : quality?.hint;
  return [notice === undefined ? '' : texts.notices[notice], hint === undefined ? '' : texts.hints[hint]]
    .filter((text) => text !== '')
    .join(' ');
}

function warnings(model: ViewModel): TemplateResult | typeof nothing {
  const text = warningText(model);
  return text === '' ? nothing : html`<p class="hint" part="hint">${text}</p>`;
}

function talkControls({ muted, keypadOpen, settingsOpen, held, state, texts }: ViewModel, actions: ViewActions): TemplateResult {
  const mine = held === 'local' || held === 'both';
  const muteText = muted ? texts.unmute : texts.mute;
  const keypadText = keypadOpen ? texts.hideKeypad : texts.keypad;
  return html`<button class="control icon-only" part="control mute" type="button" aria-pressed=${muted} aria-label=${texts.mute} title=${muteText}
      @click=${() => actions.toggleMute()}>${muted ? icons.mutedIcon : icons.microphoneIcon}</button>
    <button class="control icon-only" part="control keypad-toggle" type="button" aria-expanded=${keypadOpen} aria-label=${texts.keypad} title=${keypadText}
      @click=${() => actions.toggleKeypad()}>${icons.keypadIcon}</button>
    ${
      state.name === 'connected'
        ? html`<button class="control icon-only" part="control hold" type="button" aria-pressed=${mine} aria-label=${texts.hold} title=${mine ? texts.resume : texts.hold}
      @click=${() => actions.toggleHold()}>${icons.holdIcon}</button>`
        : nothing
    }
    <button class="control icon-only" part="control settings-toggle" type="button" aria-expanded=${settingsOpen} aria-label=${texts.settings} title=${texts.settings}
      @click=${() => actions.toggleSettings()}>${icons.settingsIcon}</button>`;
}

function hangUpControl({ state, texts }: ViewModel, actions: ViewActions): TemplateResult {
  const text = takesDigits(state) ? texts.hangUp : texts.cancel;
  return html`<button class="control danger" part="control hang-up" type="button" @click=${() => actions.hangUp()}>${icons.hangUpIcon}<span>${text}</span></button>`;
}

function digitsView({ state, keypadOpen, receipts, texts }: ViewModel, actions: ViewActions): TemplateResult | typeof nothing {
  const open = keypadOpen && takesDigits(state);
  if (!open && receipts.length === 0) return nothing;
  return html`<div class="keypad">${digitStrip(receipts, texts)} ${open ? keypad(texts, (digit) => actions.key(digit)) : nothing}</div>`;
}

function incomingView({ state, texts }: ViewModel, actions: ViewActions): TemplateResult {
  const peer = state.name === 'incoming' && state.peer !== '' ? state.peer : texts.unknownCaller;
  return html`<div class="card" part="card" tabindex="-1" role="group" aria-label=${texts.incoming}>
    <div class="head">
      <span class="disc waiting">${icons.phoneIcon}</span>
      <span class="who"><span class="name"><bdi>${peer}</bdi></span><span class="status" part="status">${texts.incoming}</span></span>
    </div>
    <div class="controls" part="controls">
      <button class="control danger" part="control decline" type="button" @click=${() => actions.decline()}>${icons.hangUpIcon}<span>${texts.decline}</span></button>
      <button class="control go" part="control answer" type="button" @click=${() => actions.answer()}>${icons.phoneIcon}<span>${texts.answer}</span></button>
    </div>
  </div>`;
}

function endedView(model: ViewModel, state: Extract<ViewState, { name: 'ended' }>, actions: ViewActions): TemplateResult {
  const { texts, tel } = model;
  const failed = state.ending.kind === 'problem';
  const talkedS = Math.round(state.talkedMs / 1000);
  return html`<div class="card" part="card" tabindex="-1" role="group" aria-label=${model.label}>
    <div class="head">
      <span class="disc ${failed ? 'bad' : ''}">${failed ? icons.alertIcon : icons.doneIcon}</span>
      <p class="message" part="message">${endingText(state.ending, texts)}
        ${talkedS > 0 ? html`<small>${filled(texts.spoke, { time: formatDuration(talkedS) })}</small>` : nothing}</p>
    </div>
    ${failed && tel !== undefined ? telephoneLink(tel, texts) : nothing} ${ratingView(model, actions)}
    <div class="controls" part="controls">
      <button class="control go" part="control call-again" type="button" @click=${() => actions.call()}>${icons.phoneIcon}<span>${texts.callAgain}</span></button>
      <button class="control icon-only" part="control close" type="button" aria-label=${texts.close} title=${texts.close} @click=${() => actions.dismiss()}>${icons.closeIcon}</button>
    </div>
  </div>`;
}

/** The way that is left where a page cannot call (RFC 3966). */
function telephoneLink(tel: string, texts: Texts): TemplateResult {
  const [before = '', after = ''] = texts.useTelephone.split('{number}');
  return html`<a class="link" part="telephone" href="tel:${tel.replace(/[^+0-9*#]/g, '')}"><span>${before}<bdi dir="ltr">${tel}</bdi>${after}</span></a>`;
}
