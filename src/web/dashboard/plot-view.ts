import { html, LitElement, type TemplateResult } from 'lit';
import uPlot from 'uplot';
import { isSparse, type Plot, type PlotLine } from './plot-data.js';

const height = 170;
/** All plots of a page show the same moment under the pointer. */
const shared = uPlot.sync('story');
const dark = matchMedia('(prefers-color-scheme: dark)');

interface Colours {
  readonly axis: string;
  readonly grid: string;
  readonly legs: Readonly<Record<'a' | 'b', string>>;
}

function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const named = (name: string): string => style.getPropertyValue(name).trim();
  return { axis: named('--plot-axis'), grid: named('--plot-grid'), legs: { a: named('--plot-a'), b: named('--plot-b') } };
}

const shown = (unit: string) => (_: uPlot, value: number | null) =>
  value === null || value === undefined ? '–' : `${value.toFixed(1)} ${unit}`;

function optionsOf({ lines, unit }: Plot, width: number, { axis, grid, legs }: Colours): uPlot.Options {
  const lineOf = ({ label, leg, dashed }: PlotLine): uPlot.Series => ({
    ...{ label, stroke: legs[leg], width: 1.75, spanGaps: true, value: shown(unit) },
    ...{ points: { show: (plot: uPlot, at: number) => isSparse(plot.data[at] ?? []), size: 8, fill: legs[leg] } },
    ...(dashed ? { dash: [5, 4] } : {}),
  });
  const axisOf = (size: number): uPlot.Axis => ({
    ...{ stroke: axis, size, font: '12px system-ui, sans-serif' },
    ...{ grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } },
  });
  return {
    ...{ width, height },
    cursor: { sync: { key: shared.key }, drag: { x: true, y: false } },
    scales: { x: { time: false }, y: { range: (_plot, _least, most) => [0, Math.max(most * 1.1, 1)] } },
    axes: [{ ...axisOf(34), values: (_plot, seconds) => seconds.map((second) => `${second} s`) }, axisOf(52)],
    series: [
      { label: 'At', value: (_plot, second) => (second === null || second === undefined ? '–' : `${second.toFixed(1)} s`) },
      ...lines.map(lineOf),
    ],
  };
}

/** One plot on a canvas, as wide as it may be. */
export class PlotView extends LitElement {
  static override readonly properties = { plot: { attribute: false } };

  declare plot: Plot;

  private drawn: uPlot | undefined;
  private readonly watch = new ResizeObserver(() => this.fit());
  private readonly recolour = (): void => {
    this.drop();
    this.requestUpdate();
  };

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.watch.observe(this);
    dark.addEventListener('change', this.recolour);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.watch.disconnect();
    dark.removeEventListener('change', this.recolour);
    this.drop();
  }

  private drop(): void {
    this.drawn?.destroy();
    this.drawn = undefined;
  }

  private fit(): void {
    const width = Math.floor(this.clientWidth);
    if (this.drawn !== undefined && width > 0 && this.drawn.width !== width) this.drawn.setSize({ width, height });
  }

  /** New figures go into the plot that is there; another set of lines needs another plot. */
  protected override updated(): void {
    const place = this.querySelector<HTMLElement>('.canvas');
    if (place === null) return;
    const data = [this.plot.seconds, ...this.plot.lines.map(({ values }) => values)] as uPlot.AlignedData;
    if (this.drawn !== undefined && this.drawn.series.length === data.length) {
      this.drawn.setData(data);
      return;
    }
    this.drop();
    this.drawn = new uPlot(optionsOf(this.plot, Math.max(200, Math.floor(this.clientWidth)), coloursOf(this)), data, place);
  }

  protected override render(): TemplateResult {
    const { name, unit } = this.plot;
    return html`<h3>${name} <span class="sub">${unit}</span></h3><div class="canvas"></div>`;
  }
}
