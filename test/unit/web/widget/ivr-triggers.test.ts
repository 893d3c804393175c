import { describe, expect, it } from 'vitest';
import { buttonFor, type TreeElement, type TreeRoot } from '../../../../src/web/widget/ivr-triggers.js';

interface Node extends TreeElement, TreeRoot {
  readonly name: string;
  readonly localName: string;
}

/** A page of elements within one another, as far as the search looks at it. */
class Page implements TreeRoot {
  readonly nodes = new Map<string, Node>();

  add(name: string, parent?: string, attributes: Readonly<Record<string, string>> = {}): Node {
    const inside = (outer: Node): Node[] =>
      [...this.nodes.values()].filter((one) => one.parentElement === outer).flatMap((one) => [one, ...inside(one)]);
    const node: Node = {
      name,
      localName: name.startsWith('call-button') ? 'call-button' : 'div',
      ownerDocument: this,
      parentElement: parent === undefined ? null : (this.nodes.get(parent) ?? null),
      getAttribute: (attribute) => attributes[attribute] ?? null,
      querySelectorAll: (selector) => inside(node).filter((one) => one.name.startsWith(selector)),
    };
    this.nodes.set(name, node);
    return node;
  }

  querySelectorAll(selector: string): ArrayLike<unknown> {
    if (selector === '#[') throw new SyntaxError('no selector');
    return [...this.nodes.values()].filter((one) =>
      one.name.startsWith(selector.replace('#', selector.startsWith('#is-') ? '' : 'call-button-')),
    );
  }
}

describe('an element with data-ivr', () => {
  it('belongs to the only button of the page', () => {
    const page = new Page();
    page.add('body');
    const button = page.add('call-button', 'body');
    page.add('main', 'body');
    expect(buttonFor(page.add('trigger', 'main'))).toEqual({ ok: true, button });
  });

  it('belongs to the nearest button, which shares the smallest part of the page with it', () => {
    const page = new Page();
    page.add('body');
    page.add('call-button-far', 'body');
    page.add('section', 'body');
    const near = page.add('call-button-near', 'section');
    expect(buttonFor(page.add('trigger', 'section'))).toEqual({ ok: true, button: near });
  });

  it('belongs to the button it names, wherever that is', () => {
    const page = new Page();
    page.add('body');
    const far = page.add('call-button-far', 'body');
    page.add('section', 'body');
    page.add('call-button-near', 'section');
    expect(buttonFor(page.add('trigger', 'section', { 'data-call-button': '#far' }))).toEqual({ ok: true, button: far });
  });

  it.each<[what: string, buttons: readonly string[], named: string | undefined, problem: RegExp]>([
    ['there is no button', [], undefined, /no <call-button> on this page.*Add one/],
    ['two are equally near', ['call-button-1', 'call-button-2'], undefined, /2 <call-button>.*data-call-button="#its-id"/],
    ['it names none there is', ['call-button-1'], '#gone', /Nothing.*#gone/],
    ['it names something else', ['is-other'], '#is-other', /is no <call-button>/],
    ['what it names is no selector', ['call-button-1'], '#[', /no CSS selector/],
  ])('is told apart, with what to do, when %s', (_what, buttons, named, problem) => {
    const page = new Page();
    page.add('body');
    for (const one of buttons) page.add(one, 'body');
    const found = buttonFor(page.add('trigger', 'body', named === undefined ? {} : { 'data-call-button': named }));
    expect(found.ok ? '' : found.problem).toMatch(problem);
  });
});
