import { svg, type TemplateResult } from 'lit';

/** Line icons on a 24-pixel grid, drawn in the text's colour. */
function icon(content: TemplateResult): TemplateResult {
  return svg`<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${content}</svg>`;
}

const handset = 'M5 4h3.6l1.7 4.4-2.2 1.5a11.5 11.5 0 0 0 6 6l1.5-2.2 4.4 1.7V19a2 2 0 0 1-2.1 2A15.9 15.9 0 0 1 3 6.1 2 2 0 0 1 5 4Z';

export const phoneIcon = icon(svg`<path d=${handset} />`);
export const hangUpIcon = icon(svg`<path transform="rotate(135 12 12)" d=${handset} />`);
export const microphoneIcon = icon(svg`<rect x="9" y="3" width="6" height="11" rx="3" /><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />`);
export const mutedIcon = icon(
  svg`<path d="M9 9.5V6a3 3 0 0 1 6 0v5m-.9 2.1A3 3 0 0 1 9 11M5.5 11.5a6.5 6.5 0 0 0 10.3 5.3m2.6-4a7 7 0 0 0 .1-1.3M12 18v3M4 3l16 18" />`,
);
export const keypadIcon = icon(svg`<g fill="currentColor" stroke="none">
  <circle cx="6" cy="5" r="1.7" /><circle cx="12" cy="5" r="1.7" /><circle cx="18" cy="5" r="1.7" />
  <circle cx="6" cy="11" r="1.7" /><circle cx="12" cy="11" r="1.7" /><circle cx="18" cy="11" r="1.7" />
  <circle cx="6" cy="17" r="1.7" /><circle cx="12" cy="17" r="1.7" /><circle cx="18" cy="17" r="1.7" />
</g>`);
export const closeIcon = icon(svg`<path d="M6 6l12 12M18 6L6 18" />`);
export const alertIcon = icon(svg`<circle cx="12" cy="12" r="9" /><path d="M12 7.5v5.5M12 16.4v.1" />`);
export const doneIcon = icon(svg`<circle cx="12" cy="12" r="9" /><path d="M8.2 12.3l2.6 2.6 5-5.4" />`);
export const onwardIcon = icon(svg`<path d="M9 5l7 7-7 7" />`);
export const backIcon = icon(svg`<path d="M15 5l-7 7 7 7" />`);
export const holdIcon = icon(svg`<path d="M9 6v12M15 6v12" />`);
export const settingsIcon = icon(svg`<path d="M4 7h9m4 0h3M4 17h3m4 0h9" /><circle cx="15" cy="7" r="2" /><circle cx="9" cy="17" r="2" />`);
export const starIcon = icon(svg`<path d="M12 4l2.4 5 5.6.8-4 3.9.9 5.5-4.9-2.6-4.9 2.6.9-5.5-4-3.9 5.6-.8Z" />`);

/** Four bars, as many of them lit as the call is good. */
export function barsIcon(lit: number): TemplateResult {
  const bars = [0, 1, 2, 3].map(
    (at) => svg`<rect x=${3 + at * 5} y=${15 - at * 4} width="3" height=${6 + at * 4} rx="1" opacity=${at < lit ? 1 : 0.25} />`,
  );
  return icon(svg`<g fill="currentColor" stroke="none">${bars}</g>`);
}
