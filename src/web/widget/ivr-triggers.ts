/** The part of an element that is needed to find the button it belongs to. */
export interface TreeElement {
  readonly parentElement: TreeElement | null;
  readonly ownerDocument: TreeRoot;
  getAttribute(name: string): string | null;
}

/** What can be searched for elements. */
export interface TreeRoot {
  querySelectorAll(selector: string): ArrayLike<unknown>;
}

export type FoundButton = { readonly ok: true; readonly button: unknown } | { readonly ok: false; readonly problem: string };

const button = 'call-button';
const nameIt = 'Name it: data-call-button="#its-id".';

/**
 * The call button that an element with `data-ivr` belongs to: the one that `data-call-button` names,
 * else the nearest, which is the only one in the smallest part of the page that holds both.
 */
export function buttonFor(trigger: TreeElement): FoundButton {
  const selector = trigger.getAttribute('data-call-button');
  if (selector !== null) return named(trigger.ownerDocument, selector);
  let around: (TreeElement & Partial<TreeRoot>) | null = trigger;
  for (; around !== null; around = around.parentElement) {
    const inside = around.querySelectorAll?.(button) ?? [];
    if (inside.length > 0) return only(inside);
  }
  return only(trigger.ownerDocument.querySelectorAll(button));
}

function only(found: ArrayLike<unknown>): FoundButton {
  if (found.length === 1) return { ok: true, button: found[0] };
  if (found.length === 0) return { ok: false, problem: 'There is no <call-button> on this page for it. Add one.' };
  return { ok: false, problem: `There are ${found.length} <call-button> elements near it. ${nameIt}` };
}

function named(root: TreeRoot, selector: string): FoundButton {
  let found: ArrayLike<unknown> = [];
  try {
    found = root.querySelectorAll(selector);
  } catch {
    return { ok: false, problem: `“${selector}” in data-call-button is no CSS selector. ${nameIt}` };
  }
  if (found.length === 0) return { ok: false, problem: `Nothing on this page matches data-call-button="${selector}". ${nameIt}` };
  const isButton = (found[0] as { readonly localName?: unknown }).localName === button;
  return isButton
    ? { ok: true, button: found[0] }
    : { ok: false, problem: `What data-call-button="${selector}" names is no <call-button>. ${nameIt}` };
}

/** Calls back for each press of an element with `data-ivr`; a link does not go its way then. */
export function watchTriggers(onPress: (trigger: HTMLElement, digits: string) => void): void {
  document.addEventListener('click', (event) => {
    for (const one of event.composedPath()) {
      if (!(one instanceof HTMLElement) || one.dataset['ivr'] === undefined) continue;
      event.preventDefault();
      onPress(one, one.dataset['ivr']);
      return;
    }
  });
}
