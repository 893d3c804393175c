import { css } from 'lit';

/**
 * Look of the widget, light or dark as the `color-scheme` of its place. Every colour and measure that
 * a website may want to change is a custom property on the host; the parts are `button`, `card`, `status`, `timer`, `controls`, `keypad`,
 * `key`, `digits`, `menu`, `menu-entry`, `menu-back`, `mute`, `hold`, `settings`, `settings-toggle`, `device`, `volume`,
 * `level`, `quality`, `hint`, `hang-up`, `answer`, `decline`, `message`, `telephone`, `rating`, `star`, `check`, `check-button`.
 */
export const styles = css`
  :host {
    --_accent: var(--call-button-accent, #12805c);
    --_accent-strong: var(--call-button-accent-strong, #0c6a4b);
    --_on-accent: var(--call-button-on-accent, #ffffff);
    --_danger: var(--call-button-danger, #c6362f);
    --_danger-strong: var(--call-button-danger-strong, #a82a24);
    --_accent-text: light-dark(var(--_accent), color-mix(in srgb, var(--_accent) 50%, white));
    --_danger-text: light-dark(var(--_danger), color-mix(in srgb, var(--_danger) 50%, white));
    --_surface: var(--call-button-surface, light-dark(#ffffff, #1b2129));
    --_raised: var(--call-button-raised, light-dark(#eff2f5, #2a323c));
    --_raised-strong: var(--call-button-raised-strong, light-dark(#e2e7ec, #36404c));
    --_text: var(--call-button-text, light-dark(#16202a, #eef2f6));
    --_quiet: var(--call-button-quiet, light-dark(#566371, #a3b0bd));
    --_line: var(--call-button-line, light-dark(#dde3e9, #323b46));
    --_radius: var(--call-button-radius, 1.25rem);
    /* On narrow screens room is left beside it: a flex item is as wide as its widest content, whatever its row has. */
    --_width: min(20rem, 100vw - 2.5rem);
    --_shadow: var(--call-button-shadow, 0 1px 2px rgb(10 20 30 / 8%), 0 12px 32px rgb(10 20 30 / 12%));
    display: inline-block;
    min-width: 0;
    max-width: 100%;
    font: 400 1rem/1.45 var(--call-button-font, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif);
    color: var(--_text);
    text-align: start;
  }
  :host([hidden]) { display: none; }
  *, *::before, *::after { box-sizing: border-box; }
  audio { display: none; }
  svg { display: block; width: 1.5em; height: 1.5em; flex: none; }
  button {
    appearance: none; border: 0; margin: 0; padding: 0; background: none;
    color: inherit; font: inherit; cursor: pointer; touch-action: manipulation;
    -webkit-tap-highlight-color: transparent;
    transition: background-color 120ms ease, transform 120ms ease, box-shadow 120ms ease;
  }
  :is(button, .card, .menu):focus-visible { outline: 3px solid color-mix(in srgb, var(--_accent) 70%, white); outline-offset: 2px; }
  button:active { transform: scale(0.97); }
  .hidden-text {
    position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
    clip-path: inset(50%); white-space: nowrap;
  }

  .root { max-width: 100%; }
  .press {
    display: inline-flex; align-items: center; justify-content: center; gap: 0.65em;
    min-height: 3.25rem; max-width: 100%; padding-block: 0.75rem; padding-inline: 1.35rem 1.6rem; border-radius: 99rem;
    background: var(--_accent); color: var(--_on-accent); font-weight: 600; font-size: 1.0625rem; line-height: 1.25;
    box-shadow: 0 1px 2px rgb(10 20 30 / 14%), 0 8px 20px color-mix(in srgb, var(--_accent) 28%, transparent);
  }
  .press:hover { background: var(--_accent-strong); }
  .press svg { width: 1.35em; height: 1.35em; }

  .card {
    width: var(--_width); max-width: 100%; padding: 1.25rem; border-radius: var(--_radius);
    background: var(--_surface); border: 1px solid var(--_line); box-shadow: var(--_shadow);
  }
  .head { display: flex; align-items: center; gap: 0.85rem; min-height: 3rem; }
  .who { flex: 1; min-width: 0; }
  .name { display: block; font-weight: 650; font-size: 1.0625rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .status { color: var(--_quiet); font-size: 0.9375rem; }
  .timer { font-variant-numeric: tabular-nums; font-weight: 600; font-size: 1.0625rem; color: var(--_accent-text); }
  .hint { margin: 0.75rem 0 0; color: var(--_quiet); font-size: 0.9375rem; }

  .disc {
    position: relative; display: grid; place-items: center; width: 3rem; height: 3rem; flex: none; border-radius: 50%;
    background: color-mix(in srgb, var(--_accent) 14%, var(--_surface)); color: var(--_accent-text);
  }
  .disc.live { background: var(--_accent); color: var(--_on-accent); }
  .disc.bad { background: color-mix(in srgb, var(--_danger) 14%, var(--_surface)); color: var(--_danger-text); }
  .disc.waiting::after {
    content: ''; position: absolute; inset: 0; border-radius: 50%; border: 2px solid var(--_accent);
    animation: spread 1.6s ease-out infinite;
  }
  @keyframes spread { from { opacity: 0.7; transform: scale(1); } to { opacity: 0; transform: scale(1.55); } }

  .controls { display: flex; flex-wrap: wrap; gap: 0.5rem; margin-top: 1.25rem; }
  .control {
    display: flex; flex: 9 1 auto; align-items: center; justify-content: center; gap: 0.5rem; min-width: 0;
    min-height: 3rem; padding: 0 0.75rem; border-radius: 0.9rem;
    background: var(--_raised); font-weight: 600; font-size: 0.9375rem;
  }
  .control:hover { background: var(--_raised-strong); }
  .control svg { width: 1.35em; height: 1.35em; }
  .control[aria-pressed='true'] { background: var(--_text); color: var(--_surface); }
  .control.danger { background: var(--_danger); color: #ffffff; }
  .control.danger:hover { background: var(--_danger-strong); }
  .control.go { background: var(--_accent); color: var(--_on-accent); }
  .control.go:hover { background: var(--_accent-strong); }
  .control.icon-only { flex: 1 1 2.75rem; padding: 0; }

  .keypad { margin-top: 1.25rem; padding-top: 1rem; border-top: 1px solid var(--_line); }
  .digits p { margin: 0; text-align: center; }
  .strip {
    min-height: 2rem; font-size: 1.375rem; line-height: 2rem; letter-spacing: 0.12em;
    font-variant-numeric: tabular-nums; overflow: hidden; white-space: nowrap; direction: rtl;
  }
  .strip bdi { direction: ltr; }
  .strip .pressed { color: var(--_quiet); opacity: 0.65; }
  .strip .failed { color: var(--_danger-text); text-decoration: line-through; }
  .fate { min-height: 1.45em; color: var(--_quiet); font-size: 0.875rem; }
  .fate.failed { color: var(--_danger-text); }
  .keys { margin-top: 0.5rem; display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.5rem; direction: ltr; }
  .key {
    display: grid; place-content: center; justify-items: center; min-height: 3.25rem; border-radius: 0.9rem;
    background: var(--_raised); font-size: 1.3125rem; font-weight: 550; line-height: 1.15;
  }
  .key:hover { background: var(--_raised-strong); }
  .key small { min-height: 0.75rem; font-size: 0.625rem; font-weight: 600; letter-spacing: 0.12em; line-height: 0.75rem; color: var(--_quiet); }
  .menu { display: grid; gap: 0.5rem; width: var(--_width); max-width: 100%; margin-top: 1rem; }
  .card .menu { padding-top: 1rem; border-top: 1px solid var(--_line); }
  .choice {
    display: flex; align-items: center; justify-content: space-between; gap: 0.5rem; min-height: 2.75rem;
    padding: 0.4rem 0.9rem; border-radius: 0.9rem; background: var(--_raised); font-weight: 600; font-size: 0.9375rem; text-align: start;
  }
  .choice:hover { background: var(--_raised-strong); }
  .choice.back { justify-content: flex-start; background: none; }
  .choice svg { width: 1.1em; height: 1.1em; }
  .choice:dir(rtl) svg { transform: scaleX(-1); }
  .link {
    display: inline-flex; align-items: center; min-height: 2.75rem; padding: 0; color: inherit; background: none;
    font-weight: 600; font-size: 0.9375rem; text-decoration: underline; text-underline-offset: 0.2em; cursor: pointer;
  }
  .link bdi { white-space: nowrap; }
  .card > .link { margin-top: 0.75rem; }
  .before { width: var(--_width); max-width: 100%; }
  .panel { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem; margin: 1.25rem 0 0; padding: 1rem 0 0; border-top: 1px solid var(--_line); font-size: 0.9375rem; list-style: none; }
  .panel label { display: grid; gap: 0.25rem; }
  .panel label > span, .checks small { color: var(--_quiet); }
  .panel :is(select, textarea) {
    width: 100%; min-height: 2.75rem; padding: 0.4rem 0.6rem; border: 1px solid var(--_line); border-radius: 0.6rem;
    background: var(--_surface); color: inherit; font: inherit;
  }
  .panel :is(select, textarea, input):focus-visible { outline: 3px solid color-mix(in srgb, var(--_accent) 70%, white); outline-offset: 2px; }
  .panel input[type='range'] { width: 100%; min-height: 2.75rem; margin: 0; accent-color: var(--_accent); }
  meter { width: 100%; height: 0.75rem; }
  .checks li { display: grid; grid-template-columns: 1fr auto; gap: 0 0.75rem; }
  .checks small { grid-column: 1 / -1; font-size: 0.875rem; }
  .checks .bad b { color: var(--_danger-text); }
  .stars { display: flex; }
  .star { display: grid; place-items: center; flex: 0 1 2.75rem; height: 2.75rem; border-radius: 0.6rem; color: var(--_quiet); }
  .star.lit, .star:hover { color: var(--_accent-text); }
  .star.lit path { fill: currentColor; }
  .quality { color: var(--_quiet); }
  .quality svg { width: 1.25em; height: 1.25em; }
  .quality.poor { color: var(--_danger-text); }
  .message { flex: 1; min-width: 0; margin: 0; }
  .message small { display: block; color: var(--_quiet); font-size: 0.9375rem; }

  @media (prefers-reduced-motion: reduce) {
    button, .disc.waiting::after { transition: none; animation: none; }
    button:active { transform: none; }
    .disc.waiting::after { opacity: 0.4; transform: scale(1.15); }
  }
  @media (prefers-contrast: more) {
    :host { --_quiet: var(--_text); --_line: currentColor; }
  }
  @media (forced-colors: active) {
    .press, .control, .key, .choice, .card { border: 1px solid ButtonText; }
    .control[aria-pressed='true'] { forced-color-adjust: none; background: Highlight; color: HighlightText; }
  }
`;
