// A line chart as SVG, drawn anew at the width that it has: axes, up to two lines, and the value under the pointer.
import { drawn, element } from './dom.js';
import { clockTime } from './format.js';

/**
 * @typedef {{ readonly name: string, readonly values: readonly (number | null)[] }} Series
 * @typedef {{ readonly title: string, readonly format: (value: number) => string, readonly least?: number, readonly most?: number, readonly atLeast?: number }} ChartOptions
 */

const height = 150;
const margin = { left: 46, right: 10, top: 10, bottom: 20 };

export class Chart {
  #options;
  /** @type {readonly Series[]} */
  #series = [];
  #step = 1;
  /** @type {number | undefined} */
  #endsAt;
  #picture = drawn('svg', { class: 'chart', role: 'img' });
  #legend = element('div', { class: 'legend' });
  /** @type {number | undefined} */
  #pointer;

  /** @param {ChartOptions} options */
  constructor(options) {
    this.#options = options;
    this.root = element(
      'section',
      { class: 'card' },
      element(
        'div',
        { class: 'head' },
        element('h2', {}, options.title),
        element('div', { class: 'push' }, this.#legend),
      ),
      this.#picture,
    );
    new ResizeObserver(() => this.#draw()).observe(this.#picture);
    this.#picture.addEventListener('pointermove', (event) => {
      this.#pointer = event.offsetX;
      this.#draw();
    });
    this.#picture.addEventListener('pointerleave', () => {
      this.#pointer = undefined;
      this.#draw();
    });
  }

  /**
   * @param {readonly Series[]} series
   * @param {number} step milliseconds between two values
   * @param {number | undefined} endsAt
   */
  show(series, step, endsAt) {
    this.#series = series;
    this.#step = step;
    this.#endsAt = endsAt;
    this.#draw();
  }

  #draw() {
    const width = this.#picture.clientWidth;
    if (width === 0) return;
    const { title, format } = this.#options;
    this.#picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const points = Math.max(0, ...this.#series.map(({ values }) => values.length));
    if (points < 2 || this.#endsAt === undefined) {
      this.#picture.replaceChildren(
        drawn(
          'text',
          { x: width / 2, y: height / 2, 'text-anchor': 'middle' },
          'The first values come within half a minute.',
        ),
      );
      this.#picture.setAttribute('aria-label', `${title}: no values yet`);
      return;
    }
    const scale = this.#scale();
    const x = (/** @type {number} */ index) =>
      margin.left + (index / (points - 1)) * (width - margin.left - margin.right);
    const y = (/** @type {number} */ value) =>
      margin.top + (1 - (value - scale.least) / (scale.most - scale.least)) * (height - margin.top - margin.bottom);
    const first = this.#endsAt - (points - 1) * this.#step;
    const at = (/** @type {number} */ index) => clockTime(first + index * this.#step).slice(0, 5);
    const lines = scale.ticks.flatMap((tick) => [
      drawn('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick) }),
      drawn('text', { x: margin.left - 6, y: y(tick) + 4, 'text-anchor': 'end' }, format(tick)),
    ]);
    const middle = Math.floor((points - 1) / 2);
    const times = [
      drawn('text', { x: x(0), y: height - 5 }, at(0)),
      drawn('text', { x: x(middle), y: height - 5, 'text-anchor': 'middle' }, at(middle)),
      drawn('text', { x: x(points - 1), y: height - 5, 'text-anchor': 'end' }, at(points - 1)),
    ];
    const curves = this.#series.flatMap(({ values }, nth) => [
      ...(nth === 0 ? [drawn('path', { class: 'area series-1', d: area(values, x, y, y(scale.least)) })] : []),
      drawn('path', { class: `series-${nth + 1}`, d: path(values, x, y) }),
    ]);
    const pointed =
      this.#pointer === undefined
        ? undefined
        : Math.round(((this.#pointer - margin.left) / (width - margin.left - margin.right)) * (points - 1));
    const index = pointed === undefined ? points - 1 : Math.max(0, Math.min(points - 1, pointed));
    const cursor =
      pointed === undefined
        ? []
        : [drawn('line', { class: 'cursor', x1: x(index), x2: x(index), y1: margin.top, y2: height - margin.bottom })];
    this.#picture.replaceChildren(...lines, ...times, ...curves, ...cursor);
    const said = this.#series.map(({ name, values }) => {
      const value = values[index];
      return `${name} ${value === null || value === undefined ? '–' : format(value)}`;
    });
    this.#legend.replaceChildren(
      ...(pointed === undefined ? [] : [element('span', {}, clockTime(first + index * this.#step))]),
      ...said.map((text, nth) =>
        element(
          'span',
          {},
          drawn(
            'svg',
            { viewBox: '0 0 14 3', 'aria-hidden': 'true' },
            drawn('line', { class: `series-${nth + 1}`, x1: 0, x2: 14, y1: 1.5, y2: 1.5 }),
          ),
          text,
        ),
      ),
    );
    this.#picture.setAttribute('aria-label', `${title}, last: ${said.join(', ')}`);
  }

  #scale() {
    const { least: fixedLeast, most: fixedMost, atLeast = 0 } = this.#options;
    const known = this.#series.flatMap(({ values }) => values.filter((value) => value !== null));
    const least = fixedLeast ?? 0;
    const most = fixedMost ?? niceAbove(Math.max(least, atLeast, ...known));
    const ticks = [least, (least + most) / 2, most];
    return { least, most, ticks };
  }
}

/** The next of 1, 2, 4, 5, 10 times a power of ten. @param {number} value */
function niceAbove(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 4, 5, 10]) if (value <= factor * power) return factor * power;
  return 10 * power;
}

/**
 * A gap where nothing is known.
 * @param {readonly (number | null)[]} values
 * @param {(index: number) => number} x
 * @param {(value: number) => number} y
 */
function path(values, x, y) {
  return runs(values)
    .map((run) =>
      run
        .map(([index, value], nth) => `${nth === 0 ? 'M' : 'L'}${x(index).toFixed(1)},${y(value).toFixed(1)}`)
        .join(''),
    )
    .join('');
}

/**
 * @param {readonly (number | null)[]} values
 * @param {(index: number) => number} x
 * @param {(value: number) => number} y
 * @param {number} floor
 */
function area(values, x, y, floor) {
  return runs(values)
    .map((run) => {
      const [first, last] = [run[0]?.[0] ?? 0, run.at(-1)?.[0] ?? 0];
      const top = run.map(([index, value]) => `L${x(index).toFixed(1)},${y(value).toFixed(1)}`).join('');
      return `M${x(first).toFixed(1)},${floor}${top}L${x(last).toFixed(1)},${floor}Z`;
    })
    .join('');
}

/** @param {readonly (number | null)[]} values */
function runs(values) {
  /** @type {[number, number][][]} */
  const found = [];
  let isOpen = false;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      isOpen = false;
      continue;
    }
    if (!isOpen) found.push([]);
    isOpen = true;
    found.at(-1)?.push([index, value]);
  }
  return found;
}
