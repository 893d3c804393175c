import { html, nothing, type TemplateResult } from 'lit';
import type { DigitReceipt } from './digit-ledger.js';
import { digitStrip, keypad } from './digits-view.js';
import * as icons from './icons.js';
import type { IvrMenu } from './ivr-menu.js';
import { type Ending, takesDigits, type ViewState } from './machine.js';
import { type MenuActions, menuView } from './menu-view.js';
import { formatDuration, type Texts } from './texts.js';

/** Everything the view shows; nothing is read from anywhere else. */
export interface ViewModel {
  readonly state: ViewState;
  readonly texts: Texts;
  readonly label: string;
  readonly nowMs: number;
  readonly muted: boolean;
  readonly keypadOpen: boolean;
  /** Keys pressed in this call and what became of them, in order. */
  readonly receipts: readonly DigitReceipt[];
  /** The website's menu, and the places of the entries opened in it. */
  readonly menu: IvrMenu | undefined;
  readonly menuPath: readonly number[];
}

/** What the person can do; the element implements it. */
export interface ViewActions {
  call(): void;
  hangUp(): void;
  answer(): void;
  decline(): void;
  dismiss(): void;
  toggleMute(): void;
  toggleKeypad(): void;
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
    ${siteMenu(model, actions)}`;
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
      return state.held === 'remote' ? texts.held : texts.connected;
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
  return html`<div class="card" part="card" tabindex="-1" role="group" aria-label=${peer}>
    <div class="head">
      <span class="disc ${connected ? 'live' : 'waiting'}">${state.name === 'microphone' ? icons.microphoneIcon : icons.phoneIcon}</span>
      <span class="who">
        <span class="name">${peer}</span>
        <span class="status" part="status">${model.muted && connected ? texts.muted : statusText(model)}</span>
      </span>
      ${connected ? html`<span class="timer" part="timer" role="timer">${formatDuration((model.nowMs - state.sinceMs) / 1000)}</span>` : nothing}
    </div>
    ${state.name === 'microphone' ? html`<p class="hint">${texts.microphoneHint}</p>` : nothing}
    <div class="controls" part="controls">${takesDigits(state) ? talkControls(model, actions) : nothing} ${hangUpControl(model, actions)}</div>
    ${digitsView(model, actions)} ${siteMenu(model, actions)}
  </div>`;
}

function talkControls({ muted, keypadOpen, texts }: ViewModel, actions: ViewActions): TemplateResult {
  const muteText = muted ? texts.unmute : texts.mute;
  const keypadText = keypadOpen ? texts.hideKeypad : texts.keypad;
  return html`<button class="control icon-only" part="control mute" type="button" aria-pressed=${muted} aria-label=${texts.mute} title=${muteText}
      @click=${() => actions.toggleMute()}>${muted ? icons.mutedIcon : icons.microphoneIcon}</button>
    <button class="control icon-only" part="control keypad-toggle" type="button" aria-expanded=${keypadOpen} aria-label=${texts.keypad} title=${keypadText}
      @click=${() => actions.toggleKeypad()}>${icons.keypadIcon}</button>`;
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
      <span class="who"><span class="name">${peer}</span><span class="status" part="status">${texts.incoming}</span></span>
    </div>
    <div class="controls" part="controls">
      <button class="control danger" part="control decline" type="button" @click=${() => actions.decline()}>${icons.hangUpIcon}<span>${texts.decline}</span></button>
      <button class="control go" part="control answer" type="button" @click=${() => actions.answer()}>${icons.phoneIcon}<span>${texts.answer}</span></button>
    </div>
  </div>`;
}

function endedView({ texts }: ViewModel, state: Extract<ViewState, { name: 'ended' }>, actions: ViewActions): TemplateResult {
  const failed = state.ending.kind === 'problem';
  const seconds = Math.round(state.talkedMs / 1000);
  return html`<div class="card" part="card" tabindex="-1">
    <div class="head">
      <span class="disc ${failed ? 'bad' : ''}">${failed ? icons.alertIcon : icons.doneIcon}</span>
      <p class="message" part="message">${endingText(state.ending, texts)}
        ${seconds > 0 ? html`<small>${texts.spoke(Math.floor(seconds / 60), seconds % 60)}</small>` : nothing}</p>
    </div>
    <div class="controls" part="controls">
      <button class="control go" part="control call-again" type="button" @click=${() => actions.call()}>${icons.phoneIcon}<span>${texts.callAgain}</span></button>
      <button class="control icon-only" part="control close" type="button" aria-label=${texts.close} title=${texts.close} @click=${() => actions.dismiss()}>${icons.closeIcon}</button>
    </div>
  </div>`;
}
