import { html, nothing, type TemplateResult } from 'lit';
import { backIcon, onwardIcon } from './icons.js';
import { type IvrMenu, levelOf } from './ivr-menu.js';
import type { Texts } from './texts.js';

export interface MenuActions {
  choose(place: number): void;
  back(): void;
}

/** The website's menu as buttons: one level at a time, Escape leads back. */
export function menuView(menu: IvrMenu, path: readonly number[], texts: Texts, actions: MenuActions): TemplateResult {
  const { title, entries } = levelOf(menu, path);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || title === undefined) return;
    event.stopPropagation();
    actions.back();
  };
  return html`<div class="menu" part="menu" role="group" tabindex="-1" aria-label=${title ?? texts.menu} @keydown=${onKeyDown}>
    ${
      title === undefined
        ? nothing
        : html`<button class="choice back" part="menu-back" type="button" @click=${() => actions.back()}>${backIcon}<span class="hidden-text">${texts.back}: </span>${title}</button>`
    }
    ${entries.map(
      ({ label, menu: inner }, place) =>
        html`<button class="choice" part="menu-entry" type="button" @click=${() => actions.choose(place)}><span dir="auto">${label}</span>${inner === undefined ? nothing : onwardIcon}</button>`,
    )}
  </div>`;
}
