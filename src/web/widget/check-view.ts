import { html, type TemplateResult } from 'lit';
import type { CheckName, CheckResults } from './pre-call-check.js';
import type { Texts } from './texts.js';

const order: readonly CheckName[] = ['microphone', 'gateway', 'udp', 'turn'];

/** What was tried before a call, and what came of it. */
export function checkView(results: CheckResults, texts: Texts): TemplateResult {
  const problems: Readonly<Record<string, string>> = texts.problems;
  const rows = order.map((name) => {
    const { state, reason = '' } = results[name];
    return html`<li class=${state}><span>${texts.checks[name]}</span><b>${texts.checkStates[state]}</b>
      <small>${problems[reason] ?? texts.checkReasons[reason] ?? ''}</small></li>`;
  });
  return html`<ul class="panel checks" part="check" role="list">${rows}</ul>`;
}
